"""The budgets, measured beside pg_activity in the same run by `scripts/bench`. No test: nothing is asserted here."""
