"""Display a run's progress: a bar that is redrawn in a terminal, a plain line every few seconds elsewhere.

Both ``a3c-numba train`` and ``Agent.learn(progress=True)`` show it.  The trainer knows only the ``Reporter`` protocol.
"""

import shutil
import sys
from typing import TextIO

from .runs.progress import Progress
from .system.terminal import is_terminal, write_without_blocking

TERMINAL_SECONDS = 1.0         # between two redraws
STARTING = "starting (the first time, kernels are compiled)"
SHORTEST_BAR, LONGEST_BAR = 5, 20       # characters


def _duration(seconds: float) -> str:
    if not 0 <= seconds < 360_000:
        return "--:--"
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


def _count(n: float) -> str:
    return f"{n / 1e6:.2f}M" if n >= 1e6 else f"{n / 1e3:.1f}k" if n >= 1e4 else f"{n:.0f}"


class ProgressBar:
    """A Reporter that shows each ``Progress``; ``update`` may be called at any rate."""

    def __init__(self, total_steps: int, stream: TextIO | None = None, every: float = 10.0) -> None:
        self.total_steps, self.every = total_steps, every
        self.stream = sys.stderr if stream is None else stream
        self.is_terminal = is_terminal(self.stream)
        self.shown_at = -every                                           # seconds of training at the last plain line

    @property
    def report_seconds(self) -> float | None:
        """Return the seconds between two redraws in a terminal; None elsewhere, for the trainer's default."""
        return TERMINAL_SECONDS if self.is_terminal else None

    def line(self, row: Progress) -> str:
        """Return one line: score, steps, speed, time left, live workers, episodes, entropy, elapsed time."""
        return "  ".join(self._parts(row))

    def _parts(self, row: Progress) -> list[str]:
        """Return the parts of a line, the most important first."""
        left = max(0, self.total_steps - row.global_step) / row.steps_per_second if row.steps_per_second > 0 else -1
        score = "--" if row.mean_score != row.mean_score else f"{row.mean_score:.1f}"
        skipped = f"{row.skipped} updates skipped" if row.skipped else ""
        back = f" ({row.restarts} replaced)" if row.restarts else ""
        alive = f"{row.workers} worker{'s' * (row.workers > 1)}{back}" if row.workers else ""
        if not row.updates:
            return [STARTING, *filter(None, [alive]), f"{_duration(row.seconds)} elapsed"]
        parts = [f"score {score}", f"{_count(row.global_step)}/{_count(self.total_steps)} steps", skipped,
                 f"{_duration(left)} left", f"{row.steps_per_second:.0f}/s", alive, f"{row.episodes} episodes",
                 f"entropy {row.entropy:.2f}", f"{_duration(row.seconds)} elapsed"]
        return [part for part in parts if part]

    def bar(self, row: Progress, columns: int = 1000) -> str:
        """Return a bar and the parts of a line, of those that fit; the bar becomes shorter, and then is left out."""
        share = min(1.0, row.global_step / self.total_steps)
        percent, parts = f"{share:4.0%}", self._parts(row)
        while len(parts) > 1 and len("  ".join([percent, *parts])) > columns:
            parts.pop()
        width = min(LONGEST_BAR, columns - len("  ".join([percent, *parts])) - 3)
        full = int(share * width)
        drawn = f" |{'#' * full}{'.' * (width - full)}| " if width >= SHORTEST_BAR else "  "
        return (percent + drawn + "  ".join(parts))[:columns]

    def _redrawn(self, row: Progress) -> str:
        """Return the text that redraws the bar, no wider than the terminal: a line that wraps cannot be redrawn."""
        return "\r\x1b[K" + self.bar(row, shutil.get_terminal_size().columns - 1)

    def update(self, row: Progress) -> None:
        """Redraw the bar, or print a line if the last one is ``every`` seconds old."""
        if self.is_terminal:
            write_without_blocking(self._redrawn(row), self.stream)
        elif row.seconds - self.shown_at >= self.every:
            self.shown_at = row.seconds
            write_without_blocking(self.line(row) + "\n", self.stream)

    def warn(self, lines: list[str]) -> None:
        """Print each warning on a line of its own; the next ``update`` redraws the bar."""
        self.note([f"a3c-numba: warning: {line}" for line in lines])

    def note(self, lines: list[str]) -> None:
        """Print each line; the next ``update`` redraws the bar."""
        text = "".join(f"{line}\n" for line in lines)
        write_without_blocking("\r\x1b[K" * (self.is_terminal and bool(text)) + text, self.stream)

    def close(self, row: Progress | None) -> None:
        """Print the last state on a line of its own."""
        if row is not None and (self.is_terminal or row.seconds > self.shown_at):
            write_without_blocking((self._redrawn(row) if self.is_terminal else self.line(row)) + "\n", self.stream)


class Warnings:
    """A Reporter that prints warnings and no progress."""

    report_seconds: float | None = None                                  # the trainer's default

    def update(self, row: Progress) -> None:
        """Print nothing."""

    def warn(self, lines: list[str]) -> None:
        """Print each warning on a line of its own."""
        write_without_blocking("".join(f"a3c-numba: warning: {line}\n" for line in lines))

    def note(self, lines: list[str]) -> None:
        """Print nothing."""

    def close(self, row: Progress) -> None:
        """Print nothing."""
