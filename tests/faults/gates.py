"""Environments that go wrong once, or until they are told to go on: a file in the folder GATE_FOLDER says so.

Every process of a run sees the same folder, so that "once" means once in the whole run.
"""

import os
import signal
import time
from pathlib import Path

import gymnasium
import numpy as np

from a3c_numba.envs.toys import Catch, Corridor
from a3c_numba.system.channel import LENGTH, Channel
from a3c_numba.system.server_process import in_worker


def folder():
    return Path(os.environ["GATE_FOLDER"])


def first(name):
    """Whether nobody has asked this before."""
    try:
        (folder() / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def wait():
    """A moment, unless the file "open" is there."""
    if not (folder() / "open").exists():
        time.sleep(0.002)


class Gated(Catch):
    """Slow at first."""

    def step(self, action):
        wait()
        return super().step(action)


class SlowCorridor(Corridor):
    """Slow at first."""

    def step(self, action):
        wait()
        return super().step(action)


class Together(Catch):
    """In each worker the 100th step waits until so many workers have come to theirs: TOGETHER."""

    steps = 0

    def step(self, action):
        self.steps += 1
        if self.steps == 100:
            (folder() / f"here-{os.getpid()}").touch()
            while len(list(folder().glob("here-*"))) < int(os.environ["TOGETHER"]):
                time.sleep(0.002)
        return super().step(action)


class Once(Gated):
    """Calls ``fault`` at the 100th step, in the first process that comes to it."""

    steps = 0

    def step(self, action):
        self.steps += 1
        if self.steps == 100 and first("step"):
            self.fault()
        return super().step(action)


class HangsOnce(Once):
    fault = staticmethod(lambda: time.sleep(3600))


class SpeaksByHalves(Once):
    """Is stopped in the middle of the next message that its worker sends."""

    @staticmethod
    def fault():
        Channel.send_bytes = say_half                                    # in this process alone


def say_half(channel, message):
    os.write(channel.fileno(), LENGTH.pack(len(message)) + message[:len(message) // 2])
    (folder() / "half").touch()
    os.kill(os.getpid(), signal.SIGSTOP)


class RaisesOnce(Once):
    def fault(self):
        raise ArithmeticError("this step is broken")


class RaisesInReset(Gated):
    episodes = 0

    def reset(self, **options):
        self.episodes += 1
        if self.episodes == 10 and first("reset"):
            raise ArithmeticError("this reset is broken")
        return super().reset(**options)


class CannotBeMadeOnce(Gated):
    """Fails in the second worker that makes it."""

    def __init__(self):
        super().__init__()
        if in_worker() and not first("first worker") and first("second worker"):
            raise ArithmeticError("this constructor is broken")


class Noisy(Gated):
    """Says what NumPy's global stream gives it first."""

    def __init__(self):
        super().__init__()
        if in_worker():
            (folder() / f"noise-{np.random.random()}").touch()


class NoNumbers(Catch):
    """Every reward is NaN."""

    def step(self, action):
        obs, _, *rest = super().step(action)
        return obs, float("nan"), *rest


class CannotBeMade(Gated):
    """In no worker."""

    def __init__(self):
        super().__init__()
        if in_worker():
            raise ArithmeticError("no constructor works")


class RaisesAlways(Gated):
    steps = 0

    def step(self, action):
        self.steps += 1
        if self.steps == 100:
            raise ArithmeticError("every step is broken")
        return super().step(action)


MADE = (Gated, SlowCorridor, HangsOnce, RaisesOnce, RaisesInReset, CannotBeMadeOnce, CannotBeMade, NoNumbers, Noisy,
        RaisesAlways, SpeaksByHalves)
for _class in MADE:
    if f"{_class.__name__}-v0" not in gymnasium.registry:
        gymnasium.register(f"{_class.__name__}-v0", entry_point=_class, disable_env_checker=True)
