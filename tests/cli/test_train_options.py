"""Options of ``train``: --config, --quiet, and the line at the end."""

import json
import shutil

import pytest

from a3c_numba.config import Config
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import load
from tests.programs import program

SHORT = ("--workers", 1, "--total-steps", 300)


def config_of(folder):
    return Config.from_json((folder / "config.json").read_text())


def test_a_configuration_file_is_trained_with(tmp_path, capsys):
    written = configure("Catch", "classic", workers=1, total_steps=300, seed=5)
    (tmp_path / "my.json").write_text(written.to_json())
    assert program("train", "--config", tmp_path / "my.json", "--out", tmp_path / "run") == 0
    assert config_of(tmp_path / "run") == written == load(tmp_path / "run" / "final.npz").config
    last = capsys.readouterr().err.splitlines()[-1]
    run = tmp_path / "run"
    assert last == f"next: a3c-numba play {run}, a3c-numba evaluate {run}, a3c-numba report {run}"


def test_what_is_typed_replaces_the_files_values(catch_run, tmp_path, capsys):
    """The folder is understood as its config.json; without progress there is nothing to read."""
    assert program("train", "Corridor", "--config", catch_run, *SHORT, "--seed", 7, "--entropy-weight", 0.5, "--quiet",
                   "--out", tmp_path / "run") == 0
    found, given = config_of(tmp_path / "run"), config_of(catch_run)
    assert (found.env, found.total_steps, found.seed, found.algorithm.entropy_weight) == ("Corridor", 300, 7, 0.5)
    assert found.network == given.network and found.optimizer == given.optimizer
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("content, line", [
    ("{", "my.json: "), ("[]", "my.json: not a configuration of this version"), (None, "my.json: No such file"),
    ({"env": "stranger:Env"}, "the module 'stranger', which loading would import: name it, train ENV --config"),
    ({"env_is_factory": True}, "made by the factory 'Catch': name it, train ENV --config"),
])
def test_a_file_that_cannot_be_used_is_one_line(catch_run, tmp_path, capsys, content, line):
    file = tmp_path / "my.json"
    if isinstance(content, dict):
        content = json.dumps(json.loads((catch_run / "config.json").read_text()) | content)
    if content is not None:
        file.write_text(content)
    assert program("train", "--config", file, "--out", tmp_path / "run") == 2
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1 and not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments, line", [
    (["--preset", "paper"], "--preset cannot change it"), (["--algorithm", "a3c"], "--algorithm cannot change it"),
    (["--resume", "run"], "--config cannot change"),
])
def test_what_a_configuration_excludes_is_one_line(catch_run, tmp_path, capsys, arguments, line):
    assert program("train", "--config", catch_run / "config.json", *arguments) == 2
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1


def test_a_result_is_written_to_standard_output(catch_run, tmp_path, capsys):
    shutil.copy(catch_run / "final.npz", tmp_path / "a.npz")
    assert program("evaluate", tmp_path / "a.npz", "--episodes", 2, "--json", "-") == 0
    written = capsys.readouterr()
    assert len(json.loads(written.out)["games"]) == 2 and written.err.startswith("Catch, 2 games, noop: mean ")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
