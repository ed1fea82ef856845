pg_unit(httpd LINK pg_edge)
pg_unit(httpd_ws LINK pg_edge)
