"""Log the events of a run: one list that all parts write to, and one sentence for each kind of event."""

from typing import NamedTuple

# Kind -> its sentence.  ``detail`` is all that differs from one event of a kind to the next.
SENTENCES = {
    "replaced": "worker {worker} {detail}",                # it exited, and another one is started
    "not started": "worker {worker} {detail}",             # no room, or it fails again and again; the others train
    "server lost": "the server that workers are forked from {detail}",
    "episode begun anew": "worker {worker} begins a new episode: {detail}",
    "replay memory": "{detail}",                           # it is not what the interrupted run had
    "server killed": "the server that workers are forked from does not answer: it was killed, and its workers with it",
    "not written": "{detail}",                             # a checkpoint or rows; the run continues
    "written again": "{detail}",
    "damaged": "{detail}",                                 # a table that a resumed run could not read in full
    "renamed": "{detail}",                                 # a checkpoint that a resumed run has rejected
    "node warning": "{detail}",                            # what the trainer of a node has logged
    "node lost": "{detail}",                               # worker: the first of the node
    "node joined": "{detail}",
    "node alone": "{detail}",                              # it reaches no parameter server
    "node reconnected": "{detail}",
    "parameter server restarted": "a parameter server was restarted, with the theta {detail}",
    "deltas discarded": "discarded as too old for the parameter server: {detail}",
    "dead layer": "a hidden layer is dead: its units are 0 for all observations, and nothing below it learns any more; "
                  "begin again with a smaller value_weight, learning_rate or max_gradient_norm",
    "no curve": "no learning curve: {detail}",
    "evaluation": "{detail}",                              # one that failed, was skipped or interrupted
    "stopped": "{detail}",                                 # the score was reached that ends the run
}


class Event(NamedTuple):
    """One event; ``worker`` is None unless it is about one."""

    kind: str
    worker: int | None
    detail: str

    @property
    def sentence(self) -> str:
        """Return the event as a person reads it, on one line."""
        return SENTENCES[self.kind].format(worker=self.worker, detail=self.detail)


class EventLog:
    """Collect events until ``drain`` hands them on: to events.csv, to the terminal."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._once: set[str] = set()

    def add(self, kind: str, worker: int | None = None, detail: str = "") -> None:
        """Add an event of one of the kinds in SENTENCES.  Raises KeyError for another kind."""
        SENTENCES[kind]
        self.events.append(Event(kind, worker, detail))

    def add_once(self, kind: str) -> None:
        """Add an event without details, unless there has been one of this kind."""
        if kind not in self._once:
            self._once.add(kind)
            self.add(kind)

    def take(self, other: "EventLog") -> None:
        """Add the events of another log, which is empty then."""
        self.events += other.drain()

    def drain(self) -> list[Event]:
        """Return all events since the last call, and forget them."""
        events, self.events = self.events, []
        return events

    def sentences(self) -> list[str]:
        """Return the sentences of the events that have not been drained yet."""
        return [event.sentence for event in self.events]
