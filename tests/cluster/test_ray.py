"""A real Ray, two nodes on one machine: processes that are killed, a cluster that is full, Ctrl-C."""

import importlib.util
import os
import signal
import time

import numpy as np
import pytest

from a3c_numba import Ray
from a3c_numba.cluster.trainer import ClusterTrainer
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.limits import Limits
from a3c_numba.training.trainer import initial_checkpoint
from tests.cluster.local_engine import Script, kinds, nothing
from tests.programs import program, small
from tests.promises import undisturbed, within
from tests.runs.test_run_folder import rows

pytestmark = [pytest.mark.ray,
              pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="pip install 'a3c_numba[ray]'")]
LONG = 10**7


@pytest.fixture(scope="module")
def address():
    """The address of a cluster of two machines with one processor each."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")      # all sockets on loopback
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        try:
            cluster.add_node(num_cpus=1)
            yield cluster.address
        finally:
            cluster.shutdown()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A report at every look."""
    monkeypatch.setattr("a3c_numba.training.trainer.REPORT_SECONDS", 0.0)


def trainer_of(folder, cluster, callback, **config):
    config = small("Catch", hidden=8, total_steps=LONG, **config)
    RunFolder(folder).create(config.to_json())
    return ClusterTrainer(cluster, initial_checkpoint(config), folder, callback=callback,
                          limits=Limits(checkpoint_seconds=0.5))


def kill(actor):
    """Kill an actor's process, which Ray is not told of."""
    import ray
    os.kill(ray.get(actor.__ray_call__.remote(lambda self: os.getpid())), signal.SIGKILL)


@pytest.mark.long
def test_killed_processes_are_restarted_and_the_run_goes_on(tmp_path, address):
    """First a node, which joins with the centre; then the parameter server, which takes up the checkpoint."""
    def has(kind):
        return lambda row: kind in kinds(tmp_path)

    def all_beyond(step):
        return lambda row: min(report.global_step for report in trainer.supervisor.reports) > step

    script = Script((all_beyond(500), lambda: kill(trainer.supervisor.engine.nodes[1])),
                    (has("node joined"), nothing),
                    (lambda row: trainer.supervisor.state.global_step > 500,
                     lambda: kill(trainer.supervisor.engine.servers[0])),
                    (has("parameter server restarted"), nothing), (all_beyond(3000), nothing))
    trainer = trainer_of(tmp_path, Ray(address, nodes=2), script)
    trainer.run()
    assert kinds(tmp_path) == ["node lost", "node joined", "parameter server restarted"]
    steps = [int(row["global_step"]) for row in rows(tmp_path / "progress.csv")]
    last = load(tmp_path / "latest.npz")
    assert last.global_step > 1000 and not np.array_equal(last.theta, trainer.start.theta)
    assert steps[:-1] == sorted(steps[:-1]) and last.statistics.any()


@pytest.mark.long
def test_one_node_without_exchange_is_the_run_without_ray(tmp_path, address, catch_run):
    assert program("train", "Catch", "--ray", address, "--workers-per-node", 1, "--total-steps", 2000,
                   "--exchange-every", 0, "--out", tmp_path / "run") == 0
    one, other = load(tmp_path / "run" / "final.npz"), load(catch_run / "final.npz")
    assert np.array_equal(one.theta, other.theta) and np.array_equal(one.statistics, other.statistics)
    assert one.global_step == other.global_step


@undisturbed
@pytest.mark.long
def test_ctrl_c_ends_a_run_within_10_seconds_and_it_resumes(tmp_path, address):
    """Gorila's bundled mode: two nodes with a replay memory each; then one node takes up their checkpoint."""
    pressed = []

    def callback(row):
        if row.global_step > 500 and not pressed:
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    out = tmp_path / "run"
    try:
        trainer = trainer_of(out, Ray(address, nodes=2), callback, algorithm="dqn")
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
        within(10, pressed[0])
    finally:
        signal.signal(signal.SIGINT, handler)
    stopped = load(out / "latest.npz")
    assert stopped.global_step > 500
    assert program("train", "--resume", out, "--ray", address, "--total-steps", stopped.global_step + 500) == 0
    assert load(out / "final.npz").global_step >= stopped.global_step + 500


def test_a_full_cluster_is_refused_in_one_line(tmp_path, address, capsys, monkeypatch):
    monkeypatch.setattr("a3c_numba.cluster.engine.REACH_SECONDS", 1.0)
    assert program("train", "Catch", "--ray", address, "--nodes", 3, "--workers-per-node", 1,
                   "--out", tmp_path / "run", "--quiet") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "2 free processors" in said and "--nodes" in said
    assert not (tmp_path / "run" / "config.json").exists()
