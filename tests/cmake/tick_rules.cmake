pg_unit(tick_rules LINK pg_paper pg_hyperliquid)
