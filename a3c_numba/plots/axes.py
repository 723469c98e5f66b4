"""Axes: the spans of numbers, round ticks, and the map from numbers to the share of an axis.

    share = (x - low) / (high - low),  on a logarithmic axis  log(x / low) / log(high / low)
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MARGIN = 0.03                  # of the decades of a logarithmic axis, on both sides


class Span(NamedTuple):
    """The range of an axis, from ``low`` to ``high``."""

    low: float
    high: float


class Box(NamedTuple):
    """A rectangle, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def span_of(values: npt.ArrayLike, margin: float) -> Span:
    """Return the span of all finite ``values``, plus ``margin`` of it on both sides; 0 to 1 if there are none.

    A span that would start a little above zero starts at zero.
    """
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return Span(0.0, 1.0)
    low, high = float(numbers.min()), float(numbers.max())
    if 0.0 < low < 0.25 * high:
        low = 0.0
    width = high - low or max(1.0, 0.1 * abs(high))  # not 0 for a constant
    spare = max(margin * width, 0.5 * (width - (high - low)))
    return Span(0.0 if low == 0.0 else low - spare, high + spare)


def log_span(values: npt.ArrayLike) -> Span:
    """Return the span of all finite ``values`` above 0, with a margin; 1 to 10 if there are none.

    It is at least a factor of 4 wide.
    """
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers) & (numbers > 0)]
    if numbers.size == 0:
        return Span(1.0, 10.0)
    low, high = float(numbers.min()), float(numbers.max())
    spare = max((high / low) ** MARGIN, 100.0 ** MARGIN, 2.0 * (low / high) ** 0.5)
    return Span(low / spare, high * spare)


def nice_ticks(span: Span, count: int) -> list[float]:
    """Return the multiples of 1, 2, 2.5 or 5 times a power of ten inside ``span``: about ``count``, never many more."""
    rough = (span.high - span.low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= 0.999 * rough)
    first, last = math.ceil(span.low / step - 1e-9), math.floor(span.high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def log_ticks(span: Span, count: int = 9) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten inside ``span``, or the powers alone if those are more than ``count``.

    For less than 0.7 decades return the ticks of a linear axis.
    """
    decades = math.log10(span.high) - math.log10(span.low)
    if decades < 0.7:
        return nice_ticks(span, 7)
    powers = range(math.floor(math.log10(span.low)), math.ceil(math.log10(span.high)) + 1)
    every = math.ceil(decades / (count + 3))
    factors = (1, 2, 5) if 3 * decades <= count + 1e-9 else (1,)
    ticks = [float(f"{factor}e{power}") for power in powers if power % every == 0 for factor in factors]
    return [tick for tick in ticks if span.low <= tick <= span.high]


def tick_labels(ticks: list[float]) -> list[str]:
    """Return the ticks as text, all with the number of decimals that their step needs."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if not 1e-4 <= step < 1e7:
        return [f"{tick:g}" for tick in ticks]
    decimals = next((places for places in range(6) if math.isclose(round(step, places), step, rel_tol=1e-6)), 6)
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]


@dataclass(frozen=True)
class Axis:
    """One axis with its name; ``fixed`` ticks, (number, label), replace the round ones and have no grid."""

    span: Span
    label: str = ""
    is_log: bool = False
    fixed: Sequence[tuple[float, str]] | None = None

    def share(self, numbers: npt.ArrayLike) -> Floats:
        """Map numbers to 0 .. 1 along the axis; NaN if a logarithmic axis cannot show them."""
        x, (low, high) = np.asarray(numbers, np.float64), self.span
        if self.is_log:
            x, low, high = np.log(np.where(x > 0, x, np.nan)), math.log(low), math.log(high)
        return (x - low) / (high - low)

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """Return about ``count`` round numbers and their labels, or the fixed ones."""
        if self.fixed is not None:
            return list(self.fixed)
        ticks = log_ticks(self.span, count) if self.is_log else nice_ticks(self.span, count)
        labels = [f"{tick:g}" for tick in ticks] if self.is_log else tick_labels(ticks)
        if max(map(len, labels), default=0) > 9:
            labels = [f"{tick:.3g}" for tick in ticks]
        return list(zip(ticks, labels))


def lane_axis(lanes: int, every: int = 1, word: str = "", label: str = "") -> Axis:
    """Return the vertical axis of lanes, 0 at the top; one in ``every`` has its number, after ``word``.

    Lane k reaches from ``lanes - k - 1`` to ``lanes - k``.
    """
    return Axis(Span(0, lanes), label, fixed=[(lanes - k - 0.5, f"{word}{k}") for k in range(0, lanes, every)])
