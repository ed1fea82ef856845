pg_unit(ladder LINK pg_mirror)
pg_unit(ticks LINK pg_mirror)
pg_unit(ticks_property LINK pg_mirror)
pg_unit(band LINK pg_mirror)
