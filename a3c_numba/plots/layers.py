"""Pictures of a network: the weights of its first layer, and the activations of its layers for one observation."""

from pathlib import Path
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from .axes import Box, Floats
from .colours import GREY, INK
from .heat import Sheet, heat_map, limit_of, signed, tiles

WIDTH, MARGIN = 1240, 28
ROOM = WIDTH - 2 * MARGIN
NUMBERS_FIT = 18               # the longest vector whose numbers are written below it
LARGEST_TILE = 66.0


def filters_picture(weight: Floats, name: str, out: Union[str, Path]) -> None:
    """Draw ``weight`` (k, k, planes, filters) of the first layer: a row for each plane, a column for each filter."""
    k, _, planes, filters = weight.shape
    left = MARGIN + 104
    pitch = min(90.0, (WIDTH - left - MARGIN) / filters)
    sheet, limit = Sheet(WIDTH, round(176 + planes * pitch + 24)), limit_of(weight)
    sheet.title(f"First layer: {filters} filters of {k}x{k} pixels",
                f"{name}, one column per filter, one row per frame; white is 0; one scale for all")
    sheet.scale((WIDTH - 60, 96), limit)
    for o in range(filters):
        sheet.text(str(o), (left + (o + 0.5) * pitch, 164), 15, INK, align=0.5)
        for c in range(planes):
            corner = left + o * pitch + 3, 174 + c * pitch + 3
            sheet.framed(signed(weight[:, :, c, o], limit), corner, (pitch - 6, pitch - 6))
    sheet.text("filter", (left - 12, 164), 15, GREY, align=1.0)
    for c in range(planes):
        sheet.text(plane_name(c, planes), (left - 12, 174 + (c + 0.5) * pitch + 5), 15, INK, align=1.0)
    sheet.save(out)


def plane_name(c: int, planes: int) -> str:
    """Return the name of plane ``c`` of a stack of frames; the newest is last."""
    return "newest" if c == planes - 1 else f"{planes - 1 - c} before"


def matrices_picture(weights: dict[str, Floats], out: Union[str, Path]) -> None:
    """Draw the weights (inputs, units) of the first layers, by name, one below the other."""
    each, top = 330, 120
    sheet = Sheet(WIDTH, top + each * len(weights))
    sheet.title("First layer: a weight for each input and unit", "white is 0; each matrix has its own scale")
    for row, (name, weight) in enumerate(weights.items()):
        box = Box(MARGIN + 62, top + row * each + 32, WIDTH - MARGIN, top + (row + 1) * each - 66)
        inputs, units = weight.shape
        limit = limit_of(weight)
        sheet.text(f"{name} ({inputs}, {units})", (MARGIN, box.top - 14), 18, INK, bold=True)
        sheet.scale((box.right - 30, box.top - 42), limit)
        heat_map(sheet, box, signed(weight, limit), "unit")
        sheet.text("input, from the bottom up", (box.left, box.bottom + 46), 16, GREY)
    sheet.save(out)


def activations_picture(obs: npt.NDArray[np.generic], layers: dict[str, Floats], out: Union[str, Path]) -> None:
    """Draw an observation, (height, width, planes) bytes or a vector, and the output of each layer, by name."""
    rows: dict[str, Any] = {"the observation": obs, **layers}
    sheet = Sheet(WIDTH, round(100 + sum(_height(x) for x in rows.values())))
    sheet.title("Activations of the network for one observation",
                "orange: above 0, passes a ReLU; blue: below 0, does not pass; each layer has its own scale; numbers "
                "beyond it have the full colour")
    top = 100.0
    for name, x in rows.items():
        (_draw_images if x.ndim == 3 else _draw_vector)(sheet, name, x, top)
        top += _height(x)
    sheet.save(out)


def _side(images: npt.NDArray[np.generic]) -> tuple[int, float]:
    """Return how many of the images (height, width, n) are in a row, and the width of each with its margin."""
    n = images.shape[-1]
    if images.dtype == np.uint8:
        return n, min(186.0, ROOM / n)
    columns = min(n, max(1, int(ROOM // LARGEST_TILE)), 16)
    return columns, min(LARGEST_TILE, ROOM / columns)


def _height(x: npt.NDArray[np.generic]) -> float:
    """Return the pixels from the top of a layer's heading to that of the next."""
    if x.ndim != 3:
        return 128.0
    columns, pitch = _side(x)
    return 66 + -(-x.shape[-1] // columns) * pitch * x.shape[0] / x.shape[1]


def _draw_images(sheet: Sheet, name: str, images: npt.NDArray[np.generic], top: float) -> None:
    height, width, n = images.shape
    columns, pitch = _side(images)
    seen, limit = images.dtype == np.uint8, limit_of(np.maximum(images, 0))       # the limit of what passes a ReLU
    order = ", oldest frame first" if seen else ""
    _heading(sheet, f"{name}: {n} of {height}x{width}{order}", top, None if seen else limit)
    for k, plane in enumerate(tiles(images)):
        corner = MARGIN + k % columns * pitch, top + 40 + k // columns * pitch * height / width
        size = pitch - 5, pitch * height / width - 5
        sheet.framed(np.repeat(plane[..., None], 3, axis=-1) if seen else signed(plane, limit), corner, size)


def _draw_vector(sheet: Sheet, name: str, x: Floats, top: float) -> None:
    n, limit = len(x), limit_of(x)
    _heading(sheet, f"{name}: {n} number{'s' * (n > 1)}", top, limit)
    width = min(ROOM, 64.0 * n)
    sheet.framed(signed(x[None], limit), (MARGIN, top + 40), (width, 34))
    step = 1 if n <= NUMBERS_FIT else 2 ** int(np.ceil(np.log2(n / 20)))
    for i in range(0, n, step):
        words = f"{x[i]:.3g}" if n <= NUMBERS_FIT else str(i)
        sheet.text(words, (MARGIN + (i + 0.5) * width / n, top + 94), 14, INK, align=0.5)


def _heading(sheet: Sheet, words: str, top: float, limit: Union[float, None]) -> None:
    sheet.text(words, (MARGIN, top + 26), 18, INK, bold=True)
    if limit is not None:
        sheet.scale((WIDTH - 60, top), limit)
