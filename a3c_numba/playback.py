"""Playback of an agent's games: as a video, or drawn in the terminal with coloured half blocks."""

import sys
import time
from collections import deque
from itertools import islice
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple

import gymnasium
import numpy as np

from .envs.make import MissingPackage
from .evaluation import EvaluationSettings, Evaluator
from .plots import VideoWriter, play_frame
from .runs.checkpoint import Checkpoint
from .system.terminal import is_terminal, show

FRAMES_PER_SECOND = 15         # agent steps: 60 emulator frames, 4 per step
COLUMNS = 80                   # width of a screen in the terminal, at most


class PlayedFrame(NamedTuple):
    """The data shown for one step."""

    screen: np.ndarray         # (height, width, 3) RGB, after the step
    policy: np.ndarray         # (actions,) probabilities before it; of continuous actions, the place of the mean
    value: float               # V(s) or max_a Q(s, a) before it
    action: int | None         # None for a continuous one
    score: float               # so far


def play_frames(checkpoint: Checkpoint, settings: EvaluationSettings, episode: int,
                max_steps: int | None) -> Iterator[PlayedFrame]:
    """Play one game and yield it scene by scene.  Raise ValueError if the environment cannot be rendered."""
    name = checkpoint.config.env_name
    try:
        evaluator = Evaluator(checkpoint.config, checkpoint.theta, settings, render_mode="rgb_array")
    except TypeError:
        raise ValueError(f"{name} cannot be rendered") from None
    score = 0.0
    for t, step in enumerate(evaluator.steps(episode)):
        if t == max_steps:
            return
        score += step.reward
        action = None if np.ndim(step.action) else int(step.action)
        try:
            screen = evaluator.env.render()
        except NotImplementedError:
            screen = None
        except gymnasium.error.DependencyNotInstalled as error:
            raise MissingPackage(f"to render, {name} needs a package that is not installed: {error}") from None
        if screen is None:
            raise ValueError(f"{name} cannot be rendered")
        chances, value = evaluator.policy.action_probabilities_and_value(step.outputs)
        yield PlayedFrame(np.asarray(screen), chances, value, action, score)


def action_names(env: gymnasium.Env) -> list[str]:
    """Return the environment's names of its actions, or their numbers."""
    names = getattr(env.unwrapped, "action_names", None)
    space: Any = env.action_space
    count = getattr(space, "n", None) or len(space.low)
    return list(names) if names else [str(action) for action in range(count)]


def drawn_frames(checkpoint: Checkpoint, game: Iterable[PlayedFrame]) -> Iterator[tuple[PlayedFrame, np.ndarray]]:
    """Yield each scene of a game, and it as a picture with the policy and the value beside the screen."""
    env = checkpoint.config.make_env()
    names = action_names(env)
    env.close()
    values: deque[float] = deque(maxlen=100)
    for scene in game:
        values.append(scene.value)
        yield scene, play_frame(scene.screen, scene.policy, values, names, scene.action, scene.score)


def write_video(checkpoint: Checkpoint, settings: EvaluationSettings, path: Path, max_steps: int | None = None) -> None:
    """Write all games into one video, with the policy and the value beside the screen."""
    with VideoWriter(path, FRAMES_PER_SECOND) as video:
        for episode in range(settings.episodes):
            score = 0.0
            for scene, frame in drawn_frames(checkpoint, play_frames(checkpoint, settings, episode, max_steps)):
                score = scene.score
                video.write(frame)
            show(f"game {episode}: {score:g}\n")
    show(f"{path}\n")


def play_in_terminal(checkpoint: Checkpoint, settings: EvaluationSettings, max_steps: int | None = None) -> None:
    """Draw games while they are played; if the output is not a terminal, only print their scores."""
    if not is_terminal(sys.stdout):
        evaluator = Evaluator(checkpoint.config, checkpoint.theta, settings)
        for episode in range(settings.episodes):
            score = sum(step.reward for step in islice(evaluator.steps(episode), max_steps))
            show(f"game {episode}: {score:g}\n")
        return
    for episode in range(settings.episodes):
        score = 0.0
        show("\x1b[2J")
        for scene in play_frames(checkpoint, settings, episode, max_steps):
            score = scene.score
            marks = ["*" if action == scene.action else " " for action in range(len(scene.policy))]
            bars = "  ".join(f"{action}{mark}{p:4.0%}" for action, (mark, p) in enumerate(zip(marks, scene.policy)))
            line = f"\x1b[0m\x1b[Kscore {scene.score:g}   V {scene.value:.2f}   pi {bars}\n"
            show("\x1b[H" + half_blocks(scene.screen) + line)
            time.sleep(1 / FRAMES_PER_SECOND)
        show(f"game {episode}: {score:g}\n")


def half_blocks(screen: np.ndarray, columns: int = COLUMNS) -> str:
    """Return a picture (height, width, 3) as text; each character is two coloured pixels, one above the other."""
    step = max(1, -(-screen.shape[1] // columns))
    pixels = screen[: screen.shape[0] // (2 * step) * 2 * step : step, ::step]
    lines = []
    for upper, lower in zip(pixels[::2], pixels[1::2]):
        cells = (f"\x1b[38;2;{a[0]};{a[1]};{a[2]}m\x1b[48;2;{b[0]};{b[1]};{b[2]}m▀" for a, b in zip(upper, lower))
        lines.append("".join(cells) + "\x1b[0m\n")
    return "".join(lines)
