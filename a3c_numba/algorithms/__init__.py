"""The paper's methods, each as the hyper-parameters and the few expressions in which it differs from the others."""

from .a3c import A3C
from .n_step_q import NStepQ
from .one_step_q import OneStepQ
from .one_step_sarsa import OneStepSarsa

ALGORITHMS = {"a3c": A3C, "n_step_q": NStepQ, "one_step_q": OneStepQ, "one_step_sarsa": OneStepSarsa}
__all__ = ["ALGORITHMS", "A3C", "NStepQ", "OneStepQ", "OneStepSarsa"]
