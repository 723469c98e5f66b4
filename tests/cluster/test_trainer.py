"""A run on a cluster, its folder and its faults, with nodes in this process in place of Ray's."""

import shutil
import time

import numpy as np
import pytest

from a3c_numba import Agent, Ray
from a3c_numba.cluster.trainer import ClusterTrainer
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.limits import Limits
from a3c_numba.training.supervisor import WorkerDied
from a3c_numba.training.trainer import initial_checkpoint
from tests.cluster.local_engine import LocalEngine, Script, after, kinds, nothing
from tests.programs import program, small
from tests.runs.test_run_folder import contents, rows

LONG = 10**7                   # steps, which no test makes


@pytest.fixture(autouse=True)
def local(monkeypatch):
    """No Ray, and a report at every look."""
    monkeypatch.setattr("a3c_numba.cluster.trainer.RayEngine", LocalEngine)
    monkeypatch.setattr("a3c_numba.cluster.supervisor.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("a3c_numba.training.trainer.REPORT_SECONDS", 0.0)
    monkeypatch.setattr(LocalEngine, "made", [])


def trainer_of(tmp_path, cluster, callback=None, **config):
    """A driver of Catch, and the engine that it has made."""
    config = small("Catch", hidden=8, **config)
    RunFolder(tmp_path).create(config.to_json())
    made = ClusterTrainer(cluster, initial_checkpoint(config), tmp_path, callback=callback,
                          limits=Limits(checkpoint_seconds=0.1))
    return made, LocalEngine.made[-1]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of two nodes, two workers each: its folder, the trainer and the engine."""
    folder = tmp_path_factory.mktemp("cluster") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("a3c_numba.cluster.trainer.RayEngine", LocalEngine)
        patched.setattr("a3c_numba.cluster.supervisor.REPORT_SECONDS", 0.0)
        trainer, engine = trainer_of(folder, Ray(nodes=2), workers=2, total_steps=3000)
        trainer.run()
    return folder, trainer, engine


def test_too_many_shards_are_refused_before_any_is_made(catch_run, tmp_path, capsys):
    """And a run that was to be replaced stays."""
    run = shutil.copytree(catch_run, tmp_path / "run")
    before = contents(run)
    assert program("train", "Catch", "--out", run, "--overwrite", "--workers", 1, "--ray", "--shards", 60_000) == 2
    assert "cannot be cut into 60,000 shards" in capsys.readouterr().err
    assert not LocalEngine.made and contents(run) == before


def test_the_line_that_says_how_to_resume_names_the_cluster(tmp_path, capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt
    monkeypatch.setattr("a3c_numba.training.trainer.Trainer._watch", interrupted)
    monkeypatch.setattr("a3c_numba.cluster.supervisor.LAST_SECONDS", 0.1)
    monkeypatch.setattr("a3c_numba.cluster.supervisor.STOP_SECONDS", 0.1)
    for address in ([], ["auto"]):
        options = ["--nodes", "2", "--exchange-every", "7", "--shards", "2", "--ray", *address]
        out = tmp_path / f"run{len(address)}"
        assert program("train", "Catch", "--out", out, "--workers-per-node", 1, *options) == 130
        assert capsys.readouterr().err.endswith(f"train --resume {out} {' '.join(options)}\n")


def test_a_run_of_two_nodes_writes_the_same_folder(finished):
    folder, trainer, _ = finished
    last = load(folder / "final.npz")
    assert {"best.npz", "latest.npz", "final.npz", "progress.csv"} <= {path.name for path in folder.iterdir()}
    assert np.array_equal(last.theta, trainer.final_checkpoint.theta) and last.global_step >= 3000
    assert np.abs(last.theta - trainer.start.theta).max() > 0 and last.statistics.any()
    assert RunFolder(folder).load_latest()[0].global_step == last.global_step


def test_t_is_the_steps_of_all_nodes(finished):
    _, trainer, _ = finished
    counts = [report.counts.sum(axis=0) for report in trainer.supervisor.reports]
    assert trainer.final_checkpoint.global_step == sum(count[0] for count in counts)
    assert all(count[0] > 300 for count in counts)
    assert trainer.status.updates.sum() == sum(count[1] for count in counts)


def test_each_worker_of_each_node_has_a_lane(tmp_path):
    script = Script((lambda row: (trainer.status.episodes > 0).all(), nothing))
    trainer, _ = trainer_of(tmp_path, Ray(nodes=2), script, workers=2, total_steps=LONG)
    trainer.run()
    episodes = rows(tmp_path / "episodes.csv")
    assert {int(row["worker"]) for row in episodes} == {0, 1, 2, 3}
    assert len(episodes) == trainer.progress_tracker.episodes == trainer.status.episodes.sum()
    assert int(rows(tmp_path / "progress.csv")[-1]["updates"]) == trainer.status.updates.sum()


def test_a_node_reports_how_long_it_has_been_alone(finished):
    _, _, engine = finished
    node = engine.nodes[0].object
    assert node.report().unreached == 0.0
    node.exchange.exchangers[0].unreached_since = time.monotonic() - 20
    assert 20 <= node.report().unreached < 30


def test_nodes_draw_from_different_streams(finished):
    """The first to join has the run's own, so that one node is the run without a cluster."""
    _, trainer, engine = finished
    seeds = {actor.object.joined: actor.object.trainer.config.seed for actor in engine.nodes}
    assert seeds[0] == trainer.config.seed and seeds[1] != seeds[0]


def test_one_node_without_exchange_is_the_run_without_a_cluster(tmp_path, catch_run):
    assert program("train", "Catch", "--workers-per-node", 1, "--total-steps", 2000, "--out", tmp_path / "run",
                   "--exchange-every", 0, "--ray") == 0
    one, other = load(tmp_path / "run" / "final.npz"), load(catch_run / "final.npz")
    assert np.array_equal(one.theta, other.theta) and np.array_equal(one.statistics, other.statistics)
    assert one.global_step == other.global_step and one.streams == other.streams
    assert [row["score"] for row in rows(tmp_path / "run" / "episodes.csv")] == \
        [row["score"] for row in rows(catch_run / "episodes.csv")]


def test_a_lost_node_comes_back_with_the_centre_and_g(tmp_path):
    def lose():
        engine.nodes[1].lose()

    def restart():
        engine.nodes[1].restart()

    def has_learned(row):
        return row.global_step > 1000 and trainer.status.steps[1] > 0

    script = Script((has_learned, lose), (lambda row: row.restarts, restart),
                    (lambda row: trainer.supervisor.reports[1].joined == 2, nothing),
                    (lambda row: trainer.supervisor.reports[1].counts[0, 1] > 5, nothing))
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), script, total_steps=LONG)
    trainer.run()
    assert kinds(tmp_path) == ["node lost", "node joined"]
    start = engine.nodes[1].object.trainer.start
    assert start.global_step >= 1000 and start.statistics.any()
    assert not np.array_equal(start.theta, trainer.start.theta)
    assert start.config.seed != trainer.config.seed
    assert trainer.status.steps[1] > trainer.supervisor.reports[1].counts[0, 0]      # and those before it was lost


