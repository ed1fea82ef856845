pg_unit(api_fields LINK pg_api pg_venue pg_hyperliquid pg_plan PkgConfig::JANSSON)
pg_unit(api_query LINK pg_api pg_venue pg_hyperliquid PkgConfig::JANSSON)
pg_unit(turnstile LINK pg_api pg_venue pg_hyperliquid pg_loop)
pg_fuzz(order_json LINK pg_api pg_venue pg_hyperliquid pg_plan PkgConfig::JANSSON)
