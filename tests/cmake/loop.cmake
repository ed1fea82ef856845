pg_unit(loop LINK pg_loop)
