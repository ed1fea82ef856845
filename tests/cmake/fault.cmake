# What tests/fault preloads into the gateway: free of sanitizers, since it stands before their runtime.
add_library(fault_shim MODULE ${CMAKE_CURRENT_SOURCE_DIR}/fault/shim/fault_shim.c)
set_target_properties(fault_shim PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_compile_options(fault_shim PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
target_compile_definitions(fault_shim PRIVATE _GNU_SOURCE)
target_link_libraries(fault_shim PRIVATE ${CMAKE_DL_LIBS})
# Reads a store that nobody has open, for tests/fault.
pg_driver(store_look LINK pg_base PkgConfig::SQLITE PkgConfig::SODIUM PkgConfig::JANSSON)
