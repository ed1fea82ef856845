# Benchmarks: programs that print ratios; no test runs them for a time.
add_executable(bench_order ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_order.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_site.c ${CMAKE_CURRENT_SOURCE_DIR}/bench/http_load.c
  ${CMAKE_CURRENT_SOURCE_DIR}/story/client.c)
set_target_properties(bench_order PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_include_directories(bench_order PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(bench_order PRIVATE pg_flags pg_hyperliquid pg_sign pg_base PkgConfig::CURL
  PkgConfig::JANSSON PkgConfig::SODIUM)
# Prints what passing a request on costs, beside nginx; no test runs it.
add_executable(bench_hop ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_hop.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/hop_nginx.c ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_site.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/http_load.c ${CMAKE_CURRENT_SOURCE_DIR}/story/client.c)
set_target_properties(bench_hop PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_include_directories(bench_hop PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(bench_hop PRIVATE pg_flags pg_hyperliquid pg_sign pg_base PkgConfig::CURL
  PkgConfig::JANSSON PkgConfig::SODIUM)
add_executable(bench_hl_feed ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_hl_feed.c)
set_target_properties(bench_hl_feed PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(bench_hl_feed PRIVATE pg_flags pg_venue PkgConfig::JANSSON)
