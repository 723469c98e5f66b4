"""A training run: the trainer, the supervisor of its workers, what reports it, and the limits that end it."""
