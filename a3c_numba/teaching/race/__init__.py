"""Records when workers read and write theta, and counts stale, overlapping and lost updates."""
