pg_unit(store LINK pg_store PkgConfig::SQLITE PkgConfig::SODIUM)
pg_unit(store_intent LINK pg_store PkgConfig::SQLITE)
pg_unit(store_faults LINK pg_store PkgConfig::SQLITE)
