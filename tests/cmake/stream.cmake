foreach(name hub hub_random)
  pg_unit(${name} LINK pg_stream SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/hub_world.c)
endforeach()
