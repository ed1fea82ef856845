# Prints what WebSockets cost at the edge, beside a bare libwebsockets server; no test runs it.
add_executable(bench_edge ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_edge.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/edge_server.c ${CMAKE_CURRENT_SOURCE_DIR}/bench/edge_gateway.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/edge_bare.c ${CMAKE_CURRENT_SOURCE_DIR}/bench/edge_load.c)
set_target_properties(bench_edge PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_include_directories(bench_edge PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/bench ${LIBEV_INCLUDE})
target_link_libraries(bench_edge PRIVATE pg_flags pg_edge pg_loop pg_base PkgConfig::LWS ${LIBEV_LIBRARY})
target_compile_definitions(bench_edge PRIVATE BENCH_DIR="${CMAKE_CURRENT_SOURCE_DIR}/bench")
