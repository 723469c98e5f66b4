"""DQN's replay memory in the run's folder: a run that goes on with it is the run that was never interrupted."""

import dataclasses
import errno
import json
import shutil
from collections import namedtuple

import numpy as np
import pytest

from a3c_numba.agent import Agent
from a3c_numba.cluster.settings import Ray
from a3c_numba.config import Config
from a3c_numba.core.algorithms import DQN, OneStepQ
from a3c_numba.core.networks import Convolutional
from a3c_numba.core.replay import ReplayMemory
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.replay_file import ARRAYS, FILE, ReplayFile, spare_frames
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.collector_state import collector_state, restore
from a3c_numba.training.saved_replay import SavedReplayMemory, check_episode, replay_state, use_file
from a3c_numba.training.trainer import Trainer
from tests.core.test_replay import CAPACITY, SHAPE, rollouts
from tests.core.test_replay_worker import SMALL, begun, config_of
from tests.programs import program, raises_in_step, reports_often
from tests.promises import undisturbed
from tests.runs.test_run_folder import rows
from tests.training.test_resume import run_in_parts, run_whole, same

SPARE = 40
Space = namedtuple("Space", "shape dtype")


class Imaginary:
    """As much of a configuration as the file reads, of a game of SHAPE with a stack."""

    def __init__(self, stack=1):
        self.algorithm, self.frame_stack = dataclasses.replace(SMALL, memory_size=1000), stack
        object.__setattr__(self.algorithm, "memory_size", CAPACITY)      # below the least that a run may have
        self.spaces = namedtuple("Spaces", "observation_space")(Space((*SHAPE, stack), np.dtype(np.uint8)))


@pytest.fixture(scope="module", autouse=True)
def few_spare_frames():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("a3c_numba.runs.replay_file.SPARE_FRAMES", SPARE)
        yield


def memory_of(path, stack=1, saved=None):
    """A memory in a file, which is that of a state."""
    file = ReplayFile(path, Imaginary(stack))
    assert saved is None or file.resume(saved)
    return SavedReplayMemory(ReplayMemory(CAPACITY, (*SHAPE, stack), np.uint8, stack), file, saved)


def same_draws(one, other):
    drawn = [memory.draw(500, np.random.default_rng(3)) for memory in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(*drawn, strict=True))


def filled(memory, stack, count=80, seed=0):
    for rollout, ended in rollouts(np.random.default_rng(seed), stack, count, 0.1):
        memory.add(rollout, ended)
    return memory


def stepped(memory, entries, value=1):
    """Add one frame at a time until so many have been added."""
    while memory.entries < entries:
        rollout = next(rollouts(np.random.default_rng(value), 1, 1))[0]
        one = rollout._replace(obs=rollout.obs[:2] + value, actions=rollout.actions[:1], rewards=rollout.rewards[:1],
                               discounts=rollout.discounts[:1])
        memory.add(one, False)
    return memory


@pytest.mark.parametrize("stack", [1, 4])
def test_a_memory_in_a_file_draws_what_one_in_memory_does(tmp_path, stack):
    plain = ReplayMemory(CAPACITY, (*SHAPE, stack), np.uint8, stack)
    saved = memory_of(tmp_path / FILE, stack)
    for (rollout, ended), other in zip(*(rollouts(np.random.default_rng(0), stack, 80, 0.1) for _ in range(2))):
        plain.add(rollout, ended)
        saved.add(*other)
        assert plain.entries < 8 or same_draws(plain, saved)


