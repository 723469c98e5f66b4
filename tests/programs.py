"""What the tests of whole runs share: the command line called in this process, and environments that go wrong.

An environment is made by a function at a module's level, so that workers can import it, or by a gymnasium id that names
this module, ``tests.programs:Dies-v0``, so that the command line can.
"""

import importlib.util
import os
import signal

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from a3c_numba import MLP
from a3c_numba.cli import main as cli
from a3c_numba.presets import configure
from a3c_numba.system.server_process import in_worker

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def module_of(path):
    """A program of examples/ as a module, not run."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(*arguments):
    """``a3c-numba ARGUMENTS`` in this process; returns the exit code and leaves the signal handlers as they were."""
    handlers = [signal.getsignal(number) for number in SIGNALS]
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as end:
        return end.code
    finally:
        for number, handler in zip(SIGNALS, handlers):
            signal.signal(number, handler)


def small(env="Corridor", hidden=4, **parts):
    """A configuration that trains at once: one worker, a tiny network."""
    return configure(env, "classic", **({"network": MLP(hidden=hidden), "workers": 1, "total_steps": 300} | parts))


def colours(picture):
    """How many different pixels (B, G, R) a picture (H, W, 3) has; ``np.unique`` of rows takes a second for a page."""
    return len(np.unique(picture.astype(np.int64) @ [1, 256, 65536]))


def reports_often(monkeypatch):
    """Have callbacks and rows of progress.csv come at every look of the trainer."""
    monkeypatch.setattr("a3c_numba.training.trainer.REPORT_SECONDS", 0.0)


class Chances(gymnasium.Env):
    """Observations at random, episodes of ``length`` steps, reward 1 for action 0; ``at_step(t)`` may do anything."""

    observation_space = Box(-1, 1, (3,), np.float32)
    action_space = Discrete(2)

    def __init__(self, length=10, at_step=None, at_reset=None, scale=1.0):
        self.length, self.at_step, self.at_reset, self.scale = length, at_step, at_reset, scale
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.at_reset and self.steps:
            self.at_reset()
        self.t = 0
        return self._obs(), {}

    def step(self, action):
        self.t, self.steps = self.t + 1, self.steps + 1
        if self.at_step and self.steps == 200:
            self.at_step()
        return self._obs(), self.scale * float(action == 0), self.t == self.length, False, {}

    def _obs(self):
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)


def chances(render_mode=None):
    return Chances()


def raises_in_step(render_mode=None):
    return Chances(at_step=_raise)


def raises_in_reset():
    return Chances(at_reset=_raise)


def exits():
    return Chances(at_step=lambda: os._exit(7))


def exits_with_0():
    return Chances(at_step=lambda: os._exit(0))


def exits_before_the_first_step():
    if in_worker():
        os._exit(0)
    return Chances()


def kills_itself():
    return Chances(at_step=lambda: os.kill(os.getpid(), signal.SIGKILL))


def raises_in_a_worker():
    """Can be made in the main process alone."""
    if in_worker():
        _raise()
    return Chances()


def tiny_image(render_mode=None):
    """Images too small for the network."""
    return Images((10, 10, 1))


def image():
    return Images((36, 40, 2))


class Images(gymnasium.Env):
    """Noise."""

    def __init__(self, shape):
        self.observation_space, self.action_space, self.t = Box(0, 255, shape, np.uint8), Discrete(3), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._obs(), {}

    def step(self, action):
        self.t += 1
        return self._obs(), 0.0, False, np.bool_(self.t == 7), {}

    def _obs(self):
        return self.np_random.integers(256, size=self.observation_space.shape, dtype=np.uint8)

    def render(self):
        return np.full((20, 30, 3), self.t, np.uint8)


def _raise():
    raise ArithmeticError("the environment is broken")


class Shown(Images):
    """An environment that can draw itself, as gymnasium makes it."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        super().__init__((36, 40, 2))
        self.render_mode = render_mode


class Steered(Shown):
    """The same, steered by two real numbers; it refuses those outside its Box."""

    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self.action_space = Box(np.float32([-1, -0.5]), np.float32([1, 0.25]))

    def step(self, action):
        assert self.action_space.contains(action), action
        return super().step(action)


for _name, _made in {"Dies": raises_in_step, "Shown": Shown, "Steered": Steered, "TinyImage": tiny_image,
                     "Chances": chances}.items():
    if f"{_name}-v0" not in gymnasium.registry:
        gymnasium.register(f"{_name}-v0", entry_point=_made, disable_env_checker=True)
