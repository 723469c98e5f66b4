"""Checkpoints: whole or refused, whatever happened to the file."""

import dataclasses
import importlib
import io
import json
import os
import pickle
import sys
import tracemalloc
import zipfile
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from a3c_numba.core.networks import MLP
from a3c_numba.envs.toys import Corridor
from a3c_numba.runs import checkpoint as checkpoints
from a3c_numba.runs.checkpoint import Checkpoint, CheckpointError, load, load_fitting, save
from a3c_numba.runs.compact_array import encode
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import chances, program, small

ROOT = Path(__file__).parents[2]


def some(env="Corridor", hidden=2, **parts):
    """A checkpoint in the middle of a run of two workers, with theta- and each worker's own statistics if asked for."""
    start, rng = initial_checkpoint(small(env, hidden, **parts)), np.random.default_rng(0)
    states = [{"generator": np.random.default_rng(1).bit_generator.state, "episode_seed": 5, "episode_actions": [0, 1],
               "recurrent": [], "next_action": None, "steps": 70}, None]
    config, n = dataclasses.replace(start.config, workers=2), len(start.theta)
    each = 2 if config.optimizer.own_statistics else 1
    numbers = {"statistics": rng.uniform(size=each * n).astype(np.float32), "global_step": 123,
               "seconds": 4.5, "workers": states, "streams": 2, "mean_score": 0.25,
               "target": rng.normal(size=n).astype(np.float32) if config.algorithm.uses_target_network else None}
    return dataclasses.replace(start, config=config, **numbers)


VALUE = {"algorithm": "n_step_q"}
OWN = {"optimizer": "local_rmsprop"}
EVERYTHING = [VALUE, OWN, VALUE | OWN, {"algorithm": "one_step_sarsa", "optimizer": "momentum_sgd"},
              VALUE | {"network": MLP(hidden=2, recurrent=True, cells=3)}]


def same(one, other):
    fields = [field.name for field in dataclasses.fields(Checkpoint)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)


def refused(path, call=load, **arguments):
    """The one line with which the file is refused."""
    with pytest.raises(CheckpointError) as error:
        call(path, **arguments)
    line = str(error.value)
    assert str(path) in line and "\n" not in line and len(line) < 500
    return line


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "a.npz", some())
    return tmp_path / "a.npz"


