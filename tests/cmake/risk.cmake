pg_unit(margin LINK pg_risk)
pg_unit(margin_apply LINK pg_risk)
pg_unit(states LINK pg_risk PkgConfig::JANSSON)
pg_unit(margin_target LINK pg_risk)
