"""The random streams that workers are handed, looked at where they are handed out."""

import numpy as np

from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests.programs import small


def test_every_worker_is_given_a_stream_of_its_own(monkeypatch):
    """No process is started; what one would have been given is kept."""
    supervisor = Trainer(initial_checkpoint(small("Catch", workers=4, seed=3))).supervisor
    seeds = []

    def start(target, *arguments):
        seeds.extend(argument for argument in arguments if isinstance(argument, np.random.SeedSequence))

    monkeypatch.setattr("a3c_numba.system.worker_server.start", start)
    for number in range(4):
        supervisor._start(number)
    first_draws = [np.random.default_rng(seed).integers(2**31) for seed in seeds]
    assert len(first_draws) == 4 and len(set(first_draws)) == 4
    assert {seed.entropy for seed in seeds} == {3}
