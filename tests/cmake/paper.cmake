foreach(name paper paper_rules paper_ws)
  pg_unit(${name} SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture.c LINK pg_paper)
endforeach()
