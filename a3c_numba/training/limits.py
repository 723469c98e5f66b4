"""How a run is watched over: what may go wrong before it is given up, and how much may be lost."""

from dataclasses import dataclass

from ..core.hyperparameters import hyperparameter, validate


@dataclass(frozen=True)
class Limits:
    """Limits of one run, which a resumed run may change.  Raises ValueError for a value out of its range."""

    max_restarts: int = hyperparameter(100, "deaths of workers that are made good in a run; one more ends it",
                                       at_least=0)
    heartbeat_seconds: float = hyperparameter(60.0,
                                              "a worker whose environment makes no step for that long is killed and "
                                              "replaced", above=0)
    max_skipped: int = hyperparameter(1000, "updates left out because they were not finite; one more ends the run",
                                      at_least=0)
    checkpoint_seconds: float = hyperparameter(60.0, "between checkpoints", above=0)
    keep: int = hyperparameter(3, "the latest checkpoints that are kept, beside the best", at_least=1)

    def __post_init__(self) -> None:
        validate(self)


Watch = Limits                 # the name of version 0.1
