"""Limits of a run: how many failures end it, and how often it is saved."""

from dataclasses import dataclass

from ..core.hyperparameters import documented, hyperparameter
from ..validation import validate


@documented
@dataclass(frozen=True)
class Limits:
    """Limits of one run; a resumed run may change them.  Raises ValueError for a value out of its range."""

    max_restarts: int = hyperparameter(100, "maximum number of worker restarts; one more failure ends the run",
                                       at_least=0)
    heartbeat_seconds: float = hyperparameter(60.0,
                                              "seconds without an environment step after which a worker is killed and "
                                              "replaced", above=0)
    max_skipped: int = hyperparameter(1000, "maximum number of updates skipped as not finite; one more ends the run",
                                      at_least=0)
    checkpoint_seconds: float = hyperparameter(60.0, "seconds between checkpoints", above=0)
    keep: int = hyperparameter(3, "number of latest checkpoints to keep, besides the best", at_least=1)

    def __post_init__(self) -> None:
        validate(self)


Watch = Limits                 # the name of version 0.1
