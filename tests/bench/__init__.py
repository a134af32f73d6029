"""The budgets, measured beside pg_activity in the same run; `scripts/bench` runs it. No test: nothing here is asserted."""
