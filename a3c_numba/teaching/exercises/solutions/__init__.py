"""The ten exercises, solved.  No command prints or copies an answer; the markers are explained in ../menu.py."""
