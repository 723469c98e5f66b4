"""Any tracker of experiments, such as Weights & Biases, MLflow or Aim: a callback of eight lines.

    import wandb
    from a3c_numba import Agent

    run = wandb.init(project="a3c")
    def track(progress):
        run.log(progress._asdict(), step=progress.global_step)

    Agent("Catch").learn(3_000_000, callback=track)

Notice that the callback gets a ``LiveProgress`` every five seconds (``callback_seconds``) and at the end: the columns
of progress.csv, and ``progress.agent``, which plays as it does at that moment.  If it returns False the training ends.
This program needs no tracker: its own writes lines of JSON.  For TensorBoard there is ``a3c-numba train
--tensorboard``, and in Python ``callback=TensorBoardLog("runs/catch")``, which is in a3c_numba.runs.tensorboard.
"""

import json
import sys

from a3c_numba import Agent


class JsonLines:
    """A tracker with the method that the others have, too."""

    def __init__(self, path):
        self.path = path
        open(path, "w", encoding="utf-8").close()                        # of this run alone

    def log(self, values, step):
        """Append a line."""
        with open(self.path, "a", encoding="utf-8") as file:
            known = {name: value for name, value in values.items() if value == value}        # JSON has no nan
            file.write(json.dumps({"step": step} | known) + "\n")


def main(total_steps: int = 500_000) -> None:
    """Train on Catch, and print the last line."""
    tracker = JsonLines("tracker.jsonl")

    def track(progress):
        tracker.log({"score": progress.mean_score, "value_loss": progress.value_loss}, step=progress.global_step)

    agent = Agent("Catch", seed=0)
    agent.learn(total_steps, callback=track)
    print("score of 100 games:", agent.evaluate(100).mean(), "  progress in tracker.jsonl, whose last line is")
    with open(tracker.path, encoding="utf-8") as file:
        print(file.readlines()[-1], end="")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
