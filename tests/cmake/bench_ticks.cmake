# Prints what keeping up with the marks costs, beside recomputing everybody; no test runs it.
add_executable(bench_ticks ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_ticks.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/ticks_world.c ${CMAKE_CURRENT_SOURCE_DIR}/bench/ticks_mirror.c
  ${CMAKE_CURRENT_SOURCE_DIR}/bench/ticks_plain.c)
set_target_properties(bench_ticks PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_include_directories(bench_ticks PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(bench_ticks PRIVATE pg_flags pg_mirror)
