"""The share of hidden units that are on, and a run that says that a layer is dead."""

import csv
import dataclasses

import numpy as np
import pytest

from a3c_numba.core.networks import MLP, Convolutional
from a3c_numba.core.parameters import Parameters
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from a3c_numba.training.units_on import units_on
from tests.core import test_replay_worker, test_worker
from tests.core.test_worker import config_of


def relu(x):
    return np.maximum(x, 0)


def test_an_mlp_has_the_share_of_its_emptiest_layer():
    worker, _, named = test_worker.begun(config_of("Catch", MLP(hidden=16), 1000))
    theta = {name: values.copy() for name, values in named.items()}
    rollout = worker.collect()
    shares = []
    for head in ("policy", "value"):
        x = rollout.obs[:-1].astype(np.float32)
        for layer in ("dense1", "dense2"):
            x = relu(x @ theta[f"{head}.{layer}.weight"] + theta[f"{head}.{layer}.bias"])
            shares.append((x > 0).mean())
    assert 0 < min(shares) < max(shares)
    assert units_on(worker) == pytest.approx(min(shares))


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_layer_that_is_dead_has_no_units_on(recurrent):
    network = Convolutional(dense=8, recurrent=recurrent)
    worker, _, _ = test_worker.begun(config_of("ALE/Pong-v5", network, 1000))
    worker.collect()
    assert 0 < units_on(worker) < 1
    worker.local.tree["dense"]["bias"][:] = -1e3
    worker.collect()
    assert units_on(worker) == 0


def test_dqn_has_the_share_of_the_states_it_acted_in():
    worker, _ = test_replay_worker.begun(test_replay_worker.config_of("Catch"))
    worker.update()
    assert 0 < units_on(worker) < 1


def test_a_network_of_ones_own_has_none():
    worker, _, _ = test_worker.begun(config_of("Catch", MLP(hidden=8), 1000))
    worker.collect()
    worker.network = object()
    assert np.isnan(units_on(worker))


@pytest.mark.parametrize("bias, said", [(-1e3, 1), (0, 0)])
def test_a_run_says_once_that_a_layer_is_dead(tmp_path, bias, said):
    config = dataclasses.replace(config_of("Catch", MLP(hidden=8), 3000), workers=1)
    start = initial_checkpoint(config)
    theta = Parameters(config.build_network(config.spaces).shapes, start.theta)
    theta.tree["policy"]["dense1"]["bias"][:] = bias
    folder = RunFolder(tmp_path / "run")
    folder.create(config.to_json())
    Trainer(start, folder.path).run()
    with open(folder.path / "events.csv") as file:
        events = [row["event"] for row in csv.DictReader(file) if row["kind"] == "dead layer"]
    assert len(events) == said and all("max_gradient_norm" in event for event in events)
    with open(folder.path / "progress.csv") as file:
        assert (float(list(csv.DictReader(file))[-1]["units_on"]) == 0) is bool(said)
