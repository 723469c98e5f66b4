"""The operating system and the machine: shared memory, processes, signals, files; knows no reinforcement learning."""
