"""Healthy and broken runs in one picture: two panels, a thin line for each seed, a thick one for their mean."""

from pathlib import Path
from typing import Sequence

import numpy as np

from ...plots.axes import Axis, span_of
from ...plots.chart import Chart, Key, Panel, Series
from ...plots.colours import PALETTE, Colour, paler
from ...plots.drawing import Axes, save_picture
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
    keys = [Key(f"{name}: thick the mean, thin each of {len(runs[name])} seeds", colour)
            for name, colour in COLOURS.items()]
    return save_picture(Chart(title, SIZE, [_panel(gauge, runs) for gauge in gauges], keys), out)


def _panel(gauge: Gauge, runs: Runs) -> Panel:
    curves = {name: [gauge.curve(record) for record in records] for name, records in runs.items()}
    x = middles(runs["healthy"][0]) / 1000
    everything = np.concatenate([curve for group in curves.values() for curve in group])
    thin = [Series("", x, curve, colour=paler(COLOURS[name]), width=1.0)
            for name, group in curves.items() for curve in group]
    thick = [Series(name, x, mean(group), colour=COLOURS[name], width=4.0) for name, group in curves.items()]
    return Panel(Axis(span_of(np.append(x, 0.0), 0.01), "agent steps (thousands)"),
                 Axis(span_of(everything, 0.05), gauge.label), series=[*thin, *thick])
