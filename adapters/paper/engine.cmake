# The exchange itself: pure, and exact like everything that decides about money.
pg_module(pg_paper_engine
  SOURCES archive.c engine.c engine_account.c engine_book.c engine_cancel.c engine_check.c engine_fill.c
    engine_liquidation.c engine_match.c engine_order.c engine_place.c engine_setting.c engine_state.c
    engine_state_load.c
    engine_trigger.c engine_update.c engine_dex.c
  LINK pg_base pg_risk
  PRIVATE_LINK pg_sign
  NO_FLOAT)
