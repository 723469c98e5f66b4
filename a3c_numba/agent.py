"""Use the package through one object: ``Agent(env).learn(steps)``, ``predict``, ``evaluate``, ``save``, ``load``."""

import dataclasses
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Callable, Mapping

import gymnasium
import numpy as np
import numpy.typing as npt

from .core.algorithms import Algorithm
from .core.distributions import DiscreteActions
from .core.networks import NetworkSettings
from .core.optimizers import Optimizer
from .core.parameters import Parameters
from .envs.action_repeat import GymSettings
from .envs.atari import AtariSettings
from .envs.make import EnvSource
from .evaluation import MOST_STEPS, EvaluationSettings, evaluate
from .inference import Policy, as_observations, as_recurrent_state
from .plots.curves import draw_curve
from .presets import configure
from .progress_bar import ProgressBar
from .runs import checkpoint as checkpoints
from .runs.checkpoint import Checkpoint
from .runs.progress import Progress
from .runs.run_folder import RunFolder
from .system.directory_lock import exclusive_lock
from .system.text import short_repr
from .training.limits import Limits
from .training.trainer import Trainer, initial_checkpoint


class Agent:
    """A method and a network for an environment, with parameters of its own.

    Args:
        env: a gymnasium id, "module:Factory", or a factory: a class, a function, a lambda.  Actions Discrete or a Box
            (d,); observations images (H, W, C) of bytes, vectors, or Dict and Tuple of vectors, which are flattened.
        algorithm: A3C(), NStepQ(), OneStepQ(), OneStepSarsa(), or a name: "n_step_q" as the preset has it.
        optimizer: RMSProp(), LocalRMSProp(), MomentumSGD(), or a name.  network: Convolutional(), MLP().  What is not
            given comes from ``preset``; fields of an object that are not given have the defaults of its class: the
            paper's values, except for MLP().
        workers: processes that ``learn`` starts.
        seed: of the initial parameters and of all the workers' random streams.
        preset: "paper", "atari", "classic" or "continuous"; by default the one for the two spaces.
        atari, gym: settings of the environment: AtariSettings() for an Atari game, GymSettings() for any other.
        env_kwargs: keyword arguments of the environment or its factory, of values that JSON has.

    Raises:
        ValueError: in one line, for an unknown environment, an unsupported space, a value out of its range.
        MissingPackage: an ImportError, in one line, for an environment whose package is not installed.
    """

    def __init__(self, env: EnvSource, algorithm: Algorithm | str | None = None,
                 optimizer: Optimizer | str | None = None, network: NetworkSettings | None = None,
                 workers: int | None = None, seed: int = 0, preset: str | None = None,
                 atari: AtariSettings | None = None, gym: GymSettings | None = None,
                 env_kwargs: Mapping[str, object] | None = None) -> None:
        parts = {"algorithm": algorithm, "optimizer": optimizer, "network": network, "workers": workers, "seed": seed,
                 "atari": atari, "gym": gym, "env_kwargs": env_kwargs}
        self._use_checkpoint(initial_checkpoint(configure(env, preset, **parts)))

    def _use_checkpoint(self, start: Checkpoint) -> None:
        self._checkpoint, self.config = start, start.config
        self._spaces = self.config.spaces
        spaces: Any = self._spaces
        self.observation_space, self.action_space = spaces.observation_space, spaces.action_space
        self.network = self.config.build_network(spaces)
        self.policy = Policy(self.network, self.config.algorithm, self.action_space, start.theta)
        self._rng = np.random.default_rng(np.random.SeedSequence(self.config.seed, spawn_key=(2**32 - 1,)))

    def make_env(self, render_mode: str | None = None) -> gymnasium.Env:
        """Return a new environment as the agent sees it: actions from 0, observations flattened and scaled."""
        return self.config.make_env(render_mode)

    def learn(self, total_steps: int = 5_000_000, out: str | Path | None = None,
              callback: Callable[[Progress], bool | None] | None = None, progress: bool = False,
              watch: Limits = Limits()) -> "Agent":
        """Train for ``total_steps`` agent steps from the present parameters; the learning rate is annealed to 0.

        Args:
            out: a folder for configuration, CSV files, curve and checkpoints; ValueError if it already holds a run, or
                another run writes to it.
            callback: called every few seconds with a ``Progress``; ends the training by returning False.
            progress: show a progress bar on standard error.
            watch: limits of the run: failures, skipped updates, checkpoints.  Without a bar, warnings go to the logger
                "a3c_numba".

        Raises WorkerDied with a worker's traceback, UpdatesSkipped, or OSError if the last checkpoint could not be
        written; Ctrl-C raises KeyboardInterrupt.  The agent keeps what it learned.
        """
        _check(out, callback, watch)
        config = dataclasses.replace(self.config, total_steps=total_steps)
        start = dataclasses.replace(self._checkpoint, config=config, global_step=0, seconds=0.0, workers=[],
                                    target=None, mean_score=None)
        folder = None if out is None else RunFolder(Path(out))
        with exclusive_lock(folder.path) if folder else nullcontext():
            if folder:
                folder.create(config.to_json())
            reporter = ProgressBar(total_steps) if progress else None
            try:
                trainer = Trainer(start, folder.path if folder else None, reporter, callback, watch, draw_curve)
            except OSError:                                              # no memory for it
                if folder:
                    folder.undo_create()
                raise
            try:
                trainer.run()
            finally:
                last = trainer.final_checkpoint or start
                theta = self.policy.parameters.flat                      # views that ``parameters`` gave stay valid
                theta[:] = last.theta
                self._checkpoint, self.config = dataclasses.replace(last, theta=theta), last.config
            return self

    def predict(self, obs: npt.ArrayLike, state: np.ndarray | None = None,
                episode_start: npt.ArrayLike | None = None,
                deterministic: bool = False) -> tuple[Any, np.ndarray | None]:
        """Return actions for a batch of observations (n, ...), or the action for one, and the next state.

        Args:
            state: the recurrent state that the previous call returned; None at the beginning.  A feed-forward policy
                returns it unchanged.
            episode_start: (n,) bool, True if an episode begins here: its recurrent state is reset.

        Vectors of bytes may be whole numbers, as the environment gives them, or scaled, as ``make_env()`` gives them.
        Continuous actions are clipped to their Box.  Raises ValueError for observations of another shape or type.
        """
        shape = self.observation_space.shape
        obs = as_observations(self._spaces.scaled(obs), self.observation_space.dtype)
        if obs.shape != shape and obs.shape[1:] != shape:
            raise ValueError(f"observations must be of shape {shape} or (n, *{shape}); got {obs.shape}")
        if not len(obs):
            raise ValueError("observations: the batch is empty")
        batch = obs.reshape(-1, *shape)
        size = self.policy.state_size
        before = as_recurrent_state(state, episode_start,
                                    (len(batch), size)) if size else self.policy.initial_state(len(batch))
        outputs, after = self.policy.outputs(batch, before)
        drawn = self.policy.choose(outputs, self._rng, deterministic)
        actions = np.array([self.policy.pi.executed(action) for action in drawn])
        last = after if self.policy.state_size else state
        if obs.shape == shape:
            return (int(actions[0]) if actions.ndim == 1 else actions[0]), last
        return actions, last

    def evaluate(self, episodes: int = 30, protocol: str = "noop", seed: int = 0, deterministic: bool = False,
                 workers: int = 1, max_steps: int = MOST_STEPS) -> np.ndarray:
        """Return scores (episodes,) of whole games, rewards not clipped; ``protocol`` "noop" or "sticky", for Atari.

        A game is stopped after ``max_steps``; a line that is logged says how many were.
        Raises ValueError, in one line, for a value out of its range and for an observation that does not fit the
        environment's space; with several workers BrokenProcessPool if one of them exited early.
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
        L = sum_t (R_t - Q(s_t, a_t))^2.  Nothing is clipped.  A recurrent state is zero before obs[0].
        """
        obs, pi = as_observations(self._spaces.scaled(obs), self.observation_space.dtype), self.policy.pi
        actions, returns = np.asarray(actions), np.asarray(returns, np.float32)
        T, shape = len(obs), self.observation_space.shape
        if not T or (obs.shape[1:], actions.shape, returns.shape) != (shape, (T, *pi.action_shape), (T,)):
            raise ValueError(f"obs {obs.shape}, actions {actions.shape} and returns {returns.shape} are no rollout")
        whole = actions.dtype.kind in "iu"
        if isinstance(pi, DiscreteActions) and not (whole and 0 <= actions.min() <= actions.max() < pi.n):
            raise ValueError(f"actions must be whole numbers in 0 .. {pi.n - 1}; got {actions.tolist()}")
        actions = actions.astype(pi.action_dtype)
        cache, d_theta = self.network.cache(len(obs), np.float32), Parameters(self.network.shapes)
        outputs = self.network.forward(self.policy.parameters.tree, obs, cache, slice(0, len(obs)))
        d_outputs = self.config.algorithm.loss_gradient(pi, actions, returns, outputs)
        self.network.backward(self.policy.parameters.tree, d_theta.tree, obs, cache, d_outputs, input_gradient=False)
        return d_theta.named()

    def save(self, path: str | Path) -> None:
        """Write configuration and parameters to an ``.npz`` file, atomically."""
        checkpoints.save(Path(path), dataclasses.replace(self._checkpoint, statistics=None, target=None, workers=[]))

    @classmethod
    def load(cls, path: str | Path, env: EnvSource | None = None,
             env_kwargs: Mapping[str, object] | None = None) -> "Agent":
        """Load an agent from a file that ``save`` or a run wrote; ``env`` and ``env_kwargs`` replace its environment.

        Raises CheckpointError, in one line, for a file that is missing, broken, or for another network.
        """
        agent = cls.__new__(cls)
        agent._use_checkpoint(checkpoints.load_fitting(Path(path), env, env_kwargs))
        return agent


def _check(out: object, callback: object, watch: object) -> None:
    """Raise ValueError, in one line, for arguments that ``learn`` cannot use."""
    if out == "":                                                        # Path("") is the current folder
        raise ValueError("out must be the name of a folder; got ''")
    if callback is not None and not callable(callback):
        raise ValueError(f"callback must be a function; got {short_repr(callback)}")
    if not isinstance(watch, Limits):
        raise ValueError(f"watch must be Limits(); got {short_repr(watch)}")
