foreach(lint headers symbols includes length calls format coverage described)
  add_test(NAME lint_${lint}
    COMMAND ${CMAKE_SOURCE_DIR}/tests/lint/${lint}.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  set_tests_properties(lint_${lint} PROPERTIES LABELS lint TIMEOUT 120
    ENVIRONMENT "CC=${CMAKE_C_COMPILER}")
endforeach()
