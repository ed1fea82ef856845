pg_unit(letter LINK pg_journal)
pg_unit(recover LINK pg_journal)
pg_unit(store_letters LINK pg_store)
pg_fuzz(letter LINK pg_journal)
