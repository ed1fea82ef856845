pg_driver(sign_vectors LINK pg_hyperliquid)
