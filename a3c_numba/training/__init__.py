"""A training run: the trainer, the supervisor of its workers, its progress bar, and the limits that end it."""
