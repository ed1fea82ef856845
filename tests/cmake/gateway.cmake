# The whole gateway in one process, on its own paper venue.
function(pg_gateway_unit name)
  pg_unit(${name} SOURCES ${CMAKE_SOURCE_DIR}/gateway/app_parts.c ${CMAKE_SOURCE_DIR}/gateway/ws_paths.c
    LINK pg_alerts pg_api pg_compat pg_keeper pg_mirror pg_guard pg_venue pg_hyperliquid pg_paper pg_auth pg_brand pg_edge pg_journal pg_loop
         pg_ops pg_plan pg_risk pg_sign pg_store pg_ctl pg_base PkgConfig::JANSSON PkgConfig::SODIUM ${ARGN})
endfunction()

pg_gateway_unit(api_socket)
pg_gateway_unit(api_socket_orders)
