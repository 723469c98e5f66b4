"""Name a cluster to train on, ``Ray(address, nodes=4)``, and choose how often its nodes exchange."""

import dataclasses
from dataclasses import dataclass

from ..core.hyperparameters import documented, hyperparameter
from ..system.advised_error import AdvisedError
from ..validation import validate, whole_number

UPDATES = 30                   # of all nodes together, from one exchange of a node to its next: docs/cluster.md
STALENESS = 10                 # exchanges of each node: a delta that more have overtaken is discarded


class ClusterError(AdvisedError, ValueError):
    """A cluster that cannot be reached or cannot take the run; one line."""


@documented
@dataclass(frozen=True)
class Ray:
    """A cluster of Ray.  Raises ValueError for a value out of its range."""

    address: str = hyperparameter("", "host:port of the cluster's head; auto: the cluster that this machine belongs "
                                      "to; by default a new one on this machine alone")
    nodes: int = hyperparameter(1, "trainers, each with the run's workers and a theta of its own", at_least=1,
                                largest=2**16)
    exchange_every: int | None = dataclasses.field(default=None, metadata={
        "help": f"updates of a node between two exchanges; 0, for one node alone: none (default {UPDATES} / nodes)"})
    shards: int = hyperparameter(1, "parameter servers, each with a slice of theta", at_least=1, largest=2**16)

    def __post_init__(self) -> None:
        validate(self)
        if self.exchange_every is not None:
            every = whole_number("exchange_every", self.exchange_every, 0, 2**31)
            object.__setattr__(self, "exchange_every", every)
        if self.exchange_every == 0 and self.nodes > 1:
            raise ValueError(f"exchange_every=0 is for one node alone: {self.nodes} nodes learn nothing of each other")

    @property
    def every(self) -> int:
        """Return the updates of a node between two of its exchanges."""
        return max(1, UPDATES // self.nodes) if self.exchange_every is None else self.exchange_every

    @property
    def max_staleness(self) -> int:
        """Return the number of exchanges of other nodes after which a delta is discarded."""
        return STALENESS * self.nodes
