pg_unit(plan LINK pg_plan)
pg_unit(plan_risk LINK pg_plan)
pg_unit(plan_steps LINK pg_plan)
pg_unit(plan_modify LINK pg_plan)
