foreach(part match margin trigger liquidation reads property state dex preview)
  pg_unit(engine_${part} LINK pg_paper_engine)
endforeach()
