"""All parameters of a network as one flat vector, with named views into it.

The optimiser, clipping, copying, checkpoints and shared memory use the vector; a layer uses ``p["weight"]``.  Both
are the same memory: the views are made once, written in place and never re-bound.

    theta = [ conv1.weight | conv1.bias | conv2.weight | ... ]      a nested dict of views mirrors the network
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ..system.aligned import aligned_zeros

Shape = tuple[int, ...]
Shapes = Mapping[str, Union[Shape, "Shapes"]]
Tree = dict[str, Any]          # name -> array (of a gradient also its factors, see gradient.py), or -> another Tree


def size_of(shapes: Shapes) -> int:
    """Return the number of scalars in a tree of shapes."""
    return sum(prod(shape) for _, shape in leaves(shapes))


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its dotted name, in the order of the flat vector."""
    for name, child in tree.items():
        if isinstance(child, dict):
            yield from leaves(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


def views_of(flat: np.ndarray, shapes: Shapes) -> Tree:
    """Return the tree of ``shapes`` with each shape replaced by a view into ``flat``."""
    tree: Tree = {}
    start = 0
    for name, child in shapes.items():
        stop = start + (prod(child) if isinstance(child, tuple) else size_of(child))
        part = flat[start:stop]
        tree[name] = part.reshape(child) if isinstance(child, tuple) else views_of(part, child)
        start = stop
    return tree


class Parameters:
    """A flat vector ``flat`` (n,), and ``tree``, the nested dict of its views: ``tree["conv1"]["weight"]``."""

    def __init__(self, shapes: Shapes, flat: np.ndarray | None = None, dtype: npt.DTypeLike = np.float32) -> None:
        """Wrap ``flat``, or new zeros; raise ValueError if its size is not the network's."""
        size = size_of(shapes)
        self.flat = aligned_zeros(size, dtype) if flat is None else flat
        if self.flat.shape != (size,):
            raise ValueError(f"parameters must be of shape ({size},); got {self.flat.shape}")
        self.tree = views_of(self.flat, shapes)

    def named(self) -> dict[str, np.ndarray]:
        """Return ``{"conv1.weight": view, ...}``; writing to a view writes to ``flat``."""
        return dict(leaves(self.tree))
