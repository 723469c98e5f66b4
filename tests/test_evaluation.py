"""Evaluation: whole games, the same whoever plays them."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.agent import Agent
from a3c_numba.core.networks import MLP
from a3c_numba.core.parameters import Parameters
from a3c_numba.envs.atari import AtariSettings
from a3c_numba.envs.toys import Catch
from a3c_numba.evaluation import PROTOCOLS, EvaluationSettings, Evaluator, Game, as_json, evaluate, summary
from a3c_numba.presets import configure
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import Chances, Steered, chances, image, program, small
from tests.promises import PATIENCE

FIGURES = ("mean", "standard_error", "median", "min", "max")


def without_moves(games):
    return [game._replace(moves=None) for game in games]


def always(config, action):
    """Parameters whose policy takes one action, whatever it sees."""
    theta = Parameters(config.build_network(config.make_env()).shapes)
    theta.tree["policy"]["head"]["bias"][action] = 100
    return theta.flat


def uniform(config):
    return np.zeros_like(initial_checkpoint(config).theta)


def test_scores_and_lengths_are_those_of_the_game():
    config = small(chances)
    games = evaluate(config, always(config, 0), EvaluationSettings(3))
    assert without_moves(games) == [Game(0, 10.0, 10, False), Game(1, 10.0, 10, False), Game(2, 10.0, 10, False)]
    assert [game.score for game in evaluate(config, always(config, 1), EvaluationSettings(2))] == [0.0, 0.0]


def test_rewards_are_not_clipped():
    config = small("Acrobot-v1")
    game, = evaluate(config, always(config, 1), EvaluationSettings(1))
    assert without_moves([game]) == [Game(0, -500.0, 500, True)]


def endless():
    return Chances(length=-1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_game_without_an_end_is_stopped_and_one_line_says_so(caplog, workers):
    config = small(endless)
    games = evaluate(config, always(config, 0), EvaluationSettings(2, max_steps=50), workers)
    assert without_moves(games) == [Game(0, 50.0, 50, False, True), Game(1, 50.0, 50, False, True)]
    line, = caplog.messages
    assert line.startswith("2 of 2 games were stopped after 50 steps (max_steps, --max-steps)")


def test_a_game_that_ends_by_itself_at_the_cap_is_whole(caplog):
    config = small(chances)
    games = evaluate(config, always(config, 0), EvaluationSettings(1, max_steps=10))
    assert without_moves(games) == [Game(0, 10.0, 10, False)]
    assert not caplog.messages


@pytest.mark.parametrize("deterministic", [False, True])
def test_the_number_of_workers_changes_nothing(deterministic):
    config = small("CartPole-v1")
    how = EvaluationSettings(5, seed=3, deterministic=deterministic)
    assert evaluate(config, uniform(config), how, workers=2) == evaluate(config, uniform(config), how)


def test_more_workers_than_games():
    config = small(chances)
    assert evaluate(config, uniform(config), EvaluationSettings(2), 3) == evaluate(config, uniform(config),
                                                                                   EvaluationSettings(2))


def test_a_game_depends_on_its_number_and_the_seed_alone():
    config = small("CartPole-v1")
    seven = evaluate(config, uniform(config), EvaluationSettings(7))
    assert evaluate(config, uniform(config), EvaluationSettings(4)) == seven[:4]
    assert Evaluator(config, uniform(config), EvaluationSettings(7)).play(5) == seven[5]
    assert evaluate(config, uniform(config), EvaluationSettings(7, seed=1)) != seven
    assert len({game.score for game in seven}) > 1


def test_deterministic_takes_the_most_probable_action():
    config = small(chances)
    theta = Parameters(config.build_network(config.make_env()).shapes)
    theta.tree["policy"]["head"]["bias"][0] = 0.01
    drawn, best = (evaluate(config, theta.flat, EvaluationSettings(3, deterministic=flag)) for flag in (False, True))
    assert {game.score for game in best} == {10.0} and {game.score for game in drawn} != {10.0}


@pytest.mark.parametrize("env", ["Pendulum-v1", "Memory"])
@pytest.mark.parametrize("network", [MLP(hidden=8), MLP(hidden=8, recurrent=True, cells=6, head_init="orthogonal")])
def test_a_games_outputs_equal_one_forward_from_its_beginning(env, network):
    config = small(env, network=network)
    evaluator = Evaluator(config, initial_checkpoint(config).theta, EvaluationSettings(1))
    for episode in range(2):                                             # nothing is remembered of the game before
        moments = list(evaluator.steps(episode))
        T = len(moments)
        obs, cache = np.stack([moment.obs for moment in moments]), evaluator.policy.network.cache(T, np.float32)
        whole = evaluator.policy.network.forward(evaluator.policy.parameters.tree, obs, cache, slice(0, T))
        for one, other in zip(zip(*(moment.outputs for moment in moments)), whole):
            np.testing.assert_allclose(np.concatenate(one), other, rtol=1e-4, atol=1e-5)


def test_continuous_actions_are_executed_within_their_box():
    config = configure(Steered)
    evaluator = Evaluator(config, initial_checkpoint(config).theta,
                          EvaluationSettings(1))  # Steered refuses what is outside
    actions = np.stack([moment.action for moment in evaluator.steps(0)])
    assert actions.shape == (7, 2) and (np.abs(actions) > 1).any()
    best = Evaluator(config, initial_checkpoint(config).theta, EvaluationSettings(1, deterministic=True))
    for moment in best.steps(0):
        np.testing.assert_array_equal(moment.action, moment.outputs[0][0, :-1])


@pytest.mark.parametrize("algorithm", ["n_step_q", "one_step_q", "one_step_sarsa"])
def test_a_value_method_plays_greedily_but_for_its_epsilon(algorithm):
    config = small(functools.partial(Chances, 2000), algorithm=algorithm)
    theta = Parameters(config.build_network(config.make_env()).shapes)
    theta.tree["q"]["head"]["bias"][1] = 1
    games = [evaluate(config, theta.flat, EvaluationSettings(1, deterministic=flag))[0] for flag in (True, False)]
    assert games[0].score == 0 and games[1].score == pytest.approx(2000 * 0.025, abs=4 * np.sqrt(2000 * 0.025))


@pytest.mark.parametrize("protocol, noop_max, sticky", [("noop", 30, 0.0), ("sticky", 0, 0.25)])
def test_protocols_are_the_papers(protocol, noop_max, sticky):
    assert PROTOCOLS[protocol] == {"noop_max": noop_max, "sticky": sticky}
    config = configure("ALE/Pong-v5")
    settings = Evaluator(config, initial_checkpoint(config).theta,
                         EvaluationSettings(1, protocol)).env.unwrapped.settings
    assert (settings.noop_max, settings.sticky) == (noop_max, sticky)


def test_figures_by_hand():
    games = [Game(i, score, 5, False) for i, score in enumerate((1.0, 2.0, 6.0, 3.0))]
    figures = summary(games, EvaluationSettings(4, "sticky", True, 9))
    assert [figures[name] for name in FIGURES] == [3.0, pytest.approx((14 / 3) ** 0.5 / 2), 2.5, 1.0, 6.0]
    assert (figures["episodes"], figures["protocol"], figures["seed"]) == (4, "sticky", 9) and figures["deterministic"]
    assert figures["games"][2] == {"episode": 2, "score": 6.0, "length": 5, "truncated": False,
                                   "capped": False, "moves": None}
    assert json.loads(json.dumps(figures)) == figures


def test_a_game_that_is_played_twice_counts_once_for_the_error():
    """The emulator begins every game in one state; two no-ops at most are two starts."""
    config = configure("ALE/Pong-v5", atari=AtariSettings(max_frames=60))
    settings = EvaluationSettings(6, "sticky", True)                     # no no-ops, and sticky actions: all different
    games = evaluate(config, uniform(config), settings)
    assert summary(games, settings)["different"] == len({game.moves for game in games})
    evaluator = Evaluator(config, uniform(config), EvaluationSettings(6, deterministic=True))
    evaluator.env.unwrapped.settings = dataclasses.replace(config.atari, noop_max=2)
    games = [evaluator.play(episode) for episode in range(6)]
    figures = summary(games, evaluator.settings)
    assert figures["different"] == len({game.moves for game in games}) == 2


def test_the_error_is_that_of_different_games():
    games = [Game(i, score, 5, False, False, moves) for i, (score, moves) in enumerate([(1.0, 7), (1.0, 7), (3.0, 8)])]
    figures = summary(games, EvaluationSettings(3))
    assert (figures["different"], figures["mean"]) == (2, pytest.approx(5 / 3))
    assert figures["standard_error"] == pytest.approx(2 ** 0.5 / 2 ** 0.5)


def test_other_environments_draw_their_starts():
    games = evaluate(small(), uniform(small()), EvaluationSettings(4, deterministic=True))
    assert summary(games, EvaluationSettings(4))["different"] == 4 and {game.moves for game in games} == {None}


def test_an_evaluation_closes_its_environment():
    closed = []

    class Closing(Catch):
        def close(self):
            closed.append(True)
            raise RuntimeError("close")

    config = configure(Closing)
    theta = uniform(config)
    closed.clear()
    assert len(evaluate(config, theta, EvaluationSettings(2))) == 2 and closed == [True]
    with pytest.raises(ValueError, match="protocol sticky is for Atari games"):
        evaluate(config, theta, EvaluationSettings(2, protocol="sticky"))
    assert closed == [True, True]


class Marking(Catch):
    """Leaves a file of the process's number when it is closed."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def close(self):
        Path(self.folder, str(os.getpid())).touch()


