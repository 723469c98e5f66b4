"""The paper's four methods: each file has the hyper-parameters and the expressions in which methods differ.

                     acts on            the target of step t ends in              computed with
    OneStepQ         theta itself       max_a Q(s_{t+1}, a)                       theta-          Algorithm 1
    OneStepSarsa     theta itself       Q(s_{t+1}, a_{t+1})                       theta-          section 4
    NStepQ           theta', a copy     max_a Q(s_T, a), at the rollout's end     theta-          Algorithm S2
    A3C              theta', a copy     V(s_T), at the rollout's end              theta'          Algorithm S3

Each method has, for the worker and the rollout:

    acts_on_snapshot          True if it acts on theta', a copy of theta for each rollout
    uses_target_network       True if its targets are computed with theta-, a target network
    needs_next_action     True if the action of the rollout's last state is drawn before the update (Sarsa's a_{t+1})
    rollout_length      the longest rollout
    heads, behaviour_policy, evaluation_policy, targets, loss_gradient, value
    first_target_row, target_interval      only with a target network

and for gradient checks: advantages, loss.
"""

from .a3c import A3C
from .n_step_q import NStepQ
from .one_step_q import OneStepQ
from .one_step_sarsa import OneStepSarsa

ALGORITHMS = {"a3c": A3C, "n_step_q": NStepQ, "one_step_q": OneStepQ, "one_step_sarsa": OneStepSarsa}
__all__ = ["ALGORITHMS", "A3C", "NStepQ", "OneStepQ", "OneStepSarsa"]
