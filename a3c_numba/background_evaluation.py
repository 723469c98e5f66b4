"""Evaluate the parameters of a run in one process of its own, while the workers go on.

    main process                            its process
    parameters <- theta                     (shared memory)
    call                          ->        copy the parameters, play the games as ``evaluate`` does
    result, some poll later       <-        mean, standard error ...

The games are those of ``evaluate``, with the same seeds each time, of random streams of their own, which no worker has.
The process is started with the first evaluation, and again after one that has failed.  Each evaluation makes an
environment of its own and closes it, as ``evaluate`` does: one with a state that outlasts episodes begins anew.
"""

import time

import numpy as np

from .config import Config
from .envs.heartbeat import Heartbeat
from .envs.registry import pack, unpack
from .evaluation import MOST_PROCESSES, EvaluationSettings, Evaluator, figures
from .runs.progress import Figures
from .system.shared_memory import ArraySpec, SharedArrays
from .system.terminal import log_once
from .system.worker_pool import BackgroundWorker

FIRST_SECONDS = 120.0          # without a step while an evaluation begins: it makes an environment, and may compile
FIRST_BEATS = 10               # steps and resets, until which it does
CHECKS = 4                     # that a process has to miss before it is killed, however long a check takes


class HungEvaluation(RuntimeError):
    """An environment that has not come back from a step; the message is one line."""


class BackgroundEvaluation:
    """Evaluations of a run, one at a time.

    Args:
        every: agent steps from one to the next, for ``training.evaluations``.
        heartbeat_seconds: without a step after which the process is killed.
    """

    def __init__(self, config: Config, every: int, episodes: int, heartbeat_seconds: float) -> None:
        self.config, self.every, self.heartbeat_seconds = config, every, heartbeat_seconds
        self.settings = EvaluationSettings(episodes)
        self._memory: SharedArrays | None = None
        self._worker: BackgroundWorker[Figures] | None = None
        self._heartbeats, self._silence, self._checked = 0, 0.0, 0.0

    def start(self, theta: np.ndarray) -> None:
        """Begin to evaluate a copy of theta.  Raises OSError, ValueError or WorkerStartError if that is impossible."""
        if self._memory is None:
            self._memory = SharedArrays([ArraySpec(np.float32, theta.shape), ArraySpec(np.int64, (1,))])
        self._memory.arrays()[0][:] = theta
        if self._worker is None:
            self._worker = BackgroundWorker(_Player, pack(self.config), self._memory, self.settings)
        self._memory.arrays()[1][:] = 0
        self._heartbeats, self._silence, self._checked = 0, 0.0, time.monotonic()
        self._worker.call()

    def result(self, seconds: float = 0.0) -> Figures | None:
        """Return the result, or None if it does not come within ``seconds``.

        Raises what the environment raises, BrokenProcessPool if the process has exited, HungEvaluation.
        """
        assert self._worker
        try:
            if self._worker.answered(seconds):
                return self._worker.result()
            self._check_heartbeat()
            return None
        except BaseException:
            self.close()
            raise

    def _check_heartbeat(self) -> None:
        """Raise HungEvaluation if there was no step for too long; a suspended machine counts as one missed check."""
        assert self._memory
        now, beats = time.monotonic(), int(self._memory.arrays()[1][0])
        limit = max(self.heartbeat_seconds, FIRST_SECONDS if beats < FIRST_BEATS else 0.0)
        self._silence += min(now - self._checked, limit / CHECKS)
        self._checked = now
        if beats != self._heartbeats:
            self._heartbeats, self._silence = beats, 0.0
        if self._silence > limit:
            raise HungEvaluation(f"its environment made no step for {limit:g} s and was killed")

    def close(self) -> None:
        """Kill the process, if there is one."""
        worker, self._worker = self._worker, None
        if worker:
            worker.close()


class _Player:
    """The process's end: evaluate what the shared memory holds."""

    def __init__(self, config: bytes, memory: SharedArrays, settings: EvaluationSettings) -> None:
        self.config, self.settings = unpack(config), settings
        self.parameters, self.heartbeats = memory.arrays()

    def __call__(self, number: int) -> Figures:
        settings = self.settings
        evaluator = Evaluator(self.config, self.parameters.copy(), settings, number=MOST_PROCESSES)      # no other's
        evaluator.env.env = Heartbeat(evaluator.env.env, self.heartbeats, 0)
        try:
            games = [evaluator.play(episode) for episode in range(settings.episodes)]
        finally:
            evaluator.close()
        if any(game.capped for game in games):
            log_once(f"evaluations stop a game after {settings.max_steps:,} steps: its score is that so far")
        return figures(games)
