pg_fuzz(paper_wire LINK pg_paper pg_hyperliquid)
pg_fuzz(api_body LINK pg_api pg_venue pg_hyperliquid pg_plan PkgConfig::JANSSON)
target_link_options(fuzz_api_body PRIVATE -Wl,--wrap=call_fields -Wl,--wrap=call_fail)
