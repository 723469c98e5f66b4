"""Annealing."""


def linear(start: float, end: float, progress: float) -> float:
    """``start`` at progress 0, in a straight line to ``end`` at progress 1, and staying there.

    Progress is the share of a run that is over: agent steps of all workers over the length of training.  The paper
    anneals the learning rate to 0 so (section 5.1).
    """
    return start + (end - start) * min(1.0, progress)
