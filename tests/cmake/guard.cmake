pg_unit(guard LINK pg_guard)
