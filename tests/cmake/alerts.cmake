pg_unit(alerts LINK pg_alerts PkgConfig::SODIUM)
