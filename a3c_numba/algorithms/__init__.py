"""The paper's methods, of which A3C is here so far; each is a small object that says where it differs."""

from .a3c import A3C

ALGORITHMS = {"a3c": A3C}
__all__ = ["A3C", "ALGORITHMS"]
