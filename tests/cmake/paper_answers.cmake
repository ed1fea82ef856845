pg_unit(paper_answers LINK pg_paper
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture_net.c)
