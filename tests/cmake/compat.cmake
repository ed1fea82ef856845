# Hyperliquid's own wire on the brands' hosts.
pg_unit(compat_span LINK pg_compat pg_venue pg_hyperliquid PkgConfig::JANSSON)
pg_unit(compat_action LINK pg_compat pg_venue pg_hyperliquid PkgConfig::JANSSON)
pg_fuzz(compat_span LINK pg_compat pg_venue pg_hyperliquid PkgConfig::JANSSON)
