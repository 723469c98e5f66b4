"""Material for learners: exercises, bugs to find, and recordings of lock-free updates."""
