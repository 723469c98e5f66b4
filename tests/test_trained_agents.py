"""The agents that come with the package are found by the names of their games."""

from pathlib import Path

import pytest

from a3c_numba.runs.checkpoint import CheckpointError, load
from a3c_numba.trained_agents import agent_file, examples_folder, games
from tests.programs import program


@pytest.mark.parametrize("name", ["pong", "Pong", "Pong-v5", "ALE/Pong-v5", "PongNoFrameskip-v4"])
def test_a_game_is_found_by_each_of_its_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert agent_file(Path(name)) == examples_folder() / "pong/agent.npz"


@pytest.mark.parametrize("game", games())
def test_every_agent_is_of_the_game_that_its_folder_names(game):
    config = load(examples_folder() / game / "agent.npz").config
    assert agent_file(Path(config.env_name)).parent.name == game


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pong").write_text("mine")
    assert agent_file(Path("pong")) == Path("pong")


def test_an_empty_folder_of_that_name_is_in_nobodys_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pong").mkdir()
    assert agent_file(Path("pong")).is_file()


def test_a_game_without_an_agent_names_those_that_have_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"^Seaquest: no such file or folder; agents .* for: .*pong"):
        agent_file(Path("Seaquest"))


def test_play_shows_a_game_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert program("play", "pong", "--max-steps", 3) == 0
    assert "game 0: " in capsys.readouterr().out
