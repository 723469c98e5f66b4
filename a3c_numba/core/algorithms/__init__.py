"""The paper's methods, each as the hyper-parameters and the few expressions in which it differs from the others.

                     acts on            the target of step t ends in              read off
    OneStepQ         theta itself       max_a Q(s_{t+1}, a)                       theta-          Algorithm 1
    OneStepSarsa     theta itself       Q(s_{t+1}, a_{t+1})                       theta-          section 4
    NStepQ           theta', a copy     max_a Q(s_T, a), at the rollout's end     theta-          Algorithm S2
    A3C              theta', a copy     V(s_T), at the rollout's end              theta'          Algorithm S3

What the worker and the player ask of a method:

    snapshot          whether it acts on theta', a copy of theta for each rollout
    uses_target       whether its targets are read off theta-, a target network
    chooses_ahead     whether the action of the rollout's last state is drawn before the update (Sarsa's a_{t+1})
    update_steps      the longest rollout
    heads, behaviour, evaluation_policy, targets, loss_gradient, value
    first_bootstrap, target_interval      only where there is a target network

and a gradient check besides: advantages, loss.
"""

from .a3c import A3C
from .n_step_q import NStepQ
from .one_step_q import OneStepQ
from .one_step_sarsa import OneStepSarsa

ALGORITHMS = {"a3c": A3C, "n_step_q": NStepQ, "one_step_q": OneStepQ, "one_step_sarsa": OneStepSarsa}
__all__ = ["ALGORITHMS", "A3C", "NStepQ", "OneStepQ", "OneStepSarsa"]
