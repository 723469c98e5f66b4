"""Named sets of hyper-parameters.  Everything that is not named here has the default of its dataclass, the paper's.

    paper     the paper's values, and its authors' where it is silent
    atari     what learns Atari games in minutes on two cores, found by search
    classic   small vectors: CartPole, Acrobot and their like
"""

from dataclasses import dataclass
from typing import Any

from .algorithms import A3C
from .networks import MLP, Convolutional
from .optimizers import RMSProp


@dataclass(frozen=True)
class Preset:
    """The parts of a configuration that depend on taste."""

    algorithm: Any
    optimizer: Any
    network: Any
    workers: int


PRESETS = {
    "paper": Preset(A3C(), RMSProp(), Convolutional(), workers=16),
    "atari": Preset(
        A3C(t_max=20, gae_lambda=0.95, entropy_share_left=0.0),
        RMSProp(learning_rate=1.5e-3, epsilon=1e-3),
        Convolutional(pixels="center", body_init="he_normal", head_init="near_zero"),
        workers=4,
    ),
    "classic": Preset(
        A3C(t_max=20, gae_lambda=0.98, entropy_weight=1e-4, entropy_share_left=0.0, clip_rewards=False,
            reward_scale=0.01),                                          # or values of 100 make gradients of 10^4
        RMSProp(learning_rate=7e-4, epsilon=1e-5),
        MLP(),
        workers=8,
    ),
}


def preset_for(observation_shape: tuple[int, ...]) -> str:
    """The preset for images or for vectors."""
    return "atari" if len(observation_shape) == 3 else "classic"
