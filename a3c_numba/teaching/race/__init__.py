"""Who reads and who writes theta, recorded and counted."""
