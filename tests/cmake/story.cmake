# The story as a program (the demo's --story runs it) and as a test.
add_executable(perpgate-story ${CMAKE_CURRENT_SOURCE_DIR}/story/story.c
  ${CMAKE_CURRENT_SOURCE_DIR}/story/client.c)
target_include_directories(perpgate-story PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(perpgate-story PRIVATE pg_flags pg_sign pg_base PkgConfig::CURL
  PkgConfig::JANSSON PkgConfig::SODIUM)
add_test(NAME story COMMAND perpgate-story $<TARGET_FILE:perpgate>)
set_tests_properties(story PROPERTIES TIMEOUT 120)
