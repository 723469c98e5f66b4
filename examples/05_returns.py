"""Lesson 5: rewards that come late: returns, and bootstrapping from estimated values.

The return of a step is its reward plus gamma times the return of the next step.  Backwards:

    R <- 0 if the episode terminated after the last step, else V(the next state), an estimate of the rest
    for t from the last step to the first:    R <- r_t + gamma R;     V(s_t) moves towards R

A rollout to the end of the episode needs no estimate, but contains all the noise up to it.  A rollout of t_max steps
has less noise, but depends on V, which is wrong at first.

New:     a time axis, and V.  R_t - V(s_t) is the A of lesson 4.
Notice:  in the picture, one step at a time is smooth but slow, because a reward moves back one place per visit; the
         whole episode is fast but stays noisy; five steps lie in between.
Try:     RATE = 0.1: one step at a time gets better and long rollouts get worse, because larger steps have more noise.
"""

import numpy as np

from a3c_numba.core.returns import returns_of
from a3c_numba.plots import Series, line_plot

PLACES, EPISODES, REPEATS, RATE, gamma = 15, 200, 20, 0.03, 1.0
TRUE = np.arange(1, PLACES + 1) / (PLACES + 1)                           # V: probability of the right end


def returns(rewards, bootstrap_value, discount=gamma):
    """Return R_t for each step of a rollout."""
    R, found = bootstrap_value, []
    for reward in reversed(rewards):
        R = reward + discount * R
        found.append(R)
    return np.array(found[::-1])


def walk(rng):
    """Return places and rewards of a random walk from the middle; reward 1 for leaving at the right end."""
    places = [PLACES // 2]
    while 0 <= places[-1] < PLACES:
        places.append(places[-1] + (-1, 1)[rng.integers(2)])
    return np.array(places), [0.0] * (len(places) - 2) + [float(places[-1] == PLACES)]


def learn(V, places, rewards, t_max):
    """Learn from one episode in rollouts of at most t_max steps, as a worker does."""
    for start in range(0, len(rewards), t_max):
        end = min(start + t_max, len(rewards))
        terminated = end == len(rewards)
        R = returns(rewards[start:end], 0.0 if terminated else V[places[end]])
        for place, target in zip(places[start:end], R):
            V[place] += RATE * (target - V[place])


def main():
    """Compute one rollout by hand; then compare three rollout lengths on the same walks."""
    rewards = [0.0, 0.0, 1.0, 0.0]
    for say, bootstrap_value in (("terminated", 0.0), ("cut, V 0.8", 0.8)):
        mine = returns(rewards, bootstrap_value, 0.9)
        print(f"rewards {rewards}, gamma 0.9, {say}:  R {mine.round(3)}")
    values, discounts = np.array([0, 0, 0, 0, 0.8]), np.full(4, 0.9)
    theirs = returns_of(np.array(rewards), discounts, values)
    print(f"the package's kernel says the same: {np.abs(mine - theirs).max():.0e} apart")

    rng = np.random.default_rng(0)
    walks, curves = [[walk(rng) for _ in range(EPISODES)] for _ in range(REPEATS)], []
    for t_max in (1, 5, 10_000):
        errors = np.zeros((REPEATS, EPISODES))
        for repeat, episodes in enumerate(walks):
            V = np.full(PLACES, 0.5)
            for number, (places, rewards) in enumerate(episodes):
                learn(V, places, rewards, t_max)
                errors[repeat, number] = np.sqrt(((V - TRUE) ** 2).mean())
        name = f"t_max {t_max}" if t_max < 1000 else "the whole episode"
        mean = errors.mean(axis=0)
        print(f"{name:18} error of V after 5 episodes {mean[4]:.3f}, after 50 {mean[49]:.3f}, after 200 {mean[-1]:.3f}")
        curves.append(Series(name, range(1, EPISODES + 1), mean))
    line_plot(curves, "Lesson 5: values of a random walk, from rollouts of three lengths", "episodes",
              f"root of the mean squared error of V, mean of {REPEATS} learners", "05_returns.png")


if __name__ == "__main__":
    main()
