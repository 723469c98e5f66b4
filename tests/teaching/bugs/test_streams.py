"""The random streams that workers are handed, looked at where they are handed out."""

import numpy as np

from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests.programs import small


class Handed:
    """Stands in for multiprocessing's context: no process, only what one would have been given."""

    def __init__(self):
        self.seeds = []

    def Pipe(self, duplex):
        return Handed(), Handed()

    def Process(self, target, args, daemon):
        self.seeds += [argument for argument in args if isinstance(argument, np.random.SeedSequence)]
        return self

    def start(self):
        pass

    def close(self):
        pass


def test_every_worker_is_given_a_stream_of_its_own(monkeypatch):
    supervisor = Trainer(initial_checkpoint(small("Catch", workers=4, seed=3))).supervisor
    handed = Handed()
    monkeypatch.setattr("a3c_numba.system.worker_server.context", lambda: handed)
    for number in range(4):
        supervisor._start(number)
    first_draws = [np.random.default_rng(seed).integers(2**31) for seed in handed.seeds]
    assert len(first_draws) == 4 and len(set(first_draws)) == 4
    assert {seed.entropy for seed in handed.seeds} == {3}
