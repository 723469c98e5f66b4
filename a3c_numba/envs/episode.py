"""``EpisodeEnv``: an environment whose observations and rewards are checked, by training and by evaluation alike.

An observation of another shape or type, and a reward that is no number, raise ValueError.  A number that is not finite
is replaced, so that neither an action nor a recurrent state is spoiled:

    in an observation    by 0; and the reward of the step that returned it, and of the step taken from it, is NaN
    in a reward          by NaN

A NaN among a rollout's rewards makes the rollout's gradient NaN, and the optimiser skips the update.

What the environment's own code raises comes out as it is, with the environment's name in its ``environment``; a
``sys.exit()`` in it is EnvironmentFailed.  What its ``close`` raises is one line: nothing depends on it any more.
"""

import math
from typing import Any, Callable, Iterable, Literal, SupportsFloat, TypeVar

import gymnasium
import numpy as np

from ..system.nonfinite import zero_nonfinite
from ..system.terminal import log_once
from ..system.text import one_line
from .make import EnvironmentFailed

Result = TypeVar("Result")


class EpisodeEnv(gymnasium.Wrapper):
    """Plays episodes of ``env``, which errors call ``name``.

    ``step`` and ``reset`` raise ValueError, in one line, for an observation that does not fit the environment's space
    and for a reward that is no number.  An observation of floats is valid until the next one.

    Attributes:
        score: sum of the episode's rewards, as the environment paid them.
        length: steps of the episode.
        reward: the latest, as the environment paid it.
    """

    def __init__(self, env: gymnasium.Env, name: str = "") -> None:
        super().__init__(env)
        space: Any = env.observation_space
        self.name, self.shape, self.dtype = name, space.shape, space.dtype
        self.score, self.length, self.reward = 0.0, 0, 0.0
        self._floats = np.zeros(space.shape, space.dtype) if space.dtype.kind == "f" else None
        self._bad = False                                                # the latest observation was

    def reset(self, **options: object) -> tuple[np.ndarray, dict]:
        """Begin an episode."""
        obs, info = _parts(self._call(self.env.reset, **options), 2, "reset", "observation, info")
        self.score, self.length = 0.0, 0
        return self._checked(obs), info

    def step(self, action: object) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step; its reward is NaN if it, or an observation on either side of the step, was not finite."""
        try:
            result = self.env.step(action)
        except (Exception, SystemExit) as error:
            self._sign(error)
            raise
        obs, reward, terminated, truncated, info = _parts(result, 5, "step", "observation, reward, terminated, "
                                                          "truncated, info")
        self.length += 1
        acted_on_bad = self._bad
        obs = self._checked(obs)
        self.reward = reward = check_reward(reward, self.length)
        self.score += reward
        if self._bad or acted_on_bad or not math.isfinite(reward):
            reward = math.nan
        return obs, reward, terminated, truncated, info

    def replay(self, seed: int, actions: Iterable[object]) -> tuple[np.ndarray, bool]:
        """Play the episode of this seed and these actions; the latest observation, and whether the episode goes on.

        An environment that is not a function of its seed and actions may end it earlier.
        """
        obs, _ = self.reset(seed=seed)
        for action in actions:
            obs, _, terminated, truncated, _ = self.step(action)
            if terminated or truncated:
                return obs, False
        return obs, True

    def render(self) -> Any:
        """The environment's."""
        return self._call(self.env.render)

    def close(self) -> None:
        """Close the environment; what that raises is logged, once in a process."""
        try:
            self.env.close()
        except (Exception, SystemExit) as error:
            log_once(f"closing the environment {self.name} raised {type(error).__name__}: {one_line(error)}")

    def _call(self, method: Callable[..., Result], **options: object) -> Result:
        try:
            return method(**options)
        except (Exception, SystemExit) as error:
            self._sign(error)
            raise

    def _checked(self, obs: object) -> np.ndarray:
        """The observation as the network may see it, of the space's type."""
        rule: Literal["same_kind", "safe"] = "safe" if self._floats is None else "same_kind"
        if not (isinstance(obs, np.ndarray) and obs.shape == self.shape
                and (obs.dtype is self.dtype or np.can_cast(obs.dtype, self.dtype, rule))):
            raise _misfit("an observation", obs, self.length, f"{self.shape} {self.dtype}")
        if self._floats is None:
            return obs if obs.dtype is self.dtype else np.array(obs, self.dtype)
        self._floats[...] = obs
        self._bad = zero_nonfinite(self._floats)
        return self._floats

    def _sign(self, error: BaseException) -> None:
        """Say which environment has raised, unless it is one of this package, whose errors are its bugs."""
        if isinstance(error, SystemExit):                                # would end this program without a word
            raise EnvironmentFailed.by(self.name, error) from error
        if type(self.env.unwrapped).__module__.split(".")[0] != __name__.split(".")[0]:
            setattr(error, "environment", self.name)


def _parts(result: Any, count: int, method: str, names: str) -> Any:
    """Return what ``step`` or ``reset`` returned; raise ValueError, one line, if it is not ``count`` values."""
    if not isinstance(result, tuple) or len(result) != count:
        given = f"{len(result)} values" if isinstance(result, tuple) else f"a value of type {type(result).__name__}"
        raise ValueError(f"the environment's {method} returned {given}; gymnasium's returns {count}: {names}")
    return result


def check_reward(reward: object, step: int) -> float:
    """The reward as a float; raises ValueError, in one line, for what is no single real number."""
    if isinstance(reward, (float, int)):
        return float(reward)
    number = reward.item() if isinstance(reward, np.ndarray) and reward.size == 1 else reward
    if isinstance(number, np.ndarray) or not isinstance(number, SupportsFloat):
        raise _misfit("a reward", reward, step, "a number")
    return float(number)


def _misfit(what: str, x: object, step: int, expected: str) -> ValueError:
    kind = f"{x.shape} {x.dtype}" if isinstance(x, np.ndarray) else f"of type {type(x).__name__}"
    moment = f"step {step}" if step else "the reset"
    return ValueError(f"the environment gave {what} {kind} at {moment} of its episode, expected {expected}")
