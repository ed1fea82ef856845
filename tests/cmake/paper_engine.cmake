pg_unit(engine_match LINK pg_paper_engine)
