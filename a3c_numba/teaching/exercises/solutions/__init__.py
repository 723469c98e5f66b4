"""The ten exercises solved.  Nothing here is copied or shown by a command: who wants to see it opens the file."""
