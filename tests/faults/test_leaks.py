"""Ten thousand episodes in one worker: what it needs after a thousand is what it needs."""

import gc
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.config import Config
from a3c_numba.core.algorithms import A3C, NStepQ
from a3c_numba.core.networks import MLP, initial_parameters
from a3c_numba.core.optimizers import RMSProp
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.training.worker_process import publish
from a3c_numba.training.worker_status import WorkerStatus
from tests.processes import together

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells")]

MEGABYTES = 5
CASES = {
    "A3C": (A3C(), MLP(hidden=16)),
    "recurrent n-step Q": (NStepQ(target_interval=50), MLP(hidden=8, layers=1, recurrent=True, cells=8)),
}


class Sink:
    """A pipe on which states are pickled and sent to nobody."""

    def send(self, message):
        pickle.dumps(message)

    def peer_closed(self):
        return False


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def episodes(worker, status, count):
    """Play until that many are finished; a checkpoint asks for the state now and then."""
    while status.episodes[0] < count:
        for _ in range(100):
            status.count_update(0, worker.update())
        publish(worker, status, Sink())


def measure(name):
    """In a process of its own: bytes and open files after 1 000 episodes and after 10 000 more."""
    algorithm, network = CASES[name]
    config = Config("Corridor", algorithm, RMSProp(), network, workers=1, total_steps=10**9)
    built = config.build_network(config.make_env())
    theta = initial_parameters(built, np.random.SeedSequence(0))
    shared = Shared(len(theta), 1, has_target=algorithm.uses_target_network)
    shared.theta[:] = theta
    worker, status, found = Worker(0, config, shared, np.random.SeedSequence(1)), WorkerStatus(shared, 1), []
    for count in (1000, 11_000):
        episodes(worker, status, count)
        gc.collect()
        found.append((resident(), len(os.listdir("/proc/self/fd")), len(gc.get_objects())))
    return found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.long
def test_10_000_episodes_leave_nothing_behind(name):
    ((before, files, objects), (after, files_after, objects_after)), = together(measure, [(name,)])
    print(f"\n{name}: {(after - before) / 1e6:+.2f} MB and {objects_after - objects:+d} objects in 10 000 episodes")
    assert after - before < MEGABYTES * 10**6
    assert files_after == files and objects_after - objects < 1000
