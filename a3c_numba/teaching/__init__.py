"""Material for learners: exercises, bugs to find, and the race for theta made visible."""
