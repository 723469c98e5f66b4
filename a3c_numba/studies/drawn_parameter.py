"""A hyper-parameter that is drawn for each run of a study, and its distribution."""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import Config
from ..system.text import short_repr
from ..validation import validate

LEARNING_RATE = "learning_rate"


@dataclass(frozen=True)
class Draw:
    """A distribution of numbers above 0: ``kind`` "loguniform", "uniform", or "fixed", which draws ``low``."""

    kind: str
    low: float
    high: float

    @classmethod
    def read(cls, text: str) -> "Draw":
        """Read "loguniform:1e-4:1e-2", "uniform:1e-4:1e-2" or "7e-4"; raise ValueError, one line."""
        kind, *ends = text.split(":") if ":" in text else ("fixed", text, text)
        try:
            low, high = map(float, ends)
        except ValueError:
            low = high = math.nan
        known = kind in ("loguniform", "uniform") and low < high if ":" in text else low == high
        if not known or not 0 < low <= high < math.inf:
            raise ValueError("learning-rate must be a number above 0, or loguniform:LOW:HIGH or uniform:LOW:HIGH with "
                             f"0 < LOW < HIGH; got {text!r}")
        return cls(kind, low, high)

    @classmethod
    def between(cls, low: float, high: float) -> "Draw":
        """Return the log-uniform distribution; raise ValueError, one line."""
        if not 0 < low < high < math.inf:
            raise ValueError(f"range must be LOW HIGH with 0 < LOW < HIGH; got {low:g} {high:g}")
        return cls("loguniform", low, high)

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one number."""
        if self.kind == "fixed":
            return self.low
        if self.kind == "uniform":
            return float(rng.uniform(self.low, self.high))
        return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))


@dataclass(frozen=True)
class DrawnParameter:
    """The number ``name`` of any part of a configuration; whole numbers are rounded."""

    draw: Draw
    name: str = LEARNING_RATE

    def check(self, config: Config) -> None:
        """Raise ValueError, in one line, for a name or a range that ``config`` does not take."""
        part = self.part_of(config)
        field, settings = _numbers(config)[self.name][1], getattr(config, part)
        condition = field.metadata["only_with"]
        if condition and not getattr(settings, condition):
            raise ValueError(f"{self.name} has no effect without {condition}")
        for end in (self.draw.low, self.draw.high):
            if isinstance(field.default, int) and not float(end).is_integer():
                raise ValueError(f"{self.name} is a whole number; got {end:g}")
            validate(getattr(self.put(config, end), part))

    def part_of(self, config: Config) -> str:
        """Return the part that has this number; raise ValueError, with near matches, if none has."""
        known = _numbers(config)
        if self.name in known:
            return known[self.name][0]
        near = difflib.get_close_matches(self.name, known, 3)
        raise ValueError(f"parameter must be a number of this run's parts, {', '.join(known)}; got "
                         f"{short_repr(self.name)}{'; did you mean ' + ' or '.join(near) + '?' if near else ''}")

    def put(self, config: Config, value: float) -> Config:
        """Return ``config`` with this number."""
        part, field = _numbers(config)[self.name]
        number = round(value) if isinstance(field.default, int) else value
        return dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **{self.name: number})})

    def value(self, config: Config) -> float:
        """Return this number of ``config``."""
        return getattr(getattr(config, self.part_of(config)), self.name)


def _numbers(config: Config) -> dict[str, tuple[str, Any]]:
    """Map each hyper-parameter of the run that is a number to its part and its field."""
    return {field.name: (part, field) for part in (config.family, "network", "optimizer", "algorithm")
            for field in dataclasses.fields(getattr(config, part)) if type(field.default) in (int, float)}
