"""Values and the planner: no input, no output."""
