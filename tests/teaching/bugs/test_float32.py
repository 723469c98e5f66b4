"""float64 costs time and memory and changes no score: types have to be asked for."""

import numpy as np

from a3c_numba.core.layers.recurrent_state import layer_caches
from a3c_numba.core.worker import Worker
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests.programs import small


def test_all_that_a_worker_computes_with_is_float32():
    config = small("Catch")
    shared = Trainer(initial_checkpoint(config)).shared
    worker = Worker(0, config, shared, np.random.SeedSequence(1))
    rollout, outputs, _ = worker.collector.collect(worker.local.tree)
    returns = config.algorithm.targets(rollout, outputs)
    rows = tuple(output[:rollout.length] for output in outputs)
    d_outputs = config.algorithm.loss_gradient(worker.distribution, rollout.actions, returns, rows)
    arrays = {"theta": shared.theta, "statistics": shared.statistics, "theta'": worker.local.flat,
              "d_theta": worker.d_theta.flat, "obs": rollout.obs, "rewards": rollout.rewards,
              "discounts": rollout.discounts, "returns": returns, "start": initial_checkpoint(config).theta}
    arrays |= {f"output {k}": output for k, output in enumerate(outputs)}
    arrays |= {f"d_output {k}": d_output for k, d_output in enumerate(d_outputs)}
    for k, memory in enumerate(layer_caches(worker.collector.cache)):
        arrays |= {f"cache {k} y": memory.y, f"cache {k} d_x": memory.d_x}
    assert {name: array.dtype.name for name, array in arrays.items() if array.dtype != np.float32} == {}
