"""Optimisers that several processes apply to the same parameters without a lock."""

from .rmsprop import RMSProp

OPTIMIZERS = {"rmsprop": RMSProp}
__all__ = ["OPTIMIZERS", "RMSProp"]
