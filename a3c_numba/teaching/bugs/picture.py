"""Healthy and broken runs in one picture: two panels, a thin line for each seed, a thick one for their mean."""

from pathlib import Path
from typing import Sequence

import numpy as np

from ...plots.axes import Axes, Box, span_of
from ...plots.canvas import GREY, INK, PALETTE, WHITE, Canvas, Colour
from .lesson import Gauge
from .trial import BINS, Record

SIZE = 1200, 560
COLOURS: dict[str, Colour] = {"healthy": PALETTE[0], "broken": PALETTE[1]}
Runs = dict[str, list[Record]]              # "healthy" and "broken"


def mean(curves: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean (BINS,) over the runs that have a value in a bin; nan if none has."""
    table = np.array(curves)
    counts = np.isfinite(table).sum(axis=0)
    return np.where(counts > 0, np.nansum(table, axis=0) / np.maximum(counts, 1), np.nan)


def middles(record: Record) -> np.ndarray:
    """Return the agent steps (BINS,) in the middle of each bin."""
    return (np.arange(BINS) + 0.5) * record.total_steps / BINS


def draw(title: str, gauges: Sequence[Gauge], runs: Runs, out: Path) -> list[Axes]:
    """Write the picture to ``out``; return the axes of its panels."""
    canvas = Canvas(*SIZE)
    canvas.text(title, (28, 42), 26, INK, bold=True)
    x = 28.0
    for name, colour in COLOURS.items():
        label = f"{name}: thick the mean, thin each of {len(runs[name])} seeds"
        canvas.line([(x, 72), (x + 30, 72)], colour, 4.0)
        canvas.text(label, (x + 38, 78), 17)
        x += 70 + canvas.text_width(label, 17)
    width = SIZE[0] / len(gauges)
    axes = [_panel(canvas, gauge, runs, Box(k * width + 85, 140, (k + 1) * width - 25, SIZE[1] - 75))
            for k, gauge in enumerate(gauges)]
    canvas.save(out)
    return axes


def _panel(canvas: Canvas, gauge: Gauge, runs: Runs, box: Box) -> Axes:
    curves = {name: [gauge.curve(record) for record in records] for name, records in runs.items()}
    x = middles(runs["healthy"][0]) / 1000
    everything = np.concatenate([curve for group in curves.values() for curve in group])
    axes = Axes(canvas, box, span_of(np.append(x, 0.0), 0.01), span_of(everything, 0.05))
    canvas.text(gauge.label, (box.left - 57, box.top - 20), 17, GREY)
    canvas.text("agent steps (thousands)", ((box.left + box.right) / 2, SIZE[1] - 20), 18, INK, align=0.5)
    for name, group in curves.items():
        for curve in group:
            _line(axes, x, curve, _paler(COLOURS[name]), 1.0)
    for name, group in curves.items():
        _line(axes, x, mean(group), COLOURS[name], 4.0)
    return axes


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, colour: Colour, width: float) -> None:
    there = np.isfinite(y)
    axes.canvas.line(axes.to_pixels(x[there], y[there]), colour, width)


def _paler(colour: Colour) -> Colour:
    red, green, blue = ((part + white) // 2 for part, white in zip(colour, WHITE))
    return red, green, blue
