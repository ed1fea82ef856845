pg_unit(margin LINK pg_risk)
pg_unit(margin_apply LINK pg_risk)
pg_unit(states LINK pg_risk PkgConfig::JANSSON)
foreach(name margin_target margin_account margin_model size)
  pg_unit(${name} LINK pg_risk)
endforeach()
pg_driver(risk_states LINK pg_hyperliquid
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/drivers/risk_line.c)
# The table of errors over the captured account states is a test, too: nothing judged may be off.
pg_driver(risk_errors LINK pg_hyperliquid
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/drivers/risk_line.c)
add_test(NAME risk_errors COMMAND risk_errors ${CMAKE_SOURCE_DIR}/../shared/captures)
set_tests_properties(risk_errors PROPERTIES SKIP_RETURN_CODE 77)
pg_unit(risk_states LINK pg_base PkgConfig::JANSSON)
target_compile_definitions(test_risk_states PRIVATE RISK_STATES="$<TARGET_FILE:risk_states>")
add_dependencies(test_risk_states risk_states)
pg_fuzz(exposure LINK pg_hyperliquid)
