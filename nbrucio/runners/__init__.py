"""How notebooks are executed: in a process of ours, with their data."""
