"""Linear annealing, and the paper's random final epsilons (section 5.1)."""

import numpy as np

from ..system.text import short_repr


def linear(start: float, end: float, progress: float) -> float:
    """Return ``start`` at progress 0, ``end`` from progress 1 on, and a straight line in between.

    Progress is the completed share of a run: agent steps of all workers over the length of training.  The paper
    anneals the learning rate to 0 (section 5.1).
    """
    return start + (end - start) * min(1.0, progress)


class FinalEpsilons:
    """The final epsilons and their probabilities: "0.1:0.4,0.01:0.3,0.5:0.3" (section 5.1).

    Raises ValueError, one line, for a text of another form.
    """

    def __init__(self, text: str) -> None:
        wanted = ("final_epsilons must be epsilon:probability, ... with probabilities that add up to 1; "
                  f"got {short_repr(text)}")
        try:
            pairs = [[float(part) for part in pair.split(":")] for pair in text.split(",")]
            self.epsilons, self.probabilities = zip(*pairs, strict=True)
        except (ValueError, AttributeError, TypeError):
            raise ValueError(wanted) from None
        numbers = np.array([self.epsilons, self.probabilities])
        if not ((0 <= numbers) & (numbers <= 1)).all() or abs(sum(self.probabilities) - 1) > 1e-9:
            raise ValueError(wanted)

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one of the epsilons."""
        return float(rng.choice(self.epsilons, p=self.probabilities))
