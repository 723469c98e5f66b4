"""The paper's four methods; ``base.py`` says in what they differ.  DQN is what they were measured against."""

from .a3c import A3C
from .base import Algorithm
from .dqn import DQN
from .n_step_q import NStepQ
from .one_step_q import OneStepQ
from .one_step_sarsa import OneStepSarsa

ALGORITHMS: dict[str, type[Algorithm]] = {"a3c": A3C, "n_step_q": NStepQ, "one_step_q": OneStepQ,
                                          "one_step_sarsa": OneStepSarsa}
METHODS: dict[str, type[Algorithm]] = ALGORITHMS | {"dqn": DQN}
__all__ = ["ALGORITHMS", "METHODS", "A3C", "DQN", "Algorithm", "NStepQ", "OneStepQ", "OneStepSarsa"]
