"""A rollout, and its discounted returns (lambda-returns).

With rewards r_0 .. r_{T-1}, discounts gamma_t (gamma, or 0 if the episode terminated at step t) and values
V_0 .. V_T, of which V_T is the bootstrap, the lambda-return runs backwards from R_T = V_T:

    R_t = r_t + gamma_t [ (1 - lambda) V_{t+1} + lambda R_{t+1} ]

lambda = 1 is the paper's R <- r_i + gamma R (Algorithm S3): each step has the longest return the rollout can give.
lambda < 1 makes R_t - V_t the generalised advantage estimate (Schulman et al. 2015, equation 16), because

    R_t - V_t = delta_t + gamma_t lambda (R_{t+1} - V_{t+1}),    delta_t = r_t + gamma_t V_{t+1} - V_t .

Termination is data: a discount of 0 removes all that comes after it.  A truncated episode keeps its discount and so
bootstraps from the value of its last observation.
"""

from typing import NamedTuple

import numpy as np

from .kernel import kernel


class Rollout(NamedTuple):
    """T steps of one episode; all arrays are views of buffers that the next rollout overwrites."""

    obs: np.ndarray         # (T + 1, *observation_shape)
    actions: np.ndarray     # (T, *action_shape): int64 numbers, or float32 vectors
    rewards: np.ndarray     # (T,) float32, clipped and scaled as the method says; NaN if anything was not finite
    discounts: np.ndarray   # (T,) float32: gamma, or 0 where the episode terminated
    next_actions: np.ndarray    # (T, *action_shape): a_{t+1}; the last is drawn only for methods that ask for it

    @property
    def length(self) -> int:
        """Return T."""
        return len(self.actions)


@kernel
def lambda_returns(rewards, discounts, values, lambda_, returns):
    """Set returns (T,), from rewards (T,), discounts (T,), values (T + 1,); lambda_ in [0, 1] has the same dtype."""
    R = values[len(rewards)]
    for t in range(len(rewards) - 1, -1, -1):
        R = rewards[t] + discounts[t] * ((1 - lambda_) * values[t + 1] + lambda_ * R)
        returns[t] = R


def returns_of(rewards: np.ndarray, discounts: np.ndarray, values: np.ndarray, lambda_: float = 1.0) -> np.ndarray:
    """Return the lambda-returns (T,) as a new array with the dtype of ``values``."""
    returns = np.empty(len(rewards), values.dtype)
    lambda_returns(rewards, discounts, values, values.dtype.type(lambda_), returns)
    return returns
