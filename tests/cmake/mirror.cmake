pg_unit(mirror_random LINK pg_mirror pg_paper_engine
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/mirror_world.c
    ${CMAKE_CURRENT_SOURCE_DIR}/unit/mirror_world_trade.c)
foreach(name mirror mirror_own mirror_orders mirror_needs mirror_liquidation
    mirror_funding mirror_suspicion mirror_moment mirror_history)
  pg_unit(${name} LINK pg_mirror)
endforeach()
pg_unit(keeper LINK pg_keeper)
