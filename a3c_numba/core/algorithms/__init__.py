"""The paper's four methods; ``base.py`` says in what they differ."""

from .a3c import A3C
from .base import Algorithm
from .n_step_q import NStepQ
from .one_step_q import OneStepQ
from .one_step_sarsa import OneStepSarsa

ALGORITHMS: dict[str, type[Algorithm]] = {"a3c": A3C, "n_step_q": NStepQ, "one_step_q": OneStepQ,
                                          "one_step_sarsa": OneStepSarsa}
__all__ = ["ALGORITHMS", "A3C", "Algorithm", "NStepQ", "OneStepQ", "OneStepSarsa"]
