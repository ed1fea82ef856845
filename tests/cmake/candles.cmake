pg_unit(candle_store LINK pg_store pg_loop pg_base)
