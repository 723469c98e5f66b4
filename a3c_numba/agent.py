"""Use the package through one object: ``Agent(env).learn(steps)``, ``predict``, ``evaluate``, ``save``, ``load``."""

import copy
import dataclasses
from pathlib import Path
from typing import Any, Callable, Mapping

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Discrete

from .agent_training import LiveProgress, RunOptions, begins_anew, check_folder, new_run, start_of
from .cluster.settings import Ray
from .config import fresh_seed
from .core.algorithms import Algorithm
from .core.networks import NetworkSettings
from .core.optimizers import Optimizer
from .envs.action_repeat import GymSettings
from .envs.atari import AtariSettings
from .envs.make import EnvSource
from .evaluation import MOST_STEPS, EvaluationSettings, evaluate
from .hyperparameters_by_name import Value, describe, override
from .inference import Policy, as_observations
from .presets import configure, preset_for
from .runs import checkpoint as checkpoints
from .runs.checkpoint import Checkpoint
from .runs.resume import folder_of_run, load_run
from .runs.run_folder import RunFolder, default_checkpoint
from .system.directory_lock import exclusive_lock
from .system.terminal import log
from .system.user_path import user_path
from .training.limits import Limits
from .training.trainer import Trainer, initial_checkpoint

LATER = "learn(total_steps=...)"         # what a keyword total_steps may have meant
Callback = Callable[[LiveProgress["Agent"]], bool | None]