def test_the_run_goes_on_without_a_node_that_is_gone(tmp_path):
    script = Script((after(500), lambda: engine.nodes[0].lose(for_good=True)), (after(3000), nothing))
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), script, total_steps=LONG)
    trainer.run()
    assert kinds(tmp_path) == ["node lost"] and trainer.final_checkpoint.global_step > 3000
    assert trainer.supervisor.alive == 0 and engine.closed


def test_a_run_without_a_node_ends_with_a_checkpoint(tmp_path):
    script = Script((after(500), lambda: engine.nodes[0].lose(for_good=True)), (after(LONG), nothing))
    trainer, engine = trainer_of(tmp_path, Ray(), script, total_steps=LONG)
    with pytest.raises(WorkerDied, match="no node is left: killed"):
        trainer.run()
    assert load(tmp_path / "latest.npz").global_step > 0 and engine.closed


def test_a_restarted_server_takes_up_the_last_checkpoint(tmp_path):
    taken = []

    def empty():
        engine.servers[0].restart()

    def note():
        taken.append(engine.servers[0].object.snapshot())

    script = Script((lambda row: trainer.supervisor.state.global_step > 1000, empty),
                    (lambda row: engine.servers[0].object.state is not None, note),
                    (lambda row: engine.servers[0].object.accepted > 5, nothing))
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), script, total_steps=LONG)
    trainer.run()
    assert kinds(tmp_path) == ["parameter server restarted"]
    assert taken[0].global_step > 1000 and taken[0].joined >= 2
    assert not np.array_equal(taken[0].theta, trainer.start.theta)
    assert trainer.final_checkpoint.global_step >= taken[0].global_step


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_run_resumes_on_another_number_of_nodes(tmp_path, nodes):
    out = tmp_path / "run"
    trainer, _ = trainer_of(out, Ray(nodes=2, shards=2), Script((after(1000), nothing)), total_steps=LONG)
    trainer.run()
    before = load(out / "latest.npz")
    steps = before.global_step + 3000
    assert program("train", "--resume", out, "--total-steps", steps, "--ray", "auto", "--nodes", nodes) == 0
    starts = (node.object.trainer.start for node in LocalEngine.made[-1].nodes)
    start = min(starts, key=lambda start: start.global_step)             # of the node that was the first to join
    assert np.array_equal(start.theta, before.theta) and np.array_equal(start.statistics, before.statistics)
    assert start.streams == before.streams and load(out / "final.npz").global_step >= steps


