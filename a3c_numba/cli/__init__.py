"""The command line: one file a command; no other folder imports it."""
