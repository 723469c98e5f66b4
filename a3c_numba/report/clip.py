"""A short clip of play as the bytes of an animated GIF, to embed in the page."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..envs.make import MissingPackage
from ..evaluation import EvaluationSettings
from ..playback import FRAMES_PER_SECOND, PlayedFrame, drawn_frames, play_frames
from ..plots import PicturesUnavailable, VideoWriter
from ..plots.canvas import load_cv2
from ..plots.video import Frame
from ..runs.checkpoint import Checkpoint, CheckpointError, load_fitting
from ..runs.run_folder import default_checkpoint
from .recorded_run import Run

LARGEST = 1_800_000            # bytes of a GIF; above, every other frame is dropped
FEWEST = 10                    # frames that are kept whatever the size
MOST_STEPS = 300               # 20 seconds; all frames are kept in memory


class NoClip(Exception):
    """There is no clip; the message, one line, says why."""


@dataclass(frozen=True)
class Clip:
    """One or more games, one after the other."""

    gif: bytes
    still: bytes               # a PNG of one frame, for readers who prefer reduced motion
    steps: int
    scores: list[float]        # of each game; the last may be incomplete
    agent: str                 # the checkpoint's file name
    global_step: int           # of the agent's training


def agent_of(run: Run, agent: Path | None) -> tuple[Path, Checkpoint]:
    """Return the agent in ``agent``, or the run's final, best or latest agent; raise NoClip if none can be used.

    Raise ValueError if ``agent`` cannot be read, or plays another game.
    """
    if agent is not None:
        checkpoint = load_fitting(agent)
        if checkpoint.config.env_name != run.name:
            raise ValueError(f"{agent} plays {checkpoint.config.env_name}, but {run.path} is a run of {run.name}")
        return agent, checkpoint
    try:
        path = default_checkpoint(run.path)
    except CheckpointError:
        raise NoClip("the folder holds no checkpoint (final.npz, best.npz or latest.npz)") from None
    try:
        return path, load_fitting(path)
    except (CheckpointError, MissingPackage) as error:
        raise NoClip(str(error)) from None


def clip_of(path: Path, checkpoint: Checkpoint, steps: int) -> Clip:
    """Return a clip of ``steps`` steps; raise NoClip if the environment, or this machine, cannot render."""
    games: list[list[PlayedFrame]] = []
    try:
        while (left := steps - sum(map(len, games))) > 0:
            games.append(list(play_frames(checkpoint, EvaluationSettings(1, max_steps=left), len(games))))
        frames = [frame for game in games for _, frame in drawn_frames(checkpoint, game)]
        encoded, still = load_cv2().imencode(".png", np.ascontiguousarray(frames[len(frames) // 2][..., ::-1]))
        if not encoded:
            raise PicturesUnavailable("this opencv-python cannot write .png")
        scores = [game[-1].score for game in games]
        return Clip(_gif(frames), bytes(still), len(frames), scores, path.name, checkpoint.global_step)
    except (ValueError, PicturesUnavailable, MissingPackage) as error:
        raise NoClip(str(error)) from None


def _gif(frames: list[Frame]) -> bytes:
    """Return as many frames as LARGEST allows, evenly spaced, at the speed of play."""
    with tempfile.TemporaryDirectory() as folder:
        path, stride = Path(folder) / "clip.gif", 1
        while True:
            with VideoWriter(path, FRAMES_PER_SECOND / stride) as video:
                for frame in frames[::stride]:
                    video.write(frame)
            if path.stat().st_size <= LARGEST or len(frames) // (2 * stride) < FEWEST:
                return path.read_bytes()
            stride *= 2
