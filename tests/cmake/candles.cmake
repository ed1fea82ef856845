pg_unit(candle_store LINK pg_store pg_loop pg_base)
pg_unit(candles LINK pg_api pg_venue pg_hyperliquid)
