"""A portrait of a trained agent: pictures of its first layer, its activations, and its saliency during a game.

    filters.png         the first layer's weights
    activations.png     the output of each layer for the observation, in the second half, with the largest saliency
    saliency.mp4        |dV/d pixel| and |d log pi(a)/d pixel| over the game, beside the policy and the value;
                        saliency.png for vector observations
    curve.png           the scores in training, for a run's folder
"""

from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Iterator, NamedTuple

import gymnasium
import numpy as np

from ..evaluation import EvaluationSettings, Evaluator
from ..playback import FRAMES_PER_SECOND, action_names
from ..plots import VideoWriter
from ..plots.layers import activations_picture, filters_picture, matrices_picture
from ..plots.saliency import Game, Look, bright, saliency_frame, saliency_picture
from ..runs.checkpoint import Checkpoint
from .saliency import Eye, activations


class Step(NamedTuple):
    """One step of the game, with its saliency."""

    obs: np.ndarray
    screen: np.ndarray         # (height, width, 3) RGB, at the same time as ``obs``
    maps: dict[str, np.ndarray]    # |d/d obs|, of the shape of ``obs``, by the name of the quantity
    policy: np.ndarray
    value: float
    action: int | None         # None for a continuous one
    layers: dict[str, np.ndarray]


def evaluator_of(checkpoint: Checkpoint, seed: int) -> Evaluator:
    """Return a stage for the game; rendering is off if the environment does not support it."""
    settings = EvaluationSettings(1, seed=seed)
    try:
        return Evaluator(checkpoint.config, checkpoint.theta, settings, render_mode="rgb_array")
    except TypeError:
        return Evaluator(checkpoint.config, checkpoint.theta, settings)


def screen_of(env: gymnasium.Env) -> np.ndarray | None:
    """Return the rendered screen, or None if the environment cannot be rendered."""
    try:
        screen = env.render()
    except (NotImplementedError, gymnasium.error.Error):
        return None
    return None if screen is None else np.asarray(screen)


def looks(evaluator: Evaluator, most: int) -> Iterator[Step]:
    """Play the first ``most`` steps of a game; yield each with its gradients."""
    policy = evaluator.policy
    eye = Eye(policy.network, policy.pi, policy.parameters.flat)
    screen = None                                                        # there is none for the reset
    for step in islice(evaluator.steps(0), most):
        maps = eye.saliency_maps(step.obs, step.action)
        action = None if np.ndim(step.action) else int(step.action)
        if screen is None:                                               # the newest plane; black for a vector
            plane = step.obs[..., -1] if step.obs.ndim == 3 else np.zeros((1, 1), np.uint8)
            screen = np.repeat(plane[..., None], 3, axis=2)
        yield Step(step.obs, screen, maps, *policy.action_probabilities_and_value(step.outputs), action,
                   activations(eye.network, eye.cache))
        screen = screen_of(evaluator.env)


def draw_first_layer(evaluator: Evaluator, out: Path) -> None:
    """Write filters.png."""
    named = {name: weight for name, weight in evaluator.policy.parameters.named().items() if name.endswith("weight")}
    shape = evaluator.env.observation_space.shape or ()
    if len(shape) == 3:
        name, weight = next(iter(named.items()))
        side = round((len(weight) // shape[2]) ** 0.5)
        filters_picture(weight.reshape(side, side, shape[2], -1), name, out)
    else:
        matrices_picture({name: weight for name, weight in named.items() if "dense1." in name}, out)


def film(steps: list[Step], title: str, names: list[str], out: Path) -> None:
    """Write the game as a video; the maps are summed over the frames of an observation."""
    asked = list(steps[0].maps)
    maps = [[step.maps[name].sum(axis=2) for name in asked] for step in steps]
    limits = [bright([one[k] for one in maps]) for k in range(len(asked))]
    game = Game(title, asked, limits, names, np.array([step.value for step in steps]))
    with VideoWriter(out, FRAMES_PER_SECOND) as video:
        for number, (step, one) in enumerate(zip(steps, maps)):
            if step.screen.shape == steps[-1].screen.shape:              # the first may have no screen
                video.write(saliency_frame(game, Look(step.screen, one, step.policy, step.action, number)))


def draw(checkpoint: Checkpoint, folder: Path, most: int, seed: int, suffix: str) -> list[Path]:
    """Play, and write everything but the learning curve into ``folder``; return the files."""
    evaluator = evaluator_of(checkpoint, seed)
    with closing(evaluator.env):
        return _draw(checkpoint, evaluator, folder, most, suffix)


def _draw(checkpoint: Checkpoint, evaluator: Evaluator, folder: Path, most: int, suffix: str) -> list[Path]:
    name = checkpoint.config.env_name.split("/")[-1]
    steps = list(looks(evaluator, most))
    first = next(iter(steps[0].maps))
    strongest = max(steps[len(steps) // 2:], key=lambda step: float(step.maps[first].sum()))
    title = f"{name}: saliency of the observation"
    images = strongest.obs.ndim == 3
    paths = [folder / file for file in ("filters.png", "activations.png", "saliency" + (suffix if images else ".png"))]
    draw_first_layer(evaluator, paths[0])
    activations_picture(strongest.obs, strongest.layers, paths[1])
    if images:
        film(steps, title, action_names(evaluator.env), paths[2])
    else:
        maps = {name: np.array([step.maps[name] for step in steps]) for name in steps[0].maps}
        saliency_picture(title, maps, np.array([step.value for step in steps]), paths[2])
    return paths
