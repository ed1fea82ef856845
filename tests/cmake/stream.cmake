pg_unit(hub LINK pg_stream SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/hub_world.c)
