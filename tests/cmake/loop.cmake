pg_unit(loop LINK pg_loop)
pg_unit(http_client LINK pg_loop)
pg_unit(ws_client LINK pg_loop pg_edge)
pg_unit(ws_client_tls LINK pg_loop pg_edge PkgConfig::OPENSSL)
