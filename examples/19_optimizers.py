"""Three optimisers over learning rates: the paper's comparison (section 4, and its figure of sorted scores), on Catch.

Shared RMSProp has one g for all workers, RMSProp one for each, momentum SGD one m for each.  A run draws its learning
rate log-uniformly from 1e-4 to 1e-2, and its theta at random; all optimisers get the same draws.  The final scores of
each are sorted: a curve that stays high longer is less sensitive to the learning rate.

Notice where each curve falls, and the learning rates there.  The picture is optimizers.png, or without OpenCV the table
optimizers.csv.  ``python 19_optimizers.py 3 5_000`` makes 3 runs of 5 000 steps with each.
"""

import sys

import numpy as np

from a3c_numba import A3C, MLP, Agent, LocalRMSProp, MomentumSGD, RMSProp
from a3c_numba.plots import PicturesUnavailable, Series, line_plot

OPTIMIZERS = {"shared RMSProp": RMSProp, "RMSProp": LocalRMSProp, "momentum SGD": MomentumSGD}


def final_score(Optimizer: type, learning_rate: float, seed: int, total_steps: int) -> float:
    """Train, and return the mean score of 100 games."""
    epsilon = {} if Optimizer is MomentumSGD else {"epsilon": 1e-5}      # 0.1 suits the size of Atari's gradients
    agent = Agent("Catch", A3C(t_max=20), Optimizer(learning_rate, **epsilon), MLP(), workers=2, seed=seed)
    agent.learn(total_steps)
    return float(agent.evaluate(100).mean())


def main(runs: int = 8, total_steps: int = 30_000) -> None:
    """Make all runs one after the other; print a line for each, then draw the picture."""
    rates = 10 ** np.random.default_rng(0).uniform(-4, -2, runs)         # loguniform(1e-4, 1e-2)
    scores = {name: [] for name in OPTIMIZERS}
    for name, Optimizer in OPTIMIZERS.items():
        for seed, rate in enumerate(rates):
            scores[name].append(final_score(Optimizer, float(rate), seed, total_steps))
            print(f"{name:14}   learning rate {rate:.1e}   final score {scores[name][-1]:5.2f}", flush=True)
    curves = [Series(name, range(1, runs + 1), sorted(found, reverse=True)) for name, found in scores.items()]
    try:
        line_plot(curves, "Catch: final scores, sorted", "runs, the best first", "mean of 100 games", "optimizers.png")
        print("optimizers.png")
    except PicturesUnavailable as error:
        np.savetxt("optimizers.csv", np.array([rates, *scores.values()]).T, "%g", ",",
                   header=",".join(["learning_rate", *scores]), comments="")
        print(f"optimizers.csv ({error})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
