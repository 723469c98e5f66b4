"""Environments: Atari games, toys, and gymnasium's environments; ``make`` makes one from its id."""