def test_workers_of_an_evaluation_close_their_environments(tmp_path):
    config = configure(Marking, env_kwargs={"folder": str(tmp_path)})
    assert len(evaluate(config, uniform(config), EvaluationSettings(5), 2)) == 5
    assert len({path.name for path in tmp_path.iterdir()} - {str(os.getpid())}) == 2


def test_one_game_has_no_standard_error():
    assert summary([Game(0, 1.0, 5, False)], EvaluationSettings(1))["standard_error"] is None


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_in_json_a_score_that_is_not_finite_is_null(score):
    with np.errstate(invalid="ignore"):
        figures = summary([Game(0, score, 5, False), Game(1, 2.0, 5, False)], EvaluationSettings(2))
    result = json.loads(as_json({"env": "NaN"} | figures), parse_constant=pytest.fail)
    assert result["mean"] is None and [game["score"] for game in result["games"]] == [None, 2.0]
    assert result["env"] == "NaN" and result["episodes"] == 2


def test_numpys_own_booleans_reach_json():
    config = configure(image)
    how = EvaluationSettings(1)
    game, = evaluate(config, uniform(config), how)
    assert game.truncated and game.length == 7 and json.dumps(summary([game], how))


@pytest.mark.parametrize("arguments, message", [
    ((0,), "episodes must be at least 1"), ((-3,), "episodes must be at least 1"),
    ((3, "human"), "protocol must be one"), ((3, "noop", False, -1), "seed must be at least 0; got -1")])