@pytest.mark.parametrize("stack", [1, 4])
def test_a_memory_resumes_behind_any_rollout(tmp_path, stack):
    """The worker had gone on for some rollouts, of another future."""
    plain = ReplayMemory(CAPACITY, (*SHAPE, stack), np.uint8, stack)
    saved, begins = memory_of(tmp_path / FILE, stack), set()
    for number, (rollout, ended) in enumerate(rollouts(np.random.default_rng(0), stack, 90, 0.1)):
        plain.add(rollout, ended)
        saved.add(rollout, ended)
        state = json.loads(json.dumps(saved.state()))
        filled(saved, stack, count=4, seed=number)
        assert saved.entries > plain.entries
        saved = memory_of(tmp_path / FILE, stack, state)
        assert (saved.entries, saved.steps, saved.begins) == (plain.entries, plain.steps, plain.begins)
        assert saved.state() == state and (plain.entries < 8 or same_draws(plain, saved))
        begins.add(saved.begins)
    assert begins == {True, False} and plain.entries > 2 * (CAPACITY + SPARE)


def test_the_first_frame_that_is_overwritten_is_detected(tmp_path):
    memory = stepped(memory_of(tmp_path / FILE), 130)
    state = memory.state()
    stepped(memory, 130 + SPARE, 2)
    assert ReplayFile(tmp_path / FILE, Imaginary()).resume(state)
    memory = stepped(memory_of(tmp_path / FILE, saved=state), 130 + SPARE + 1, 2)
    file = ReplayFile(tmp_path / FILE, Imaginary())
    assert not file.resume(state) and file.entries == file.steps == 0
    assert memory_of(tmp_path / FILE).draw(1, np.random.default_rng(0)) is None


@pytest.mark.parametrize("name", ARRAYS)
def test_any_damage_to_the_memory_is_detected(tmp_path, name):
    memory = filled(memory_of(tmp_path / FILE, 4), 4)
    state, slot = memory.state(), (memory.entries - CAPACITY) % (CAPACITY + SPARE)
    assert ReplayFile(tmp_path / FILE, Imaginary(4)).resume(state)
    row = memory.file.ring[ARRAYS.index(name)][slot:slot + 1].view(np.uint8)         # the oldest that is needed
    row[..., 0] ^= 1
    assert not ReplayFile(tmp_path / FILE, Imaginary(4)).resume(state)
    row[..., 0] ^= 1
    memory.file.set_counts(memory.entries, memory.steps)
    assert ReplayFile(tmp_path / FILE, Imaginary(4)).resume(state)


def test_a_replaced_worker_takes_over_the_memory(tmp_path):
    """Not the last step, whose successor never came: also if the worker that resumes from a checkpoint is lost."""
    state = stepped(memory_of(tmp_path / FILE), 30).state()
    plain = stepped(ReplayMemory(CAPACITY, (*SHAPE, 1), np.uint8), 30)
    successor = memory_of(tmp_path / FILE)
    assert (successor.entries, successor.steps, successor.begins) == (30, 30, True)
    assert ReplayFile(tmp_path / FILE, Imaginary()).resume(state)        # of the checkpoint before it, too
    successor = memory_of(tmp_path / FILE)
    plain.drawable[29] = False
    for each in (plain, successor):
        filled(each, 1, count=5)
    assert same_draws(plain, successor)


@pytest.mark.parametrize("spoil, found", [
    (lambda path: path.unlink(), "did not exist"),
    (lambda path: path.write_bytes(path.read_bytes()[:-1]), "had {less:,} bytes, expected {size:,}"),
    (lambda path: path.write_bytes(b""), "had 0 bytes, expected {size:,}"),
    (lambda path: path.write_bytes(path.read_bytes() + bytes(1)), "had {more:,} bytes, expected {size:,}"),
    (lambda path: path.write_bytes(b"x" * path.stat().st_size), "is not a replay memory")])
def test_a_file_that_cannot_be_the_memory_is_begun_anew(tmp_path, spoil, found):
    filled(memory_of(tmp_path / FILE), 1)
    size = (tmp_path / FILE).stat().st_size
    spoil(tmp_path / FILE)
    file = ReplayFile(tmp_path / FILE, Imaginary())
    assert file.problem == found.format(size=size, less=size - 1, more=size + 1) and file.entries == 0
    assert (tmp_path / FILE).stat().st_size == size
    assert ReplayFile(tmp_path / FILE, Imaginary()).problem == ""


