"""Annealing, and the paper's draw of final epsilons."""

import numpy as np

from .hyperparameters import shown


def linear(start: float, end: float, progress: float) -> float:
    """``start`` at progress 0, in a straight line to ``end`` at progress 1, and staying there.

    Progress is the share of a run that is over: agent steps of all workers over the length of training.  The paper
    anneals the learning rate to 0 so (section 5.1).
    """
    return start + (end - start) * min(1.0, progress)


class FinalEpsilons:
    """The epsilons that workers end with, and how probable each is: "0.1:0.4,0.01:0.3,0.5:0.3" (section 5.1).

    Raises ValueError, in one line, for a text that does not say so.
    """

    def __init__(self, text: str) -> None:
        wanted = ("final_epsilons must be epsilon:probability, ... with probabilities that add up to 1; "
                  f"got {shown(text)}")
        try:
            pairs = [[float(part) for part in pair.split(":")] for pair in text.split(",")]
            self.epsilons, self.probabilities = zip(*pairs, strict=True)
        except (ValueError, AttributeError, TypeError):
            raise ValueError(wanted) from None
        numbers = np.array([self.epsilons, self.probabilities])
        if not ((0 <= numbers) & (numbers <= 1)).all() or abs(sum(self.probabilities) - 1) > 1e-9:
            raise ValueError(wanted)

    def draw(self, rng: np.random.Generator) -> float:
        """One of the epsilons."""
        return float(rng.choice(self.epsilons, p=self.probabilities))
