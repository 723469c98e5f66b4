"""The paper's methods; each is a small object that says where it differs from the others."""

from .a3c import A3C

ALGORITHMS = {"a3c": A3C}
__all__ = ["A3C", "ALGORITHMS"]