@pytest.fixture
def full(tmp_path):
    """One with every array that there is."""
    save(tmp_path / "full.npz", some(**VALUE, **OWN))
    return tmp_path / "full.npz"


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def with_meta(path, **changes):
    """Write the file again with other fields in its JSON text."""
    content = arrays(path)
    meta = json.loads(content["meta"].tobytes()) | changes
    np.savez(path, **content | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
    return path


def test_all_of_it_comes_back(path):
    assert same(load(path), some())
    assert same(load_fitting(path), some())


@pytest.mark.parametrize("parts", EVERYTHING)
def test_all_of_every_method_and_optimizer_comes_back(tmp_path, parts):
    checkpoint = some(**parts)
    save(tmp_path / "a.npz", checkpoint)
    assert same(load(tmp_path / "a.npz"), checkpoint) and same(load_fitting(tmp_path / "a.npz"), checkpoint)
    n, loaded = len(checkpoint.theta), load(tmp_path / "a.npz")
    assert loaded.statistics.shape == ((2 * n,) if "optimizer" in parts else (n,))
    assert (loaded.target is None) == ("algorithm" not in parts)


def test_a_start_has_neither_statistics_nor_a_target(tmp_path):
    start = initial_checkpoint(small("Corridor", **VALUE, **OWN))
    assert start.statistics is start.target is None
    save(tmp_path / "a.npz", start)
    assert same(load(tmp_path / "a.npz"), start) and set(arrays(tmp_path / "a.npz")) == {"meta", "theta"}


@pytest.mark.parametrize("parts", EVERYTHING)
@pytest.mark.parametrize("name", ["statistics", "target"])
def test_vectors_of_another_size_are_refused(tmp_path, name, parts):
    path, n = tmp_path / "a.npz", len(some(**parts).theta)
    save(path, some(**parts))
    content = arrays(path)
    wanted = len(content.get(name, []))
    for size in {0, 1, n - 1, n, n + 1, 2 * n, 3 * n} - {wanted} if wanted else ():
        np.savez(path, **content | {name: np.zeros(size, np.float32)})
        assert f"{name} has {size} numbers" in refused(path)


def test_statistics_are_held_against_the_number_of_workers(tmp_path):
    path = tmp_path / "a.npz"
    save(path, some(**OWN))
    config = json.loads(some(**OWN).config.to_json())
    for workers in (1, 3):
        assert "statistics has" in refused(with_meta(path, config=config | {"workers": workers}))
    assert load(with_meta(path, config=config)).config.workers == 2


@pytest.mark.parametrize("name", ["statistics", "target"])
def test_a_vector_that_is_promised_must_be_there(tmp_path, name):
    path = tmp_path / "a.npz"
    save(path, some(**VALUE))
    np.savez(path, **{key: array for key, array in arrays(path).items() if key != name})
    assert name in refused(path)


def test_a_file_that_does_not_promise_has_what_is_in_it(path):
    content = arrays(path)
    meta = json.loads(content["meta"].tobytes())
    del meta["has_statistics"], meta["has_target"]
    np.savez(path, **content | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
    assert same(load(path), some())


def test_without_statistics(tmp_path):
    agent = dataclasses.replace(some(), statistics=None, mean_score=None, workers=[])
    save(tmp_path / "a.npz", agent)
    assert load(tmp_path / "a.npz").statistics is None
    assert same(load(tmp_path / "a.npz"), agent)


def test_what_comes_back_can_be_written_to(path):
    loaded = load(path)
    loaded.theta += 1
    loaded.statistics += 1
    save(path, some(**VALUE))
    loaded = load(path)
    loaded.target += 1


def test_any_program_can_read_it(path):
    content = arrays(path)
    meta = json.loads(content["meta"].tobytes())
    assert meta["global_step"] == 123 and meta["config"]["env"] == "Corridor"
    assert content["theta"].shape == (sum(int(np.prod(shape)) for shape in meta["parameters"].values()),)


def test_writing_again_replaces_and_leaves_nothing_else(path):
    save(path, dataclasses.replace(some(), global_step=124))
    assert load(path).global_step == 124 and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["system.atomic_file.os.replace", "system.atomic_file.os.fsync", "runs.npz.np.savez"])
def test_a_failed_write_leaves_the_old_file_alone(path, monkeypatch, step):
    def fail(*arguments, **named):
        raise OSError("no space left on device")
    monkeypatch.setattr(f"a3c_numba.{step}", fail)
    with pytest.raises(OSError):
        save(path, dataclasses.replace(some(), global_step=124))
    assert load(path).global_step == 123 and list(path.parent.iterdir()) == [path]


def test_a_missing_file(tmp_path):
    assert "no such file" in refused(tmp_path / "a.npz")


def test_a_folder(tmp_path):
    refused(tmp_path)


def test_truncated_at_every_length(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 13), len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(path)


def test_a_flipped_byte_is_refused_or_makes_no_difference(path):
    whole, expected = path.read_bytes(), some()
    for i in range(len(whole)):
        path.unlink()                                                    # some file systems flush what is written over
        path.write_bytes(whole[:i] + bytes([whole[i] ^ (1 << i % 8)]) + whole[i + 1:])
        try:
            assert same(load(path), expected), i
        except CheckpointError as error:
            assert "\n" not in str(error)


def test_flips_in_the_content_are_refused(full):
    whole = full.read_bytes()
    for name in ("theta", "statistics", "target"):
        i = whole.index(arrays(full)[name].tobytes())
        full.write_bytes(whole[:i + 6] + bytes([whole[i + 6] ^ 1]) + whole[i + 7:])
        refused(full)
        full.write_bytes(whole)


def test_other_files(path):
    for content in (b"", b"a text\n", pickle.dumps({"theta": 1}), b"\x89PNG\r\n", bytes(5000)):
        path.write_bytes(content)
        refused(path)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["meta", "theta", "statistics", "target"])
