# The wire side: Hyperliquid's protocol around the engine, and the program that runs it alone.
pg_module(pg_paper
  SOURCES follow.c jot.c paper.c paper_agents.c paper_budget.c paper_candles.c paper_control.c paper_dexes.c
    paper_exchange.c paper_family.c paper_faults.c paper_feed.c paper_feed_fast.c paper_feed_notes.c paper_feed_twap.c
    paper_frame.c paper_funding.c paper_info.c paper_info_account.c paper_info_dex.c paper_info_market.c
    paper_info_person.c paper_journal.c paper_late.c paper_ledger.c paper_limits.c paper_market.c paper_mirror.c paper_mode.c
    paper_multi_sig.c paper_node.c paper_nonces.c paper_referral.c paper_send.c paper_show.c paper_show_spot.c paper_source.c
    paper_state.c paper_state_market.c paper_state_more.c paper_state_users.c paper_tape.c
    paper_trade.c paper_transfer.c paper_twap.c paper_universe.c paper_users.c paper_ws.c record.c
    recording.c recording_file.c
  LINK pg_base pg_loop pg_edge pg_sign pg_risk pg_hyperliquid pg_paper_engine PkgConfig::JANSSON
  NO_FLOAT)

add_executable(perpgate-paper paper_main.c)
target_link_libraries(perpgate-paper PRIVATE pg_paper)