def test_a_full_disk_is_one_line_before_the_run_starts(tmp_path, monkeypatch):
    def full(file, size):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("a3c_numba.runs.replay_file.allocate", full)
    with pytest.raises(OSError) as error:
        ReplayFile(tmp_path / FILE, Imaginary())
    assert str(error.value) == (f"{tmp_path / FILE}: no file of 0 MB for the replay memory (No space left on device): "
                                "give a smaller memory_size, or do without save_replay")
    assert not (tmp_path / FILE).exists()


def test_a_checkpoint_is_due_with_the_quarter_of_the_spares(tmp_path):
    memory = stepped(memory_of(tmp_path / FILE), SPARE // 4)
    assert not memory.file.is_due
    stepped(memory, SPARE // 4 + 1)
    assert memory.file.is_due
    memory.file.flush()
    assert not memory.file.is_due


def test_spare_frames_are_bounded(monkeypatch):
    monkeypatch.setattr("a3c_numba.runs.replay_file.SPARE_FRAMES", 100_000)
    assert spare_frames(200_000, 84 * 84 + 21) == 37_930                 # 256 MB
    assert spare_frames(1_000_000, 84 * 84 + 21) == spare_frames(10_000, 37) == 100_000
    assert spare_frames(200_000, 10**6) == 25_000


def saving(config, **fields):
    return dataclasses.replace(config, algorithm=dataclasses.replace(config.algorithm, **fields), save_replay=True)


@pytest.mark.parametrize("env, network", [("Catch", None), ("ALE/Pong-v5", Convolutional())])
def test_a_worker_may_be_interrupted_behind_any_rollout(tmp_path, env, network):
    """A vector, and frames that four make an observation."""
    config = saving(config_of(env, *([SMALL, network] if network else [])), warm_up=6)
    worker, shared = begun(config)
    use_file(worker, ReplayFile(tmp_path / FILE, config), None)
    for _ in range(5 if network else 40):
        state = json.loads(json.dumps(collector_state(worker.collector) | replay_state(worker)))
        file = ReplayFile(shutil.copy(tmp_path / FILE, tmp_path / "copy"), config)
        other, memory = begun(config, 12)
        for mine, theirs in zip(memory.vectors, shared.vectors):
            mine[:] = theirs
        memory.resume_at(shared.global_step())
        assert file.resume(state["replay"])
        use_file(other, file, state)
        restore(other.collector, state)
        assert worker.update().gradient_norm == other.update().gradient_norm
        for mine, theirs in zip(memory.vectors, shared.vectors):
            np.testing.assert_array_equal(mine, theirs)
        assert replay_state(other) == replay_state(worker)
    assert worker.memory.steps > 12


def test_an_episode_that_cannot_go_on_has_no_successor(tmp_path, monkeypatch):
    """Too long to be played again: the next frame is of a new episode."""
    monkeypatch.setattr("a3c_numba.training.collector_state.is_too_long", lambda state: state is not None)
    config = saving(config_of("Catch"), warm_up=10**6)
    worker, _ = begun(config)
    use_file(worker, ReplayFile(tmp_path / FILE, config), None)
    while worker.memory.begins:
        worker.update()
    state = json.loads(json.dumps(collector_state(worker.collector) | replay_state(worker)))
    file, (other, _) = ReplayFile(tmp_path / FILE, config), begun(config, 12)
    assert file.resume(state["replay"])
    use_file(other, file, state)
    restore(other.collector, state)
    assert not other.memory.begins and other.memory.drawable[other.memory.entries - 1]
    check_episode(other)
    assert other.memory.begins and not other.memory.drawable[other.memory.entries - 1]


DQN_RUN = dict(memory_size=1000, warm_up=200, exploration_steps=1500, target_interval=70)
STEPS = 2000


def run_config():
    return saving(configure("Catch", algorithm="dqn", total_steps=STEPS), **DQN_RUN)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """The folder of a whole run whose memory is not saved, and its last checkpoint; not to be written to."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, run_whole(dataclasses.replace(run_config(), save_replay=False), out)


@pytest.fixture(scope="module")
def cut_run(tmp_path_factory):
    """The folder of a run that was interrupted at about step 1,100; not to be written to."""
    out = tmp_path_factory.mktemp("runs") / "cut"
    config = saving(run_config(), **DQN_RUN)
    trained = Agent("Catch", config.algorithm, config.optimizer, config.network)
    trained.learn(STEPS, out, lambda progress: progress.global_step < 1100, callback_seconds=0.01, save_replay=True)
    return out


@undisturbed
def test_resuming_is_exact_with_a_saved_memory(tmp_path, monkeypatch, whole_run):
    """The ring goes round; and a run without a saved memory is the same run, too."""
    reports_often(monkeypatch)
    monkeypatch.setattr("a3c_numba.training.trainer.POLL_SECONDS", 0.02)
    out, one = whole_run
    other = run_in_parts(run_config(), tmp_path / "parts", (500, 1200))
    same(one, other)
    assert np.array_equal(one.target, other.target)
    assert not rows(tmp_path / "parts" / "events.csv") and not (out / FILE).exists()


@pytest.fixture
def cut(tmp_path, cut_run):
    """A copy of that run."""
    return shutil.copytree(cut_run, tmp_path / "run")


def resumed(out, capsys, *options):
    """The lines on standard error of a run that is resumed to its end; its last checkpoint."""
    capsys.readouterr()
    assert program("train", "--resume", out, "--quiet", *options) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "learning rate" not in line]
    assert [row["event"] for row in rows(out / "events.csv")] == [line.split("warning: ")[-1] for line in lines]
    return lines, load(out / "final.npz")


def test_the_command_goes_on_exactly_or_says_in_one_line_why_not(cut, whole_run, capsys):
    """The second time the file is of a later moment: the run has gone on too far since that checkpoint."""
    early = (cut / "latest.npz").read_bytes()
    lines, final = resumed(cut, capsys)
    assert not lines and final.config.save_replay
    same(whole_run[1], final)
    (cut / "latest.npz").write_bytes(early)
    (line,), final = resumed(cut, capsys)
    step = int(line.split("step ")[1].split(":")[0].replace(",", ""))
    assert 1100 <= step < STEPS and line.endswith(
        f"{cut / FILE} does not hold the memory of step {step:,}: overwritten since then, or damaged; the run begins "
        "with an empty replay memory, and is not the one that was interrupted")
    assert final.workers[0]["replay"]["steps"] == final.global_step - step


def test_a_cut_file_is_one_line_also_if_nothing_is_learned_then(cut, capsys):
    """The run is near its end: a memory that is saved is warm, or the line says that it is empty."""
    (cut / FILE).write_bytes(b"short")
    (line,), final = resumed(cut, capsys, "--total-steps", load(cut / "latest.npz").global_step + 100)
    assert f"{cut / FILE} had 5 bytes, expected" in line and "begins with an empty replay memory" in line
    assert 100 <= final.workers[0]["replay"]["steps"] < 105


def test_a_lost_state_is_one_line_and_keeps_the_memory(cut, capsys):
    latest = load(cut / "latest.npz")
    entries = latest.workers[0]["replay"]["entries"]
    latest.workers = [None]
    Trainer(latest, cut).folder.save(latest)
    (line,), final = resumed(cut, capsys)
    assert line.endswith(f"the run continues with what is in {cut / FILE}, {entries:,} frames so far, and is not "
                         "exactly the one that was interrupted")
    assert final.workers[0]["replay"]["entries"] > entries + 500


def test_a_worker_that_replaces_another_keeps_the_memory(tmp_path):
    """Each raises at its 200th step; in all a few steps are lost with them."""
    agent = Agent(raises_in_step, DQN(**DQN_RUN), workers=1, hidden=4)
    agent.learn(700, tmp_path / "run", save_replay=True)
    final = load(tmp_path / "run" / "final.npz", raises_in_step)
    assert len(rows(tmp_path / "run" / "events.csv")) == 3 and 680 < final.workers[0]["replay"]["steps"] <= 705


def test_the_memory_may_be_given_up_or_saved_from_now_on(cut, capsys):
    lines, final = resumed(cut, capsys, "--no-save-replay")
    assert not lines and not (cut / FILE).exists() and "replay" not in final.workers[0]
    capsys.readouterr()
    assert program("train", "--resume", cut, "--quiet", "--save-replay", "--total-steps", STEPS + 100) == 0
    said, final = capsys.readouterr().err, load(cut / "final.npz")
    assert f"{cut / FILE} did not exist" in said and "learns nothing" in said
    assert 90 < final.workers[0]["replay"]["steps"] < 105


def test_the_api_resumes_and_replaces_as_the_command_does(cut, whole_run):
    agent = Agent.resume(cut, save_replay=np.bool_(True))
    same(whole_run[1], agent._checkpoint)
    assert agent.learn(50).config.save_replay is False                   # the next run says so itself
    with pytest.raises(ValueError, match="^save_replay keeps the replay memory in the run's folder: give out=$"):
        agent.learn(50, save_replay=True)
    with pytest.raises(ValueError, match="^save_replay is for one machine: "):
        agent.learn(50, cut.parent / "other", save_replay=True, cluster=Ray())
    assert not (cut.parent / "other" / "config.json").exists()
    assert not Agent.load(cut, algorithm=OneStepQ()).config.save_replay  # which has no such memory


def test_a_refused_resumption_keeps_the_final_agent(cut, capsys):
    resumed(cut, capsys)
    assert program("train", "--resume", cut, "--total-steps", 2 * STEPS, "--ray") == 2
    assert "give --no-save-replay" in capsys.readouterr().err and (cut / "final.npz").exists()


def test_a_new_run_replaces_the_old_memory(cut, capsys):
    held = load(cut / "latest.npz").workers[0]["replay"]
    assert program("train", "--config", cut / "config.json", "--out", cut, "--overwrite", "--total-steps", 300) == 0
    final = load(cut / "final.npz")
    assert held["steps"] > 1000 and final.workers[0]["replay"]["steps"] == final.global_step < 305
    RunFolder(cut).create("{}", overwrite=True)
    assert not (cut / FILE).exists()


def test_a_small_disk_or_a_cluster_is_refused_in_one_line(cut, capsys, monkeypatch):
    """Nothing is overwritten."""
    before = {path.name: path.read_bytes() for path in cut.iterdir()}
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(-(cut / FILE).stat().st_blocks * 512 + 10**4))
    command = ["train", "--config", cut / "config.json", "--out", cut, "--overwrite"]
    assert program(*command) == 2
    assert "a replay memory of 1,000 frames takes 0 MB of the disk, and 0 MB are free" in capsys.readouterr().err
    monkeypatch.undo()
    assert program(*command, "--ray") == 2
    assert "save_replay is for one machine" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in cut.iterdir()} == before


@pytest.mark.parametrize("value, algorithm", [(True, "a3c"), (1, "dqn"), ("yes", "dqn")])
def test_it_is_a_truth_value_and_for_dqn(value, algorithm):
    line = f"^save_replay must be True or False, and True for DQN alone; got .* {algorithm}$"
    with pytest.raises(ValueError, match=line):
        configure("Catch", algorithm=algorithm, workers=1, save_replay=value)


def test_a_configuration_keeps_it_and_older_ones_lack_it():
    config = run_config()
    assert Config.from_json(config.to_json()).save_replay is True and isinstance(config.algorithm, DQN)
    assert "save_replay" not in dataclasses.replace(config, save_replay=False).to_json()
