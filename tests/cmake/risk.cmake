pg_unit(margin LINK pg_risk)
