"""The paper's three optimisers, which several processes apply to the same parameters without a lock."""

from .base import Optimizer
from .momentum_sgd import MomentumSGD
from .rmsprop import LocalRMSProp, RMSProp

OPTIMIZERS: dict[str, type[RMSProp] | type[MomentumSGD]] = {"rmsprop": RMSProp, "local_rmsprop": LocalRMSProp,
                                                            "momentum_sgd": MomentumSGD}
__all__ = ["OPTIMIZERS", "LocalRMSProp", "MomentumSGD", "Optimizer", "RMSProp"]
