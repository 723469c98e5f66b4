"""Playback of an agent's games: as a video, or drawn in the terminal with coloured half blocks."""

import shutil
import sys
import time
from collections import deque
from contextlib import closing
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
    ended: bool                # the game, with this step


def play_frames(checkpoint: Checkpoint, settings: EvaluationSettings, episode: int) -> Iterator[PlayedFrame]:
    """Play one game and yield it scene by scene.  Raise ValueError if the environment cannot be rendered."""
    name = checkpoint.config.env_name
    try:
        evaluator = Evaluator(checkpoint.config, checkpoint.theta, settings, render_mode="rgb_array")
    except TypeError:
        raise ValueError(f"{name} cannot be rendered") from None
    with closing(evaluator.env):
        yield from _frames(evaluator, name, episode)


def _frames(evaluator: Evaluator, name: str, episode: int) -> Iterator[PlayedFrame]:
    score = 0.0
    for step in evaluator.steps(episode):
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
        yield PlayedFrame(np.asarray(screen), chances, value, action, score, step.terminated or step.truncated)


def action_names(env: gymnasium.Env) -> list[str]:
    """Return the environment's names of its actions, or their numbers."""
    names = getattr(env.unwrapped, "action_names", None)
    space: Any = env.action_space
    count = getattr(space, "n", None) or len(space.low)
    return list(names) if names else [str(action) for action in range(count)]


def drawn_frames(checkpoint: Checkpoint, game: Iterable[PlayedFrame]) -> Iterator[tuple[PlayedFrame, np.ndarray]]:
    """Yield each scene of a game, and it as a picture with the policy and the value beside the screen."""
    env = checkpoint.config.make_episode_env()
    names = action_names(env)
    env.close()
    values: deque[float] = deque(maxlen=100)
    for scene in game:
        values.append(scene.value)
        yield scene, play_frame(scene.screen, scene.policy, values, names, scene.action, scene.score)


def result_line(episode: int, score: float, ended: bool, settings: EvaluationSettings) -> str:
    """Return the line on one game: "game 0: 21"."""
    stopped = "" if ended else f", stopped after {settings.max_steps:,} steps (--max-steps)"
    return f"game {episode}: {score:g}{stopped}"


def write_video(checkpoint: Checkpoint, settings: EvaluationSettings, path: Path) -> None:
    """Write all games into one video, with the policy and the value beside the screen."""
    with VideoWriter(path, FRAMES_PER_SECOND) as video:
        for episode in range(settings.episodes):
            for scene, frame in drawn_frames(checkpoint, play_frames(checkpoint, settings, episode)):
                video.write(frame)
            show(f"{result_line(episode, scene.score, scene.ended, settings)}\n")
    show(f"{path}\n")


def play_in_terminal(checkpoint: Checkpoint, settings: EvaluationSettings) -> None:
    """Draw games while they are played; if the output is not a terminal, only print their scores."""
    if not is_terminal(sys.stdout):
        evaluator = Evaluator(checkpoint.config, checkpoint.theta, settings)
        with closing(evaluator.env):
            for episode in range(settings.episodes):
                game = evaluator.play(episode)
                show(f"{result_line(episode, game.score, not game.capped, settings)}\n")
        return
    for episode in range(settings.episodes):
        show("\x1b[2J")
        for scene in play_frames(checkpoint, settings, episode):
            show("\x1b[H" + in_terminal(scene))
            time.sleep(1 / FRAMES_PER_SECOND)
        show(f"{result_line(episode, scene.score, scene.ended, settings)}\n")


def in_terminal(scene: PlayedFrame) -> str:
    """Return a scene as text for the terminal's present size: the screen, and a line of numbers below it."""
    columns, lines = shutil.get_terminal_size()
    marks = ["*" if action == scene.action else " " for action in range(len(scene.policy))]
    bars = "  ".join(f"{action}{mark}{p:4.0%}" for action, (mark, p) in enumerate(zip(marks, scene.policy)))
    line = f"score {scene.score:g}   V {scene.value:.2f}   pi {bars}"[:columns - 1]
    return f"{half_blocks(scene.screen, min(columns, COLUMNS), lines - 2)}\x1b[0m\x1b[K{line}\n\x1b[J"


def half_blocks(screen: np.ndarray, columns: int, lines: int) -> str:
    """Return a picture (height, width, 3) as text of at most this size; each character is two coloured pixels."""
    step = max(1, -(-screen.shape[1] // max(1, columns)), -(-screen.shape[0] // (2 * max(1, lines))))
    pixels = screen[: screen.shape[0] // (2 * step) * 2 * step : step, ::step]
    rows = []
    for upper, lower in zip(pixels[::2], pixels[1::2]):
        cells = (f"\x1b[38;2;{a[0]};{a[1]};{a[2]}m\x1b[48;2;{b[0]};{b[1]};{b[2]}m▀" for a, b in zip(upper, lower))
        rows.append("".join(cells) + "\x1b[0m\n")
    return "".join(rows)
