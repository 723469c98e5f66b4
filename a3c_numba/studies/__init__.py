"""Studies of many runs, and measurements of this machine: sweep, speedup, bench, operation counts."""
