pg_unit(recover_undone LINK pg_journal)