def test_pickled_objects_are_refused_and_never_unpickled(full, name):
    sprung = full.with_name("sprung")
    content = arrays(full) | {name: np.array([Trap(sprung)], object)}
    np.savez(full, **content)
    refused(full)
    full.write_bytes(pickle.dumps(Trap(sprung)))
    refused(full)
    assert not sprung.exists()


@pytest.mark.parametrize("name", ["meta", "theta", "statistics", "target"])
def test_a_header_that_claims_a_terabyte_takes_no_memory(full, name):
    dtype = "|u1" if name == "meta" else "<f4"
    members = {member: _npy(array) for member, array in arrays(full).items()}
    members[name] = _npy(np.zeros(3, dtype), shape=(2**40,))
    with zipfile.ZipFile(full, "w") as archive:
        for member, content in members.items():
            archive.writestr(f"{member}.npy", content)
    refused(full)


def _npy(array, shape=None):
    file = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + array.tobytes()


def test_a_compressed_bomb_is_refused(path):
    content = arrays(path)
    np.savez_compressed(path, **content | {"theta": np.zeros(10**7, np.float32)})
    assert "compressed" in refused(path)


def test_parameters_that_claim_a_terabyte_are_refused(path):
    refused(with_meta(path, parameters={"policy.dense1.weight": [2**20, 2**20]}))


@pytest.mark.parametrize("changes", [
    {"theta": np.zeros(3, np.float32)}, {"theta": np.zeros((2, 21), np.float32)},
    {"statistics": np.zeros(3, np.float32)},
    {"meta": np.frombuffer(b"{", np.uint8)}, {"meta": np.frombuffer(b"[]", np.uint8)},
    {"meta": np.frombuffer(b"{}", np.uint8)}, {"meta": np.frombuffer(b"\xff\xfe", np.uint8)},
    {"meta": np.frombuffer(b"[" * 100_000, np.uint8)}, {"meta": np.zeros(3)}, {"meta": np.array("text")},
])
def test_arrays_of_another_kind_are_refused(path, changes):
    np.savez(path, **arrays(path) | changes)
    refused(path)


@pytest.mark.parametrize("name", ["theta", "statistics", "target"])
@pytest.mark.parametrize("change", [lambda x: x.astype(np.float64), lambda x: x * np.float32(np.nan),
                                    lambda x: x + np.float32(np.inf)])
def test_numbers_of_another_kind_are_refused(full, name, change):
    content = arrays(full)
    np.savez(full, **content | {name: change(content[name])})
    assert name in refused(full)


@pytest.mark.parametrize("missing", ["meta", "theta"])
def test_a_missing_array(path, missing):
    np.savez(path, **{name: array for name, array in arrays(path).items() if name != missing})
    assert missing in refused(path)


@pytest.mark.parametrize("changes", [{"format": "another"}, {"version": 2}, {"version": None}, {"config": {}},
                                     {"config": None}, {"parameters": None}, {"parameters": {"a": None}},
                                     {"parameters": {"a": "x"}}, {"parameters": {}}, {"parameters": {"a": [-1]}}])
def test_another_text_is_refused(path, changes):
    refused(with_meta(path, **changes))


