"""A3C (Mnih et al. 2016) from scratch: numpy, numba kernels, hand-written backpropagation, lock-free workers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agent import Agent
    from .agent_training import LiveProgress
    from .cluster.settings import Ray
    from .core.algorithms import A3C, DQN, NStepQ, OneStepQ, OneStepSarsa
    from .core.networks import MLP, Convolutional
    from .core.optimizers import LocalRMSProp, MomentumSGD, RMSProp
    from .envs.action_repeat import GymSettings
    from .envs.atari import AtariSettings
    from .runs.checkpoint import CheckpointError
    from .training.limits import Limits, Watch
    from .training.supervisor import WorkerDied
    from .training.trainer import UpdatesSkipped

# Name -> its module, imported when the name is first asked for: the command line starts, and understands Ctrl-C, before
# NumPy and Numba are there.
_HOMES = {"A3C": "core.algorithms", "Agent": "agent", "AtariSettings": "envs.atari",
          "CheckpointError": "runs.checkpoint", "Convolutional": "core.networks", "DQN": "core.algorithms",
          "GymSettings": "envs.action_repeat", "Limits": "training.limits", "LiveProgress": "agent_training",
          "LocalRMSProp": "core.optimizers", "MLP": "core.networks", "MomentumSGD": "core.optimizers",
          "NStepQ": "core.algorithms", "OneStepQ": "core.algorithms", "OneStepSarsa": "core.algorithms",
          "RMSProp": "core.optimizers", "Ray": "cluster.settings", "UpdatesSkipped": "training.trainer",
          "Watch": "training.limits", "WorkerDied": "training.supervisor"}

__version__ = "0.1.0"
__all__ = ["A3C", "Agent", "AtariSettings", "CheckpointError", "Convolutional", "DQN", "GymSettings", "Limits",
           "LiveProgress", "LocalRMSProp", "MLP", "MomentumSGD", "NStepQ", "OneStepQ", "OneStepSarsa", "RMSProp", "Ray",
           "UpdatesSkipped", "Watch", "WorkerDied"]


def __getattr__(name: str) -> Any:
    """One of the names above."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
