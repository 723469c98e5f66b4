"""Annealing."""


def linear_to_zero(start: float, step: int, last_step: int) -> float:
    """``start`` at step 0, falling in a straight line to 0 at ``last_step`` and staying there.

    The paper anneals the learning rate so over the length of training (section 5.1); steps are agent steps of all
    workers together.
    """
    return start * max(0.0, 1.0 - step / last_step)
