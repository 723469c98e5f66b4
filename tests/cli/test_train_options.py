"""Options of ``train``: --config, --quiet, evaluations, and the lines at the end."""

import dataclasses
import json
import shutil

import pytest

from a3c_numba.config import Config
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import load
from tests.programs import program
from tests.runs.test_run_folder import rows

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
    assert len(json.loads(written.out)["games"]) == 2 and written.err.startswith("Catch, 2 games: mean ")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


# ---- evaluation and the end of a run

def test_a_run_is_evaluated_and_ends_at_a_score(tmp_path, capsys):
    """The mean of an evaluation is what counts, and 100 training games are not needed."""
    assert program("train", "Corridor", "--workers", 1, "--total-steps", 1e8, "--out", tmp_path, "--stop-at", -100,
                   "--evaluate-every", 100, "--evaluate-episodes", 2) == 0
    row, = rows(tmp_path / "evaluations.csv")
    assert row["episodes"] == "2" and load(tmp_path / "best.npz").global_step == int(row["global_step"])
    assert int(row["global_step"]) <= load(tmp_path / "final.npz").global_step < 1e8
    err = capsys.readouterr().err
    reason, = [line for line in err.splitlines() if "ends here" in line]
    assert reason.startswith(f"the mean score of the evaluation of step {int(row['global_step']):,}, ")
    assert reason.endswith("is at least -100: the run ends here") and "resume" not in err


def test_a_quiet_run_says_nothing_of_the_score(tmp_path, capsys):
    assert program("train", "Corridor", "--workers", 1, "--total-steps", 1e8, "--out", tmp_path, "--stop-at", -100,
                   "--quiet") == 0
    assert capsys.readouterr().err == "" and load(tmp_path / "final.npz").global_step < 1e8


@pytest.mark.parametrize("options, line", [
    (("--evaluate-episodes", 5), "--evaluate-episodes needs --evaluate-every"),
    (("--evaluate-every", 0), "evaluate_every must be a whole number, at least 1; got 0"),
    (("--evaluate-every", 5, "--evaluate-episodes", 0), "evaluate_episodes must be a whole number, at least 1; got 0"),
    (("--stop-at", "nan"), "stop_at must be a finite number; got nan"),
])
def test_a_goal_that_cannot_be_is_one_line(tmp_path, capsys, options, line):
    assert program("train", "Catch", *SHORT, "--out", tmp_path / "run", *options) == 2
    assert capsys.readouterr().err == f"a3c-numba: error: {line}\n" and not (tmp_path / "run").exists()


def test_a_file_of_a_further_learn_begins_a_new_exploration(tmp_path):
    config = configure("Catch", "classic", algorithm="n_step_q", workers=1, total_steps=300)
    (tmp_path / "config.json").write_text(dataclasses.replace(config, explored=500).to_json())
    assert program("train", "--config", tmp_path, "--quiet", "--out", tmp_path / "run") == 0
    assert config_of(tmp_path / "run") == config
