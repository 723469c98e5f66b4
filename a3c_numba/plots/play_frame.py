"""A frame of a video of play: the game's screen on the left, a panel on the right.

The panel shows the score, the value V(s) as a number and as a line over the last 100 steps, and the policy pi(a|s) as
one bar for each action, the chosen one in orange.
"""

from typing import Sequence

import numpy as np
import numpy.typing as npt

from .axes import Box, Floats
from .canvas import Canvas
from .colours import Colour

PANEL = 320  # width, pixels
HEIGHT = 420  # of the whole frame, pixels, unless the game's screen is higher
MARGIN = 24
HISTORY = 100  # values in the line

NIGHT: Colour = (22, 24, 29)
TROUGH: Colour = (48, 52, 60)
PALE: Colour = (232, 234, 237)
DIM: Colour = (160, 166, 176)
BAR: Colour = (86, 180, 233)
CHOSEN: Colour = (240, 170, 20)


def play_frame(screen_rgb: npt.NDArray[np.uint8], policy: npt.ArrayLike, value: npt.ArrayLike,
               action_names: Sequence[str], action: int | None, score: float) -> npt.NDArray[np.uint8]:
    """Draw one frame, RGB; its width and height are even, as video codecs require.

    ``screen_rgb`` (height, width, 3); ``policy`` (n,) probabilities; ``value`` V(s), or all values so far, the latest
    last, for the line; ``action`` the index of the chosen action, or None; ``score`` so far.
    """
    probabilities = np.asarray(policy, np.float64).ravel()
    if len(probabilities) != len(action_names):
        raise ValueError(f"{len(probabilities)} probabilities for {len(action_names)} action names")
    values = np.atleast_1d(np.asarray(value, np.float64))[-HISTORY:]
    screen = enlarged(np.asarray(screen_rgb, np.uint8))
    panel = Canvas(PANEL, screen.shape[0], NIGHT)
    panel.text("score", (MARGIN, 36), 15, DIM)
    panel.text(f"{score:,.10g}", (MARGIN, 68), 28, PALE, bold=True)
    panel.text("value", (PANEL - MARGIN, 36), 15, DIM, align=1.0)
    panel.text(f"{values[-1]:.2f}", (PANEL - MARGIN, 68), 28, PALE, align=1.0, bold=True)
    _value_line(panel, values)
    panel.text("policy", (MARGIN, 188), 15, DIM)
    policy_bars(panel, Box(MARGIN, 200, PANEL - MARGIN, panel.height - 8), probabilities, action_names, action)
    return np.concatenate([screen, panel.pixels()], axis=1)


def enlarged(screen: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Enlarge ``screen`` by the largest integer factor that fits into ``HEIGHT``, centred, with even sides."""
    times = max(1, HEIGHT // screen.shape[0])
    screen = screen.repeat(times, axis=0).repeat(times, axis=1)
    height, width = screen.shape[:2]
    sheet = np.full((max(HEIGHT, height + height % 2), width + width % 2, 3), NIGHT, np.uint8)
    top = (sheet.shape[0] - height) // 2
    sheet[top:top + height, :width] = screen
    return sheet


def _value_line(panel: Canvas, values: Floats) -> None:
    """Draw the last values, the latest at the right edge; the height is their range, and at least 0.1."""
    top, bottom, right = 92.0, 148.0, PANEL - MARGIN
    finite = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    middle = (finite.max() + finite.min()) / 2
    reach = max(0.1, finite.max() - finite.min())
    x = right - np.arange(len(finite))[::-1] * (right - MARGIN) / (HISTORY - 1)
    y = (top + bottom) / 2 - (finite - middle) / reach * (bottom - top)
    panel.line([(MARGIN, bottom + 8), (right, bottom + 8)], TROUGH, 1.0)
    panel.line(np.stack([x, y], axis=1), BAR, 2.0)
    panel.line([(x[-1], y[-1])], PALE, 2.0)


def policy_bars(canvas: Canvas, box: Box, policy: Floats, names: Sequence[str], action: int | None,
                colours: tuple[Colour, ...] = (BAR, DIM, CHOSEN, PALE, TROUGH)) -> None:
    """Draw one row for each action: name, bar, probability; with many actions rows and letters are smaller.

    ``colours`` are of bars and text, of the bar and text of the chosen action, and of what is behind the bars.
    """
    row = min(30.0, (box.bottom - box.top) / max(1, len(names)))
    size = min(15.0, 1.05 * row)
    widest = max((canvas.text_width(name, size) for name in names), default=0.0)
    left = box.left + min(0.48 * (box.right - box.left), widest) + 10
    room = box.right - canvas.text_width("0.00", size) - 10 - left
    for index, (probability, name) in enumerate(zip(np.clip(policy, 0.0, 1.0), names)):
        top, base = box.top + (index + 0.15) * row, box.top + (index + 0.5) * row + 0.36 * size
        colour, ink = colours[2:4] if index == action else colours[:2]
        canvas.text(name, (box.left, base), size, ink)
        canvas.box((left, top), (room, 0.7 * row), colours[4])
        canvas.box((left, top), (room * float(probability), 0.7 * row), colour)
        canvas.text(f"{probability:.2f}", (box.right, base), size, ink, align=1.0)
