"""A batch of images through the layers at the bottom of a network: what two of them have in common is computed once.

Images drawn from a replay memory differ in few places: of Pong's 400 patches in about 40.  Each is compared with the
row before it, as in ``step``; a few at a time are taken through all of these layers and stay in the processor's cache.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...fast_kernels.fresh_patches import changed_pixels
from ..parameters import Tree
from .base import Changed, Layer
from .conv2d import Conv2d
from .input_scaling import Center, Scale
from .relu import ReLU

FEW = 8                        # images at a time


def forward_images(layers: Mapping[str, Layer[Any]], p: Tree, images: np.ndarray, caches: list[Any]) -> int:
    """Compute y of the layers whose y are images, into the first rows of their caches; return how many layers."""
    images_of = (isinstance(layer, (Conv2d, ReLU, Scale)) and len(layer.output_shape) == 3 for layer in layers.values())
    count = [*images_of, False].index(False)
    for start in range(0, len(images) if count else 0, FEW):
        rows = slice(start, min(start + FEW, len(images)))
        x, changed = images, None
        for (name, layer), cache in zip(layers.items(), caches[:count]):
            if isinstance(layer, Conv2d) and cache.tiled and changed is not None:
                changed = layer.forward_fresh(p[name], x, cache, rows, changed)
            else:
                layer.forward(p.get(name, {}), x[rows], cache, rows)
                changed = _changed_by(layer, x, cache, rows, changed)
            x = cache.y
    return count


def _changed_by(layer: Layer[Any], x: np.ndarray, cache: Any, rows: slice, changed: Changed) -> Changed:
    """Return where y (n, H, W) of these rows may differ from the row before."""
    if not isinstance(layer, Scale):
        return changed if isinstance(layer, ReLU) else None
    first, changed = max(rows.start, 1), np.ones(cache.y[rows].shape[:-1], np.bool_)
    changed[first - rows.start:] = changed_pixels(x[first - 1:rows.stop - 1], x[first:rows.stop])
    for t in range(first, rows.stop if isinstance(layer, Center) else first):
        if cache.greys[t] != cache.greys[t - 1]:                         # then each number differs
            changed[t - rows.start] = True
    return changed