def test_a_missing_field_is_refused(path):
    content = arrays(path)
    meta = json.loads(content["meta"].tobytes())
    del meta["streams"]
    np.savez(path, **content | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
    assert "streams" in refused(path)


def test_another_network_is_refused(path):
    config = json.loads(dataclasses.replace(some().config, network=MLP(hidden=3)).to_json())
    line = refused(with_meta(path, config=config), load_fitting)
    assert "policy.dense1.bias is (2,), the network for Corridor has (3,)" in line


@pytest.mark.parametrize("env", ["Catch", "CartPole-v1", chances, "ALE/Pong-v5"])
def test_another_environment_is_refused(path, env):
    refused(path, load_fitting, env=env)


def test_a_factory_has_to_be_given_again(tmp_path):
    path = tmp_path / "a.npz"
    save(path, some(chances))
    assert "give env=" in refused(path)
    assert same(load_fitting(path, chances), some(chances))


def test_an_error_says_as_a_field_whether_env_is_needed(tmp_path):
    save(tmp_path / "a.npz", some(chances))
    for name, needed in (("a.npz", True), ("missing.npz", False)):
        with pytest.raises(CheckpointError) as error:
            load(tmp_path / name)
        assert error.value.needs_env is needed and error.value.reason.startswith(str(tmp_path / name))
        assert "env=" not in error.value.reason and str(error.value).startswith(error.value.reason)


def test_files_in_the_working_folder(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    save(Path("b.npz"), some())
    assert same(load(Path("b.npz")), some())


@pytest.mark.parametrize("command", ["evaluate", "play"])
def test_the_commands_say_it_in_one_line(path, capsys, command):
    path.write_bytes(path.read_bytes()[:1000])
    assert program(command, path) == 2
    written = capsys.readouterr()
    assert written.err.startswith("a3c-numba: error: ") and written.err.count("\n") == 1 and not written.out


def test_saving_uses_the_name_of_this_format():
    assert (checkpoints.FORMAT, checkpoints.VERSION) == ("a3c_numba checkpoint", 1)


# --- what a stranger may have put into a file -----------------------------------------------------------------------

@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that nobody has imported; it leaves a file behind when somebody does."""
    name = "stranger"
    (tmp_path / f"{name}.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('imported').touch()\n"
        "import gymnasium\nfrom a3c_numba.envs.toys import Corridor\n"
        "gymnasium.register('Stranger-v0', entry_point=Corridor)\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)
    gymnasium.registry.pop("Stranger-v0", None)


@pytest.mark.parametrize("name", ["Stranger-v0", "PongNoFrameskip-v4", ""])
def test_loading_imports_no_module_that_the_file_names(path, module, name):
    config = json.loads(some().config.to_json()) | {"env": f"{module}:{name}"}
    with_meta(path, config=config)
    for call in (load, load_fitting):
        line = refused(path, call)
        assert "'stranger', which loading would import: import it yourself first, or give env=" in line
    assert module not in sys.modules and not (path.parent / "imported").exists()
    assert load_fitting(path, "Corridor").config.env == "Corridor"
    assert not (path.parent / "imported").exists()


def test_a_module_that_is_imported_already_is_used(path, module):
    config = json.loads(some().config.to_json()) | {"env": f"{module}:Stranger-v0"}
    with_meta(path, config=config)
    importlib.import_module(module)
    assert load_fitting(path).config.env == "stranger:Stranger-v0"


def test_a_module_that_the_caller_names_is_imported(path, module):
    assert load_fitting(path, "stranger:Stranger-v0").config.env == "stranger:Stranger-v0"


@pytest.mark.parametrize("env", [5, None, [], {}, "", ":", "a:b:c", ".x:y", "sys:x:y", "os:No-v0", "nothing", "\0"])
def test_what_is_no_environment_is_refused(path, env):
    config = json.loads(some().config.to_json()) | {"env": env}
    refused(with_meta(path, config=config), load_fitting)


@pytest.mark.parametrize("env, kwargs, reason", [
    ("os:system", {"command": "touch executed"}, "it names the factory 'os:system', which loading would call"),
    ("subprocess:Popen", {"args": ["touch", "executed"]}, "which loading would call"), ("json:loads", {}, "would call"),
    ("Corridor", {"length": "stranger:Stranger-v0"}, "the module 'stranger', which loading would import"),
    ("Corridor", {"length": [{"x": "stranger:Stranger-v0"}]}, "the module 'stranger', which loading would import"),
    ("ale_py:AtariEnv", {"game": "pong"}, "which loading would call"),
    ("stranger:Catch", {}, "the module 'stranger', which loading would import"),
])
def test_no_factory_and_no_argument_of_a_file_is_executed(path, module, monkeypatch, env, kwargs, reason):
    monkeypatch.chdir(path.parent)
    importlib.import_module("subprocess")
    with_meta(path, config=json.loads(some().config.to_json()) | {"env": env, "env_kwargs": kwargs})
    for call in (load, load_fitting):
        assert reason in refused(path, call)
    assert module not in sys.modules and not (path.parent / "executed").exists()


def test_arguments_of_a_file_are_checked_also_if_env_is_given(path):
    config = json.loads(some().config.to_json()) | {"env": "Corridor", "env_kwargs": {"length": "a:B-v0"}}
    with_meta(path, config=config)
    for env in ("Corridor", Corridor):
        assert "the module 'a', which loading would import" in refused(path, load, env=env)
    assert load(path, "Corridor", {"length": 5}).config.env_kwargs == {"length": 5}


@pytest.mark.parametrize("kwargs", [5, None, [], "x", {"render_mode": "human"}, {"rows": 10**9}, {"columns": 1e9},
                                    {"rows": 200, "columns": 10**400}, {"no": 1}], ids=str)
def test_wrong_arguments_of_a_file_are_refused(path, kwargs):
    config = json.loads(some().config.to_json()) | {"env": "Catch", "env_kwargs": kwargs}
    refused(with_meta(path, config=config), load_fitting)


HUGE = [("workers", 10**9), ("workers", 10**400), ("total_steps", 10**400), ("seed", 10**400),
        ("network", {"name": "mlp", "layers": 10**9}), ("network", {"name": "mlp", "hidden": 10**9}),
        ("network", {"name": "mlp", "recurrent": True, "cells": 10**9}),
        ("network", {"name": "convolutional", "dense": 10**9}), ("atari", {"name": "atari", "frame_stack": 10**9}),
        ("atari", {"name": "atari", "frame_skip": 10**9}), ("gym", {"name": "gym", "action_repeat": 10**400}),
        ("algorithm", {"name": "a3c", "t_max": 10**9}), ("algorithm", {"name": "n_step_q", "t_max": 10**9}),
        ("algorithm", {"name": "a3c", "discount": 10**400})]


@pytest.mark.parametrize("part, value", HUGE, ids=str)
def test_settings_that_would_fill_memory_are_refused_at_once(path, part, value):
    config = json.loads(some().config.to_json()) | {part: value}
    with_meta(path, config=config)
    tracemalloc.start()
    try:
        for call in (load, load_fitting):
            refused(path, call)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", ["ab", ["a"], [10**9, "a"], [10**18, "a"], [1.0], [True], [0], [-1], [None], [[2]], 7,
                                   [10**400], [10**100] * 1000, [1] * 9, {"0": 2}])
def test_shapes_that_are_none_are_refused_and_take_no_memory(path, shape):
    tracemalloc.start()
    try:
        refused(with_meta(path, parameters={"policy.dense1.weight": shape}))
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("changes", [
    {"global_step": -1}, {"global_step": 1.5}, {"global_step": True}, {"global_step": 2**63}, {"global_step": "1"},
    {"seconds": -1}, {"seconds": float("nan")}, {"seconds": float("inf")}, {"seconds": None}, {"seconds": 10**400},
    {"streams": -1}, {"streams": None}, {"mean_score": "1"}, {"mean_score": True}, {"mean_score": []},
    {"workers": None}, {"workers": {}}, {"workers": [None]}, {"workers": [None] * 3}, {"workers": [None, 5]},
    {"workers": [None, {}]}, {"has_statistics": False}, {"has_statistics": 1}, {"has_target": True},
], ids=str)
def test_progress_of_another_kind_is_refused(path, changes):
    assert next(iter(changes)) in refused(with_meta(path, **changes))


STATE = some().workers[0]
PCG = STATE["generator"]
REPLAY = {"entries": 7, "steps": 5, "begins": False, "crc32": 2**32 - 1}


@pytest.mark.parametrize("changes", [
    {"generator": None}, {"generator": {}}, {"generator": PCG | {"bit_generator": "MT19937"}},
    {"generator": PCG | {"state": {"state": 2**128, "inc": 1}}},
    {"generator": PCG | {"state": {"state": -1, "inc": 1}}},
    {"generator": PCG | {"state": {"state": 1}}}, {"generator": PCG | {"has_uint32": 2}},
    {"generator": PCG | {"uinteger": 2**32}}, {"generator": PCG | {"more": 1}}, {"episode_seed": -1},
    {"episode_seed": "1"},
    {"episode_actions": {"shape": [1]}}, {"episode_actions": ["left"]}, {"episode_actions": [[[0]]]},
    {"episode_actions": [2**64]}, {"episode_actions": {"0": 1}}, {"recurrent": [[0.0]]}, {"recurrent": ["0"]},
    {"next_action": "0"}, {"next_action": [[0]]}, {"steps": -1}, {"steps": 0.5}, {"another": 0},
    {"replay": {}}, {"replay": REPLAY | {"begins": 1}}, {"replay": REPLAY | {"entries": -1}},
    {"replay": REPLAY | {"crc32": 0.5}}, {"replay": REPLAY | {"another": 0}}, {"replay": 7},
], ids=str)
def test_a_workers_state_of_another_kind_is_refused(path, changes):
    refused(with_meta(path, workers=[STATE | changes, None]))


def test_a_workers_actions_as_an_array_or_too_many(path):
    for actions in (None, encode(np.arange(300)), encode(np.ones((2, 3), np.float32))):
        state = STATE | {"episode_actions": actions}
        assert load(with_meta(path, workers=[None, state])).workers == [None, state]


def test_a_workers_state_may_say_what_its_replay_memory_was(path):
    assert load(with_meta(path, workers=[STATE | {"replay": REPLAY}, None])).workers[0]["replay"] == REPLAY


def test_a_workers_state_of_before_there_were_recurrent_ones(path):
    state = {name: STATE[name] for name in ("generator", "episode_seed", "episode_actions")}
    assert load(with_meta(path, workers=[None, state])).workers == [None, state]


@pytest.mark.parametrize("mean", [float("nan"), float("inf")])
def test_a_mean_score_that_is_no_number_counts_as_none(path, mean):
    assert load(with_meta(path, mean_score=mean)).mean_score is None


def test_members_twice_or_more_than_known_are_refused(path):
    content = arrays(path)
    np.savez(path, **content | {"more": np.zeros(3)})
    assert "more" in refused(path)
    np.savez(path, **content)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("theta.npy", _npy(content["theta"] + 1))
    assert "each once" in refused(path)


def test_a_message_says_nothing_that_a_terminal_obeys(path):
    for changes in ({"format": "\x1b[2J\x07\n"}, {"parameters": {"\x1b[2J": [1]}}, {"global_step": "\x1b]0;x\x07"}):
        assert refused(with_meta(path, **changes)).isprintable()
    config = json.loads(some().config.to_json()) | {"env": "\x1b[2J:x\ud800"}
    assert refused(with_meta(path, config=config)).isprintable()


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in refused(tmp_path / "pipe")


def test_a_file_of_the_first_version_still_loads():
    """One that was committed when this was the only version, and its numbers."""
    agent = load(ROOT / "examples" / "pong" / "agent.npz")
    assert agent.config.env == "ALE/Pong-v5" and agent.global_step == 2_000_074 and agent.statistics is None
    assert agent.theta.shape == (677_943,) and agent.shapes["heads.policy.bias"] == (6,)
    with np.load(ROOT / "examples" / "pong" / "agent.npz") as file:
        assert np.array_equal(agent.theta, file["theta"])