def test_what_is_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        EvaluationSettings(*arguments)


def test_a_seed_of_none_is_drawn_and_recorded():
    drawn = [EvaluationSettings(seed=None) for _ in range(3)]
    assert len({settings.seed for settings in drawn}) == 3
    config = small()
    games = evaluate(config, uniform(config), drawn[0])
    assert summary(games[:1], drawn[0])["seed"] == drawn[0].seed


def test_no_workers():
    for workers in (0, True, np.float64(1.5), np.array([1]), 1025):
        with pytest.raises(ValueError, match="^workers must be a whole number, at (least 1|most 1,024); got "):
            evaluate(small(), uniform(small()), EvaluationSettings(1), workers)


def test_numpys_numbers_and_booleans_are_what_they_say():
    settings = EvaluationSettings(np.array(3), np.str_("noop"), np.True_, np.uint64(4))
    assert settings == EvaluationSettings(3, "noop", True, 4)
    assert [type(value) for value in dataclasses.astuple(settings)] == [int, str, bool, int, int]
    config = small()
    assert evaluate(config, uniform(config), settings, np.array(1)) == evaluate(config, uniform(config), settings)


def test_what_fails_in_a_worker_is_told_as_it_is_told_without():
    for workers in (1, 2):
        with pytest.raises(ValueError, match="^protocol sticky is for Atari games, and Corridor is none$"):
            evaluate(small(), uniform(small()), EvaluationSettings(2, "sticky"), workers)


