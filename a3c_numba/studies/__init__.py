"""Studies of many runs (sweep, speedup) and measurements of this machine (bench, operation counts)."""
