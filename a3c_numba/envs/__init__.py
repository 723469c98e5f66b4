"""Environments: Atari games, toys, and whatever gymnasium makes; ``make`` makes one from its id."""