UNGUARDED = """
from a3c_numba import Agent
print(len(Agent("Corridor", workers=1).evaluate(2, workers=2)))
"""


@pytest.mark.parametrize("from_stdin", [False, True])
def test_a_program_that_workers_cannot_import_evaluates(tmp_path, from_stdin):
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    arguments = {"input": UNGUARDED} if from_stdin else {}
    ended = subprocess.run([sys.executable, "-" if from_stdin else tmp_path / "unguarded.py"], text=True,
                           capture_output=True, timeout=PATIENCE, **arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "2\n", "")


class Unsendable(ArithmeticError):
    """It can be pickled, but not be unpickled."""

    def __init__(self, one, two):
        super().__init__(one)


def fails():
    raise ArithmeticError("the environment is broken")


def raises_it():
    raise Unsendable("the environment", "is broken")


@pytest.mark.parametrize("at_step, raised, said", [
    (fails, ArithmeticError, "the environment is broken"), (raises_it, RuntimeError, "Unsendable: the environment")])
def test_an_error_of_a_game_is_raised_from_its_traceback(at_step, raised, said):
    config = small(functools.partial(Chances, at_step=at_step, length=500))
    with pytest.raises(raised, match=said) as error:
        evaluate(config, uniform(config), EvaluationSettings(3), workers=2)
    assert "Traceback" in str(error.value.__cause__) and at_step.__name__ in str(error.value.__cause__)


def test_a_process_that_exits_is_named():
    config = small(functools.partial(Chances, at_step=functools.partial(os._exit, 9), length=500))
    with pytest.raises(BrokenProcessPool, match="^a worker process ended with exit code 9 before"):
        evaluate(config, uniform(config), EvaluationSettings(3), workers=2)


def test_the_command_prints_the_figures_and_writes_every_game(catch_run, tmp_path, capsys):
    out = tmp_path / "games.json"
    assert program("evaluate", catch_run, "--episodes", 6, "--json", out) == 0
    written, result = capsys.readouterr(), json.loads(out.read_text())
    games = result["games"]
    assert [game["episode"] for game in games] == list(range(6)) and {game["score"] for game in games} <= {-1.0, 1.0}
    assert result["mean"] == np.mean([game["score"] for game in games]) and result["env"] == "Catch"
    assert all(word in written.out for word in ("6 games", "mean", "standard error", "median", "min", "max", str(out)))
    assert not written.err
    two = tmp_path / "two.json"
    assert program("evaluate", catch_run / "final.npz", "--episodes", 6, "--json", two, "--workers", 2) == 0
    assert json.loads(two.read_text())["games"] == games


def test_games_without_a_name_are_written_to_a_runs_folder_only(catch_run, tmp_path):
    options = ("--episodes", 2, "--deterministic", "--protocol", "noop", "--seed", 4)
    path = tmp_path / "final.npz"
    path.write_bytes((catch_run / "final.npz").read_bytes())
    assert program("evaluate", path, *options) == 0 and list(tmp_path.iterdir()) == [path]
    assert program("evaluate", tmp_path, *options) == 0
    result = json.loads((tmp_path / "evaluation.json").read_text())
    assert (result["deterministic"], result["protocol"], result["seed"]) == (True, "noop", 4)


@pytest.mark.parametrize("algorithm, options, epsilon", [("n_step_q", (), 0.05), ("n_step_q", ("--deterministic",), 0),
                                                         ("a3c", (), None)])
def test_the_result_says_how_was_played(tmp_path, capsys, algorithm, options, epsilon):
    agent = Agent("Catch", algorithm, workers=1)
    agent.save(tmp_path / "agent.npz")
    out = tmp_path / "games.json"
    assert program("evaluate", tmp_path / "agent.npz", "--episodes", 2, "--json", out, *options) == 0
    result = json.loads(out.read_text())
    assert (result["algorithm"], result["epsilon"]) == (algorithm, epsilon)
    assert ("epsilon" in capsys.readouterr().out) == (epsilon is not None)
