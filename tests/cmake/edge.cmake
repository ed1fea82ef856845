pg_unit(httpd LINK pg_edge)
