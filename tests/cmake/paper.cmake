foreach(name paper paper_actions paper_dex paper_family paper_faults paper_info paper_limits paper_live
    paper_multi_sig paper_rules paper_send paper_source paper_state paper_twap paper_ws)
  pg_unit(${name} LINK pg_paper PkgConfig::SODIUM
    SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture.c
      ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture_net.c)
endforeach()
pg_unit(recording LINK pg_paper)
pg_fuzz(recording LINK pg_paper)
pg_fuzz(paper_state LINK pg_paper)
pg_unit(keeper_tap LINK pg_paper pg_venue pg_keeper
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture_net.c)
foreach(name hl_feed_paper hl_feed_paper_market)
  pg_unit(${name} LINK pg_paper pg_venue
    SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture.c
      ${CMAKE_CURRENT_SOURCE_DIR}/unit/paper_fixture_net.c)
endforeach()
