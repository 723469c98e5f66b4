"""All parameters of a network as one flat vector, with named views into it.

The optimiser, clipping, copying, checkpoints and shared memory use the vector; a layer uses ``p["weight"]``.  Both
are the same memory: the views are made once, written in place and never re-bound.

    theta = [ conv1.weight | conv1.bias | conv2.weight | ... ]      a nested dict of views mirrors the network
"""

from math import prod
from typing import Any, Iterator

import numpy as np

Shape = tuple[int, ...]
Tree = dict[str, Any]  # name -> shape (a tuple) or array, or -> another Tree


def size_of(shapes: Tree) -> int:
    """Return the number of scalars in a tree of shapes."""
    return sum(prod(shape) for _, shape in leaves(shapes))


def leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its dotted name, in the order of the flat vector."""
    for name, child in tree.items():
        if isinstance(child, dict):
            yield from leaves(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


def views_of(flat: np.ndarray, shapes: Tree) -> Tree:
    """Return the tree of ``shapes`` with each shape replaced by a view into ``flat``."""
    tree, _ = _views_from(flat, shapes, 0)
    return tree


def _views_from(flat: np.ndarray, shapes: Tree, start: int) -> tuple[Tree, int]:
    tree: Tree = {}
    for name, child in shapes.items():
        if isinstance(child, dict):
            tree[name], start = _views_from(flat, child, start)
        else:
            stop = start + prod(child)
            tree[name] = flat[start:stop].reshape(child)
            start = stop
    return tree, start


class Parameters:
    """A flat vector and its named views.

    Attributes:
        flat: shape (n,), the memory itself.
        tree: nested dict of views, ``tree["conv1"]["weight"]``.
    """

    def __init__(self, shapes: Tree, flat: np.ndarray | None = None, dtype: Any = np.float32) -> None:
        """Wrap ``flat``, or new zeros; raise ValueError if its size is not the network's."""
        size = size_of(shapes)
        self.flat = aligned_zeros(size, dtype) if flat is None else flat
        if self.flat.shape != (size,):
            raise ValueError(f"parameters must be of shape ({size},); got {self.flat.shape}")
        self.tree = views_of(self.flat, shapes)

    def named(self) -> dict[str, np.ndarray]:
        """Return ``{"conv1.weight": view, ...}``; writing to a view writes to ``flat``."""
        return dict(leaves(self.tree))


def aligned_zeros(size: int, dtype: Any = np.float32) -> np.ndarray:
    """Return zeros that start at a cache line (64 bytes), so that no vector load of a row straddles two lines."""
    dtype = np.dtype(dtype)
    raw = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size * dtype.itemsize].view(dtype)
