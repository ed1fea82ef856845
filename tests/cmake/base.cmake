pg_unit(num LINK pg_base)
pg_fuzz(num LINK pg_base)
