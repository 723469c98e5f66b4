"""Define named sets of hyper-parameters, and make a configuration for an environment from one of them.

Everything else has the default of its dataclass: the paper's value, except for MLP(), whose help names the paper's.

    paper        the paper's values, and its authors' where it is silent
    atari        learns Atari games in minutes on two cores, found by search; a worker for each core, at least 4
    classic      small vectors: CartPole, Acrobot and their like
    continuous   the same with real numbers as actions: Pendulum
    dqn          DQN with the values and the network of Mnih et al. 2015, except for the size of its memory
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from gymnasium.spaces import Box, Space

from .config import MENUS, NUMBERS, Config
from .core.algorithms import A3C, DQN, Algorithm, NStepQ, OneStepQ, OneStepSarsa
from .core.networks import MLP, Convolutional, NetworkSettings
from .core.optimizers import Optimizer, RMSProp
from .envs.make import EnvSource
from .system.cores import available_cores


@dataclass(frozen=True)
class Preset:
    """The parts of a configuration that a preset determines.

    Attributes:
        algorithms: the version of each method, by its name.
        optimizer: the default, RMSProp; others take their values from it.
        network: for its observations.
        workers: processes that learn.
        algorithm: the method if none is named.
        replay_optimizer: in place of ``optimizer`` for a method with a replay memory.
    """

    algorithms: dict[str, Algorithm]
    optimizer: Optimizer
    network: NetworkSettings
    workers: int
    algorithm: str = "a3c"
    replay_optimizer: Optimizer | None = None

    def for_method(self, algorithm: Algorithm) -> "Preset":
        """Return the preset with what this method has in it: one worker, and its optimiser, if it replays."""
        if not getattr(algorithm, "uses_replay", False):
            return self
        return dataclasses.replace(self, workers=1, optimizer=self.replay_optimizer or self.optimizer)


# DQN's optimiser (Mnih et al. 2015), which is not centred here; errors are clipped one by one, the norm is not.
NATURE = RMSProp(learning_rate=2.5e-4, decay=0.95, epsilon=0.01, max_gradient_norm=1e6)

# Rewards are scaled down: values of 100 would make gradients of 10^4.
CLASSIC: dict[str, Any] = {"clip_rewards": False, "t_max": 20, "entropy_share_left": 0.0, "reward_scale": 0.01}


def _methods(a3c: A3C, t_max: int, dqn: DQN, **common: Any) -> dict[str, Algorithm]:
    """``a3c``, ``dqn``, and the value methods with ``common`` fields, n steps a rollout as A3C's."""
    return {"a3c": a3c, "n_step_q": NStepQ(t_max=t_max, **common), "one_step_q": OneStepQ(**common),
            "one_step_sarsa": OneStepSarsa(**common), "dqn": dqn}


PRESETS = {
    "paper": Preset(_methods(A3C(), 5, DQN()), RMSProp(), Convolutional(), workers=16, replay_optimizer=NATURE),
    "atari": Preset(
        # With value_weight 0.5 the dense layer died in 8 of 16 short runs of Breakout (examples/RESULTS.md).
        _methods(A3C(t_max=20, gae_lambda=0.95, entropy_share_left=0.0, value_weight=0.1), 20,
                 DQN(warm_up=10_000, exploration_steps=100_000, target_interval=4_000, final_epsilons="0.02:1"),
                 exploration_steps=500_000, final_epsilons="0.1:0.4,0.01:0.6"),
        RMSProp(learning_rate=1.5e-3, epsilon=1e-3),
        Convolutional(pixels="center", body_init="he_normal", head_init="near_zero"),
        workers=min(max(4, available_cores()), NUMBERS["workers"][1]),
        replay_optimizer=dataclasses.replace(NATURE, epsilon=1e-4),
    ),
    "classic": Preset(
        _methods(A3C(gae_lambda=0.98, entropy_weight=1e-4, **CLASSIC), 20,
                 DQN(train_interval=1, batch_size=64, memory_size=100_000, warm_up=1_000, target_interval=200,
                     clip_errors=False, clip_rewards=False, reward_scale=0.1, exploration_steps=20_000,
                     final_epsilons="0.05:1"),
                 clip_rewards=False, reward_scale=0.1, target_interval=500, exploration_steps=50_000,
                 final_epsilons="0.1:0.4,0.01:0.6"),
        RMSProp(learning_rate=7e-4, epsilon=1e-6),
        MLP(),
        workers=8,
        # Norms of hundreds are usual where an episode ends: they are not clipped.
        replay_optimizer=RMSProp(learning_rate=5e-4, epsilon=0.01, max_gradient_norm=1e6),
    ),
    "continuous": Preset(
        _methods(A3C(gae_lambda=0.9, entropy_weight=1e-3, **CLASSIC), 20, DQN()),
        RMSProp(learning_rate=7e-4, epsilon=1e-5),
        MLP(),
        workers=8,
        replay_optimizer=NATURE,
    ),
    "dqn": Preset(
        _methods(A3C(), 5, DQN()),
        NATURE,
        Convolutional(convolutions="2015", dense=512),
        workers=1,
        algorithm="dqn",
    ),
}


def preset_for(observation_space: Space, action_space: Space) -> str:
    """Return the preset for images, or for vectors the one for such actions."""
    if len(observation_space.shape or ()) == 3:
        return "atari"
    return "continuous" if isinstance(action_space, Box) else "classic"


def version_of(preset: Preset, part: str, name: str) -> object:
    """Return a preset's version of the part that its menu calls ``name``: what it does not determine has the defaults.

    An optimiser has the values of the preset's for the fields of both.
    """
    cls = MENUS[part][name]
    if part == "algorithm":
        return preset.algorithms[name]
    if part == "optimizer":
        own = {field.name for field in dataclasses.fields(cls)}
        return cls(**{field: value for field, value in dataclasses.asdict(preset.optimizer).items() if field in own})
    return preset.network if type(preset.network) is cls else cls()


def configure(env: EnvSource, preset: str | None = None, **parts: Any) -> Config:
    """Return a configuration: the preset for the environment, or the one named, with ``parts`` in place of its own.

    ``algorithm`` and ``optimizer`` may be names, of the preset's version of them.  Parts that are None count as not
    given.  Raises ValueError, in one line.
    """
    given = {name: value for name, value in parts.items() if value is not None}
    made_by = {name: given[name] for name in ("atari", "gym", "env_kwargs") if name in given}
    most = max(preset.workers for preset in PRESETS.values())            # so that no worker of the run has its number
    probe = Config(env, A3C(), RMSProp(), MLP(), workers=most, **made_by)
    if preset is None:
        preset = preset_for(probe.spaces.observation_space, probe.spaces.action_space)
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}; got {preset!r}")
    chosen = PRESETS[preset]
    given.setdefault("algorithm", chosen.algorithm)
    for part in ("algorithm", "optimizer"):
        name, menu = given.get(part), MENUS[part]
        if isinstance(name, str) and name not in menu:
            raise ValueError(f"{part} must be one of {', '.join(menu)}; got {name!r}")
        if isinstance(name, str):
            given[part] = version_of(chosen, part, name)
        chosen = chosen.for_method(given["algorithm"])
    rest = {name: getattr(chosen, name) for name in ("optimizer", "network", "workers")}
    return Config(env, **(rest | given)).share_spaces(probe)