class Agent:
    """A method and a network for an environment, with parameters of its own.

    >>> agent = Agent("Catch", workers=1, hidden=8).learn(2_000)
    >>> action, state = agent.predict(agent.observation_space.sample())
    >>> action in (0, 1, 2), agent.evaluate(episodes=5).shape
    (True, (5,))

    Args:
        env: a gymnasium id, "module:Factory", or a factory: a class, a function, a lambda.  Actions Discrete or a Box
            (d,); observations images (H, W, C) of bytes, vectors, or Dict and Tuple of vectors, which are flattened.
        algorithm: A3C(), NStepQ(), OneStepQ(), OneStepSarsa(), DQN(), or a name: "n_step_q" as the preset has it.
        optimizer: RMSProp(), LocalRMSProp(), MomentumSGD(), or a name.  network: Convolutional(), MLP().  These three
            may be objects of your own, with the methods of Algorithm, Optimizer or NetworkSettings.  What is not given
            comes from ``preset``; fields of an object that are not given have the defaults of its class: the paper's
            values, except for MLP().
        workers: processes that ``learn`` starts.
        seed: of the initial parameters and of all the workers' random streams; None draws one, which ``config.seed``
            and every file then hold.
        preset: "paper", "atari", "classic", "continuous" or "dqn"; by default the one for the two spaces.
        atari, gym: settings of the environment: AtariSettings() for an Atari game, GymSettings() for any other.
        env_kwargs: keyword arguments of the environment or its factory, of values that JSON has.
        hyperparameters: fields of the parts, by name, in place of their values: ``entropy_weight=1e-3, hidden=128``.

    Raises:
        ValueError: in one line, for an unknown environment, an unsupported space, a value out of its range.
        MissingPackage: an ImportError, in one line, for an environment whose package is not installed.
    """

    observation_space: Box
    action_space: Box | Discrete
    _preset: str | None = None                                           # a file does not say it

    def __init__(self, env: EnvSource, algorithm: Algorithm | str | None = None,
                 optimizer: Optimizer | str | None = None, network: NetworkSettings | None = None,
                 workers: int | None = None, seed: int | None = 0, preset: str | None = None,
                 atari: AtariSettings | None = None, gym: GymSettings | None = None,
                 env_kwargs: Mapping[str, object] | None = None, **hyperparameters: Value) -> None:
        parts = {"algorithm": algorithm, "optimizer": optimizer, "network": network, "workers": workers, "atari": atari,
                 "gym": gym, "env_kwargs": env_kwargs, "seed": fresh_seed() if seed is None else seed}
        config = override(configure(env, preset, **parts), hyperparameters, also=("preset", *parts, LATER))
        self._use_checkpoint(initial_checkpoint(config))
        self._preset = preset or preset_for(self.observation_space, self.action_space)

    def _use_checkpoint(self, start: Checkpoint) -> None:
        self._checkpoint, self.config = start, start.config
        self._spaces = self.config.spaces
        spaces: Any = self._spaces
        self.observation_space, self.action_space = spaces.observation_space, spaces.action_space
        self.network = self.config.build_network(spaces)
        self.policy = Policy(self.network, self.config.algorithm, self.action_space, start.theta)
        self._rng = np.random.default_rng(np.random.SeedSequence(self.config.seed, spawn_key=(2**32 - 1,)))

    def __repr__(self) -> str:
        return describe(self.config, self._preset)

    def __copy__(self) -> "Agent":
        """Return an independent agent, as ``copy.deepcopy`` does."""
        return copy.deepcopy(self)

    def make_env(self, render_mode: str | None = None) -> gymnasium.Env:
        """Return a new environment as the agent sees it: actions from 0, observations flattened and scaled."""
        return self.config.make_env(render_mode)

    def learn(self, total_steps: int = 5_000_000, out: str | Path | None = None,
              callback: Callback | None = None, progress: bool = False,
              limits: Limits = Limits(), anneal_steps: int | None = None, *, callback_seconds: float = 5.0,
              evaluate_every: int | None = None, evaluate_episodes: int = 30, stop_at: float | None = None,
              cluster: Ray | None = None, save_replay: bool = False) -> "Agent":
        """Train for ``total_steps`` agent steps from the present parameters.

        Args:
            out: a folder for configuration, tables, curve and checkpoints; ValueError if it holds a run or is in use.
            callback: called every ``callback_seconds``, and at the end of the run, with a ``LiveProgress``, whose
                ``agent`` is this one with its present parameters; ends the training by returning False.
            progress: show a progress bar on standard error.
            limits: of failures, skipped updates, checkpoints.  Without a bar warnings go to logger "a3c_numba".
            anneal_steps: until the learning rate, and the entropy weight if it falls, are 0; default ``total_steps``.
            evaluate_every: agent steps from one evaluation of ``evaluate_episodes`` games to the next, in a process of
                its own, as ``evaluate`` does them; the last parameters are evaluated, too.  They go into
                evaluations.csv, ``progress.evaluation`` and the curve, and best.npz is chosen by their mean.
            stop_at: end at this mean score of the last 100 training games, or with ``evaluate_every`` of an evaluation.
            cluster: ``Ray(address, nodes=4)``, to train on several machines, ``workers`` on each node.
            save_replay: keep DQN's replay memory in ``out``, so that ``resume`` is exact (docs/dqn.md).

        A further ``learn`` goes on with a value method's exploration; a line that is logged says what begins anew.
        Raises WorkerDied with a worker's traceback, UpdatesSkipped, or OSError if the last checkpoint could not be
        written; Ctrl-C raises KeyboardInterrupt.  The agent keeps what it learned.
        """
        options = RunOptions(callback, callback_seconds, progress, limits, evaluate_every, evaluate_episodes, stop_at,
                             cluster)
        check_folder("out", out)
        before, start = self._checkpoint, start_of(self._checkpoint, total_steps, anneal_steps, save_replay)
        with new_run(start, out, lambda folder: options.trainer(start, folder, None, self, self._adopt)) as trainer:
            log(begins_anew(before))
            return self._run(trainer)

    @classmethod
    def resume(cls, folder: str | Path, env: EnvSource | None = None, env_kwargs: Mapping[str, object] | None = None,
               total_steps: int | None = None, callback: Callback | None = None, progress: bool = False,
               limits: Limits = Limits(), anneal_steps: int | None = None, *, callback_seconds: float = 5.0,
               evaluate_every: int | None = None, evaluate_episodes: int = 30, stop_at: float | None = None,
               cluster: Ray | None = None, save_replay: bool | None = None, algorithm: Algorithm | None = None,
               optimizer: Optimizer | None = None, network: NetworkSettings | None = None) -> "Agent":
        """Resume the run in ``folder``, train to its last step, and return the agent.

        It makes no difference if ``learn(out=folder)`` or the command line began the run.

        Args:
            folder: of the run, or its latest.npz.
            env, env_kwargs: the environment that the run was started with, if a file cannot name it: a factory.
            total_steps, anneal_steps, save_replay: replace the run's own, the first to make a finished run longer.
            algorithm, optimizer, network: objects of your own, which no file holds.

        The other arguments are those of ``learn``.  Raises ValueError, in one line, if the run cannot be resumed, and
        what ``learn`` raises; the folder keeps what was learned.
        """
        options = RunOptions(callback, callback_seconds, progress, limits, evaluate_every, evaluate_episodes, stop_at,
                             cluster)
        check_folder("folder", folder)
        run = RunFolder(folder_of_run(folder))
        changes = {"total_steps": total_steps, "anneal_steps": anneal_steps, "save_replay": save_replay}
        with exclusive_lock(run.path):
            start, cut_back = load_run(run, env, env_kwargs, changes, log, algorithm=algorithm, optimizer=optimizer,
                                       network=network, on_cluster=cluster is not None)
            agent = cls.__new__(cls)
            agent._use_checkpoint(start)
            return agent._run(options.trainer(start, run, None, agent, agent._adopt, cut_back))

    def _run(self, trainer: Trainer) -> "Agent":
        try:
            trainer.run()
        finally:
            if trainer.final_checkpoint:                                 # none after a second Ctrl-C
                self._adopt(trainer.final_checkpoint)
        return self

    def _adopt(self, checkpoint: Checkpoint) -> None:
        theta = self.policy.parameters.flat                              # views that ``parameters`` gave stay valid
        theta[:] = checkpoint.theta
        self._checkpoint, self.config = dataclasses.replace(checkpoint, theta=theta), checkpoint.config

    def predict(self, obs: npt.ArrayLike, state: np.ndarray | None = None, episode_start: npt.ArrayLike | None = None,
                deterministic: bool = False) -> tuple[int | np.ndarray, np.ndarray | None]:
        """Return actions for a batch of observations (n, ...), or the action for one, and the next state.

        Args:
            state: the recurrent state that the previous call returned; None at the beginning, and if feed-forward.
            episode_start: (n,) bool, True if an episode begins here: its recurrent state is reset.

        Observations may be as the environment gives them (bytes in vectors not scaled; one Dict or Tuple, not a batch)
        or as ``make_env()`` does.  Discrete actions are numbered from 0, continuous ones are clipped to their Box.  Any
        number of threads may call it, also beside ``evaluate`` and ``gradients``.  Raises ValueError for observations
        of another shape or type, or that are not finite.
        """
        return self.policy.predict(self._observations(obs), state, episode_start, self._rng, deterministic)

    def _observations(self, obs: npt.ArrayLike) -> np.ndarray:
        return as_observations(self._spaces.as_adapted(obs), self.observation_space.dtype)

    def evaluate(self, episodes: int = 30, protocol: str = "noop", seed: int | None = 0, deterministic: bool = False,
                 workers: int = 1, max_steps: int = MOST_STEPS) -> np.ndarray:
        """Return scores (episodes,) of whole games, rewards not clipped; ``protocol`` "noop" or "sticky", for Atari.

        The games depend on ``seed`` alone; None draws one.  A game is stopped, and a line logged, after ``max_steps``.
        Raises ValueError, in one line, for a value out of its range, for an observation that does not fit its space;
        with several workers BrokenProcessPool if one of them exited early.
        """
        settings = EvaluationSettings(episodes, protocol, deterministic, seed, max_steps)
        return np.array([game.score for game in evaluate(self.config, self._checkpoint.theta, settings, workers)])

    def parameters(self) -> dict[str, np.ndarray]:
        """Return all parameters as views: ``{"conv1.weight": (k k c_in, c_out), ..., "heads.value.bias": (1,)}``.
        An MLP has a network for each head: ``policy.dense1.weight``, ``policy.head.bias``, ``value.dense1.weight``.

        Writing to one changes the agent.  A convolution's rows run over (row, column, channel) of its patch, a dense
        weight is (inputs, outputs); after the convolutions the inputs run over (row, column, channel).
        """
        return self.policy.parameters.named()

    def gradients(self, obs: npt.ArrayLike, actions: npt.ArrayLike, returns: npt.ArrayLike) -> dict[str, np.ndarray]:
        """Return dL/dtheta by name, of one rollout: obs (T, ...), actions (T, ...), returns (T,).

        L = sum_t [ -log pi(a_t|s_t) (R_t - V_t) - entropy_weight H_t + value_weight (R_t - V_t)^2 ], the advantage of
        the first term held constant, and the entropy weight as at the start of a run; for the value methods
        L = sum_t (R_t - Q(s_t, a_t))^2, and DQN's own.  The norm is not clipped.  A recurrent state is zero before
        obs[0].
        """
        obs = self._observations(obs)
        return self.policy.gradients(obs, np.asarray(actions), np.asarray(returns, np.float32))

    def save(self, path: str | Path) -> None:
        """Write configuration and parameters to an ``.npz`` file, atomically; make its folder if it is missing."""
        kept = dataclasses.replace(self._checkpoint, statistics=None, target=None, workers=[])
        user_path(path).parent.mkdir(parents=True, exist_ok=True)
        checkpoints.save(user_path(path), kept)

    @classmethod
    def load(cls, path: str | Path, env: EnvSource | None = None,
             env_kwargs: Mapping[str, object] | None = None, *, algorithm: Algorithm | None = None,
             optimizer: Optimizer | None = None, network: NetworkSettings | None = None) -> "Agent":
        """Load an agent from a file that ``save`` or a run wrote, or from a run's folder, its best or final one.

        The other arguments replace its own; objects of your own have to be given again.

        Raises CheckpointError, in one line, for a file that is missing, broken, or for another network.
        """
        agent, file = cls.__new__(cls), default_checkpoint(user_path(path))
        agent._use_checkpoint(checkpoints.load_fitting(file, env, env_kwargs, algorithm=algorithm, optimizer=optimizer,
                                                       network=network))
        return agent