def test_a_worker_that_dies_is_replaced_by_its_node(tmp_path):
    def kill():
        engine.nodes[1].object.trainer.supervisor.processes[0].kill()

    script = Script((lambda row: trainer.status.updates.min() > 10, kill), (lambda row: row.restarts, nothing))
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), script, total_steps=LONG)
    trainer.run()
    event = rows(tmp_path / "events.csv")[0]
    assert event["event"].startswith("node 1 says: worker 0 was ended by SIGKILL") and event["worker"] == "1"


def test_the_run_ends_with_the_number_of_discarded_deltas(tmp_path):
    def age():
        engine.servers[0].object.max_staleness = -1                      # every delta is too old from now on

    script = Script((after(500), age), (lambda row: trainer.supervisor.refused > 3, nothing))
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), script, total_steps=LONG)
    trainer.run()
    assert rows(tmp_path / "events.csv")[-1]["event"].startswith("discarded as too old for the parameter server: ")


def test_a_failing_environment_ends_the_run_with_its_node(tmp_path):
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), env_kwargs=None, total_steps=LONG)
    engine.nodes[1].object.failure = "ValueError: broken"
    with pytest.raises(WorkerDied, match="node 1: ValueError: broken"):
        trainer.run()
    assert engine.closed


@pytest.mark.parametrize("algorithm", ["n_step_q", "dqn"])
def test_value_methods_train_on_two_nodes(algorithm):
    """With ``dqn`` it is Gorila in bundled mode: each node acts, replays and learns for itself."""
    extra = {"warm_up": 100, "memory_size": 1000} if algorithm == "dqn" else {}
    agent = Agent("Catch", algorithm, workers=1, hidden=8, target_interval=100, **extra)
    before = agent.policy.parameters.flat.copy()
    agent.learn(1500, cluster=Ray(nodes=2))
    assert not np.array_equal(agent.policy.parameters.flat, before)
    reports = [actor.object.report() for actor in LocalEngine.made[-1].nodes]
    assert all(report.counts[0, 1] > 10 and report.finished and not report.failure for report in reports)
    targets = [actor.object.trainer.shared.target for actor in LocalEngine.made[-1].nodes]
    assert all(not np.array_equal(target, before) for target in targets)


def test_what_is_taken_is_the_centre_as_it_is_with_its_own_t(tmp_path):
    taken = []

    def take():
        taken.append((trainer.take(), engine.servers[0].object.snapshot()))

    script = Script((after(1000), take), (after(2000), nothing))
    trainer, engine = trainer_of(tmp_path, Ray(nodes=2), script, total_steps=LONG)
    trainer.run()
    (took, centre), = taken
    assert 0 < took.global_step <= centre.global_step
    assert not np.array_equal(took.theta, trainer.start.theta)
