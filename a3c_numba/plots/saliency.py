"""Pictures of saliency over a game: the screen in grey, saliency of the value in blue and of the action in orange.

The screen is shown as its difference from the background, so that the colours stay visible.  Beside it are the bars
of the policy and the curve of the value.  For vector observations there is one picture of all steps.
"""

from pathlib import Path
from typing import NamedTuple, Sequence, Union

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Floats, Span, span_of
from .chart import Key, Series
from .colours import GREY, INK, PALETTE, Colour
from .drawing import Axes, draw_keys
from .heat import Pixels, Sheet, heat_map, strength
from .play_frame import policy_bars

WIDTH, HEIGHT = 1040, 780
SCREEN = Box(28, 100, 508, 730)
PANEL_LEFT, PANEL_RIGHT = 560, WIDTH - 28
LIGHTS: tuple[Colour, ...] = ((40, 150, 255), (255, 130, 0))
TROUGH: Colour = (232, 232, 232)


class Game(NamedTuple):
    """The data of all frames of a video."""

    title: str
    questions: Sequence[str]   # names of the maps
    limits: Sequence[float]    # of the maps: the value with full brightness
    action_names: Sequence[str]
    values: Floats             # of all steps


class Look(NamedTuple):
    """The data of one step."""

    screen: Pixels
    maps: Sequence[Floats]     # (height, width) each, at least 0
    policy: Floats             # (actions,)
    action: Union[int, None]
    step: int


def lit(screen: Pixels, maps: Sequence[Floats], limits: Sequence[float]) -> Pixels:
    """Return the distance of each pixel from the screen's median, in grey, plus each map in its colour."""
    sheet = Sheet(1, 1)
    height, width = screen.shape[:2]
    brightness = screen.mean(axis=2, keepdims=True)
    light = np.repeat(np.abs(brightness - np.median(brightness)), 3, axis=2)
    for one, limit, colour in zip(maps, limits, LIGHTS):
        share = sheet.cv2.resize(np.asarray(one, np.float32), (width, height), interpolation=sheet.cv2.INTER_LINEAR)
        light += np.clip(share / limit, 0, 1)[..., None] * np.array(colour)
    return np.clip(light, 0, 255).astype(np.uint8)


def saliency_frame(game: Game, look: Look) -> Pixels:
    """Draw one frame of the video."""
    sheet = Sheet(WIDTH, HEIGHT)
    sheet.title(game.title)
    keys = [Key(f"|d {name} / d pixel|", colour, 16) for name, colour in zip(game.questions, LIGHTS)]
    draw_keys(sheet, keys, (SCREEN.left, 80), SCREEN.right)
    height, width = look.screen.shape[:2]
    times = min((SCREEN.right - SCREEN.left) / width, (SCREEN.bottom - SCREEN.top) / height)
    sheet.image(lit(look.screen, look.maps, game.limits), (SCREEN.left, SCREEN.top), (times * width, times * height))
    sheet.text("policy (orange: the action taken)", (PANEL_LEFT, 80), 17, GREY)
    policy_bars(sheet, Box(PANEL_LEFT, 100, PANEL_RIGHT, 410), look.policy, game.action_names, look.action,
                (PALETTE[0], INK, PALETTE[1], INK, TROUGH))
    box, values = Box(PANEL_LEFT + 67, 470, PANEL_RIGHT, 680), game.values[:look.step + 1]
    axes = Axes(sheet, box, Axis(Span(0, max(1, len(game.values) - 1)), "agent step"),
                Axis(span_of(game.values, 0.05), "value"))               # for the whole game
    sheet.text(f"{values[-1]:.2f}", (box.right, box.top - 16), 20, align=1.0, bold=True)
    axes.curves([Series("", np.arange(len(values)), values, width=2.0),
                 Series("", look.step, values[-1], colour=INK, width=2.5)])
    full = ", ".join(f"{limit:.2g}" for limit in game.limits)
    sheet.text(f"step {look.step};  full colour: {full} per grey level, summed over the frames of an observation",
               (SCREEN.left, HEIGHT - 18), 17, GREY)
    return sheet.pixels()


def saliency_picture(title: str, maps: dict[str, Floats], values: Floats, out: Union[str, Path]) -> None:
    """Draw maps (steps, inputs) of one game, by what was asked, and the value below them, over the same steps."""
    each, top = 300, 100
    sheet = Sheet(1240, top + each * (len(maps) + 1))
    sheet.title(title, "each input's derivative at each step; white is 0")
    for row, (name, one) in enumerate(maps.items()):
        box = Box(90, top + row * each + 46, 1212, top + row * each + 240)
        limit = float(np.max(one, initial=0.0)) or 1.0
        heat_map(sheet, box, strength(one.T, limit))
        sheet.text(f"|d {name} / d input|, by input", (28, box.top - 14), 17, GREY)
        sheet.scale((box.right - 30, box.top - 42), limit, strength)
    below = sheet.height - each
    axes = Axes(sheet, Box(90, below + 46, 1212, below + 240), Axis(Span(-0.5, len(values) - 0.5), "agent step"),
                Axis(span_of(values, 0.05), "value"))
    axes.curves([Series("", np.arange(len(values)), values, width=2.5)])
    sheet.save(out)


def bright(maps: npt.ArrayLike) -> float:
    """Return the value with full brightness: the 99.9th percentile of all maps of a game; 1 if that is 0."""
    return float(np.percentile(np.asarray(maps), 99.9)) or 1.0
