pg_unit(mirror_random LINK pg_mirror pg_paper_engine
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/mirror_world.c)
pg_unit(mirror LINK pg_mirror)
