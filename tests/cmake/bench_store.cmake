# Prints what journaling an order costs beside bare SQLite; no test runs it.
add_executable(bench_store ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_store.c)
set_target_properties(bench_store PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(bench_store PRIVATE pg_flags pg_store PkgConfig::SQLITE)
# Orders a second with the journal beside those without it; no test runs it.
add_executable(bench_journal ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_journal.c)
set_target_properties(bench_journal PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(bench_journal PRIVATE pg_flags pg_store pg_sign)
