"""Random command lines, configurations and arguments: never a traceback, but a run or one line that says what is wrong.

Every example is the same each time.  Most command lines are followed up to where their command would begin to train,
to play or to measure, with everything before that as it is; a few go on to the end.
"""

import argparse
import contextlib
import dataclasses
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import a3c_numba
from a3c_numba import playback
from a3c_numba.agent import Agent
from a3c_numba.cli.parser import COMMANDS as ALL
from a3c_numba.cli.parser import parser_for
from a3c_numba.config import MENUS, NUMBERS, Config
from a3c_numba.evaluation import EvaluationSettings, evaluate
from a3c_numba.presets import PRESETS, configure
from a3c_numba.runs.checkpoint import Checkpoint, CheckpointError, load_fitting
from tests.faults.runs import workers_of
from tests.programs import chances, program
from tests.runs.test_checkpoint import arrays

pytestmark = pytest.mark.faults


def examples(count):
    """So many, the same in each run."""
    return settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=(Phase.explicit,
                    Phase.generate), suppress_health_check=list(HealthCheck))


def until_worth(attempt, enough, rounds=8):
    """Repeat it with other examples until enough of them were sound, and enough not.

    What is drawn first is up to Hypothesis' version and every constant in the package, and once in fifty is too poor.
    """
    for number in range(rounds):
        seed(number)(attempt)()
        if enough():
            return
    raise AssertionError("the examples are not worth much")


# --- What people type, and what nobody would ------------------------------------------------------------------------

EDGES = sorted({edge for menu in MENUS.values() for cls in menu.values() for field in dataclasses.fields(cls)
                for edge in (field.metadata["largest"], *field.metadata["limits"].values()) if edge is not None}
               | {edge for pair in NUMBERS.values() for edge in pair})
WHOLE = st.one_of(st.integers(-2, 40), st.sampled_from(EDGES).flatmap(
    lambda edge: st.integers(int(edge) - 1, int(edge) + 1)), st.integers(), st.sampled_from([10**30, 10**400]))
REAL = st.one_of(st.floats(0, 1), st.floats(), st.sampled_from([1e-300, 1e-40, 1e300, 1 - 1e-12, 1 + 1e-12, -0.0]))
WORDS = ["", " ", "0x10", "1e400", "9" * 5000, "1_0", "٣", "1,2", "loguniform:1e-4:1e-2", "uniform:2:1", "0.5:1", "a:b",
         "-", "--", "-1", "=", "%s", "%(prog)s", "{0}", "True", "None", "\udcff", "a\nb", "a\0b", "a\rb", "\x1b[2J",
         "\u2028", "x" * 300]
# A text names nothing outside of the working folder: no dots, no slash, no home.
TEXT = st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_characters="./~", exclude_categories=()),
                                                 max_size=12))
PATHS = st.one_of(st.sampled_from(["run", "empty", "file", "missing", "missing/deep", "file/below", "run/final.npz",
                                   "new.png", "new.gif", "new.unknown", "/dev/null/below", "/proc/below"]), TEXT)
SOUND_ENVS = ["Catch", "Corridor", "AimContinuous", "Memory", "CartPole-v1", "Pendulum-v1", "ALE/Pong-v5"]
OTHER_ENVS = ["ALE/Pnog-v5", "FrozenLake-v1", "CartPole-v0", "no.module:Env-v0", "tests.programs:TinyImage-v0",
              "a/b/c-v1", "Catch-v99", "Aim\n"]
ENVS = st.one_of(st.just("Catch"), st.just("Catch"), st.sampled_from(SOUND_ENVS), st.sampled_from(OTHER_ENVS), TEXT)
TYPED = {"env": ENVS, "source": PATHS, "runs": PATHS, "out": PATHS, "resume": PATHS, "json": PATHS, "video": PATHS}
GARBAGE = st.one_of(WHOLE.map(str), REAL.map(repr), TEXT)


def value_of(action):
    """What is typed for an option: more often than not something of its kind."""
    if action.choices:
        return st.one_of(st.sampled_from(list(action.choices)), st.sampled_from(list(action.choices)), GARBAGE)
    if action.dest in TYPED:
        return TYPED[action.dest]
    default = action.default if action.default is not None else action.metavar
    number = REAL.map(repr) if action.type is float or default == "FLOAT" else WHOLE.map(str)
    return st.one_of(number, number, number, GARBAGE) if action.type not in (None, str) else GARBAGE


@st.composite
def options_of(draw, parser):
    """One option, perhaps abbreviated, perhaps without its value, or one that there is not."""
    action = draw(st.sampled_from([action for action in parser._actions if action.option_strings]))
    option = draw(st.sampled_from(action.option_strings))
    if draw(st.integers(0, 9)) == 0:
        option = option[:draw(st.integers(1, len(option)))]
    if action.nargs == 0:
        return draw(st.sampled_from([[option]] * 9 + [[f"{option}=1"]]))
    shape, typed = draw(st.integers(0, 19)), draw(value_of(action))
    return [option] if shape == 0 else ["--" + draw(TEXT)] if shape == 1 else \
        [f"{option}={typed}"] if shape < 6 else [option, typed]


MENU = next(action for action in parser_for([*ALL])._actions if isinstance(action, argparse._SubParsersAction)).choices
HAVE_THEIR_OWN_TESTS = {"examples", "report", "trace", "exercises", "break", "race", "portrait"}
COMMANDS = {name: parser for name, parser in MENU.items() if name not in HAVE_THEIR_OWN_TESTS}


@st.composite
def command_lines(draw, name):
    """A command, its positional arguments and a few of its options, in any order."""
    parser = COMMANDS[name]
    parts = draw(st.lists(options_of(parser), max_size=4))
    for action in parser._actions:
        if not action.option_strings:
            parts += [[draw(value_of(action))] for _ in range(draw(st.sampled_from([1] * 8 + [0, 2])))]
        elif action.required and draw(st.integers(0, 9)):
            parts.append([action.option_strings[0], draw(value_of(action))])
    return [name, *(word for part in draw(st.permutations(parts)) for word in part)]


# --- Following a command line ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a very short run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert program("train", "Catch", "--workers", 1, "--total-steps", 30, "--algorithm", "n_step_q", "--hidden", 4,
                   "--exploration-steps", 30, "--out", folder) == 0
    return folder


@contextlib.contextmanager
def working_folder(trained):
    """A new one, with a run, an empty folder and a file in it."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(trained, Path(folder, "run"))
        Path(folder, "empty").mkdir()
        Path(folder, "file").write_text("text")
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def run_here(arguments):
    """Exit code, stdout and stderr, with streams as strict as a program's are."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = program(*arguments)
    out.flush(), err.flush()
    return code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()


def follow(arguments, trained):
    """Run a command line: an exit code of 0 to 2, never a traceback; one line, and nothing written, behind a 2."""
    with working_folder(trained) as folder:
        before = contents(folder)
        code, out, err = run_here(arguments)
        assert code in (0, 1, 2), (arguments, code, err)
        assert "Traceback" not in err, (arguments, err)
        if code == 2 or code == 1 and err:
            *warnings, line = err.splitlines()
            assert line.startswith("a3c-numba: error: ") and len(line) > 20, (arguments, err)
            assert all(warning.startswith("a3c-numba: warning: ") for warning in warnings), (arguments, err)
        if code == 2:
            assert not out and contents(folder) == before, (arguments, out)
    return code


def one_game(play):
    """Play one game where many were asked for, and in this process."""
    def playing(first, *arguments):
        arguments = [dataclasses.replace(x, episodes=1) if isinstance(x, EvaluationSettings) else x for x in arguments]
        return play(first, *(arguments[:2] if play is evaluate else arguments))
    return playing


SEAMS = {
    "training.trainer.initial_parameters": lambda *_: np.zeros(1, np.float32),
    "agent_training.Trainer": mock.Mock(return_value=mock.Mock(checkpointer=None)),
    "agent_training.ClusterTrainer": mock.Mock(return_value=mock.Mock(checkpointer=None)),
    "cli.sweep.Sweep.run": lambda *_: None, "cli.speedup.Speedup.run": lambda *_: "",
    "studies.bench.emulator_seconds": lambda *_: 1.0, "studies.bench.environment_seconds": lambda *_: 1.0,
    "studies.bench.pieces": lambda *_: {"update": 1.0}, "studies.bench.sgemm_peak": lambda *_: 1.0,
    "studies.bench.training_speed": lambda *_, **__: (1.0, ""), "diagnostics.gradient_check.Problem": mock.MagicMock(),
    "cli.evaluate.play_games": one_game(evaluate), "playback.write_video": one_game(playback.write_video),
    "playback.play_in_terminal": one_game(playback.play_in_terminal),
}


@contextlib.contextmanager
def stopped_at_the_start():
    """Commands do all that they do before they train or measure, and nothing more; no parameters are drawn."""
    with contextlib.ExitStack() as stack:
        for name, stub in SEAMS.items():
            stack.enter_context(mock.patch("a3c_numba." + name, stub))
        yield


@pytest.mark.parametrize("name", COMMANDS)
def test_any_command_line_starts_or_is_refused_in_one_line(name, trained):
    codes = []

    @examples(40)
    @given(command_lines(name))
    def attempt(arguments):
        with stopped_at_the_start():
            codes.append(follow(arguments, trained))
    until_worth(attempt, lambda: codes.count(0) > 0 and codes.count(2) > 10)


@examples(60)
@given(words=st.lists(st.one_of(st.sampled_from([*COMMANDS, "-h", "--version", "--", "-o"]), TEXT), max_size=4))
def test_any_words_are_refused_in_one_line(trained, words):
    with stopped_at_the_start():
        follow(words, trained)


TRAINING = st.tuples(
    st.sampled_from(["Catch", "Corridor", "Memory"]), st.sampled_from(sorted(MENUS["algorithm"])),
    st.sampled_from(sorted(MENUS["optimizer"])), st.integers(1, 30), st.integers(1, 9), st.booleans())


@examples(2)
@given(chosen=TRAINING)
def test_a_few_random_runs_come_to_their_end(trained, chosen):
    env, algorithm, optimizer, steps, hidden, recurrent = chosen
    options = ["--workers", "1", "--total-steps", str(steps), "--hidden", str(hidden), "--algorithm", algorithm]
    assert follow(["train", env, *options, "--optimizer", optimizer, *["--recurrent"] * recurrent], trained) == 0


@pytest.mark.parametrize("arguments", [
    ["sweep", "Catch", "--learning-rate", "1e-300"], ["sweep", "Catch", "--learning-rate", "1e12"],
    ["sweep", "Catch", "--learning-rate", "loguniform:1e-300:1e-2"], ["train", "--resume", "run", "--hidden", "3"],
    ["speedup", "Catch", "--target-score", "1", "--workers", "1", "--seeds", "1000000000"],
    ["evaluate", "run", "--workers", "1000000"], ["evaluate", "run", "--episodes", "1e30"],
    ["train", "Catch", "--t-max", "1" + "0" * 400], ["train", "Catch", "--entropy-weight", "1e300"],
    ["train", "Catch", "--hidden", "8192", "--layers", "100"], ["train", "Catch", "--workers", "1025"],
    ["train", "Catch", "--seed", str(2**63)], ["train", "Catch", "--total-steps", str(2**62 + 1)],
    ["train", "ALE/Pong-v5", "--frame-stack", "65"], ["train", "ALE/Pong-v5", "--noop-max", "1e9"],
    ["evaluate", "no\nrun"], ["plot", "no\rrun"], ["train", "Catch", "one\ntoo many"],
    ["train", ""], ["train", "Catch", "--out", ""], ["train", "Catch", "--resume="], ["sweep", "Catch", "--out", ""],
    ["speedup", "Catch", "--target-score", "1", "--out", ""], ["evaluate", ""], ["evaluate", "run", "--json", ""],
    ["evaluate", "run", "--env", ""], ["play", "run", "--video", ""], ["plot", "run", ""], ["trace", ""],
    ["plot", "run", "-o", ""], ["report", "run", "-o", ""], ["portrait", "run", "-o", ""],
    ["exercises", "check", "1", "--folder", ""],
], ids=lambda arguments: ascii(" ".join(arguments))[:60])
def test_what_would_go_on_for_ever_is_refused_before_it_starts(trained, arguments):
    started, few = AssertionError("started"), itertools.count()

    def replace(*parts, **fields):
        assert next(few) < 5000, "configurations without end"
        return dataclasses.replace(*parts, **fields)
    seams = {"studies.sweep.train_to_score": mock.Mock(side_effect=started),
             "studies.speedup.dataclasses": mock.Mock(replace=replace),
             "agent_training.Trainer": mock.Mock(side_effect=started),
             "agent_training.ClusterTrainer": mock.Mock(side_effect=started),
             "evaluation.Evaluator": mock.Mock(side_effect=started),
             "evaluation.map_in_workers": mock.Mock(side_effect=started)}
    with contextlib.ExitStack() as stack:
        for name, stub in seams.items():
            stack.enter_context(mock.patch("a3c_numba." + name, stub))
        assert follow(arguments, trained) == 2


@pytest.mark.parametrize("arguments, named", [
    (["train", ""], "ENV"), (["train", "Catch", "--out", ""], "--out"), (["plot", "run", ""], "RUN"),
    (["plot", "run", "-o", ""], "-o/--out"), (["exercises", "check", ""], "N|all")])
def test_an_empty_text_is_refused_by_the_name_of_its_option(arguments, named):
    with pytest.raises(ValueError, match=re.escape(f"argument {named}: must not be empty")):
        parser_for(arguments).parse_args(arguments)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file's name is Unicode")
@pytest.mark.parametrize("arguments", [["plot", b"\xff"], ["plot", b"run", b"-o", b"\xff.png"]], ids=ascii)
def test_a_name_that_is_no_unicode_ends_no_process(trained, tmp_path, arguments):
    pytest.importorskip("cv2")
    for name in (b"run", b"\xff"):
        shutil.copytree(os.fsencode(trained), os.path.join(os.fsencode(tmp_path), name))
    command = [sys.executable, "-m", "a3c_numba", *arguments]
    places = os.pathsep.join([str(Path(a3c_numba.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(command, capture_output=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": places})
    assert ended.returncode in (0, 2) and b"Traceback" not in ended.stderr, ended
    assert ended.stderr.count(b"\n") == (ended.returncode == 2)


# --- The Python API -------------------------------------------------------------------------------------------------

ODD = [object(), int, {}, [1], np.float32(0.5), np.int8(3), np.eye(2), Decimal(1), Fraction(1, 3), 1j, b"Catch",
       np.longdouble(0.5), np.datetime64("nat"), 10**5000]
ANYTHING = st.one_of(st.none(), st.booleans(), WHOLE, REAL, TEXT, st.sampled_from(ODD))
SIZES = ("hidden", "dense", "cells", "layers")


def value_for(field):
    """A value for a field: of its kind more often than not, and small."""
    kind = type(field.default)
    choices = st.sampled_from(field.metadata["choices"] or ("0.5:1", "0.1:0.5,0.2:0.5", "0.1:0.5"))
    of_kind = {bool: st.booleans(), int: st.integers(1, 9), float: st.floats(1e-3, 0.999), str: choices}[kind]
    return st.one_of(of_kind, of_kind, of_kind, ANYTHING.filter(lambda x: field.name not in SIZES or not is_large(x)))


def is_large(value):
    """Whether a layer of so many units would be accepted, and slow."""
    return isinstance(value, (int, np.integer)) and value > 40


@st.composite
def made(draw, menu):
    """An object of a menu, or None where the values for its fields were refused."""
    cls = draw(st.sampled_from(sorted(menu.values(), key=lambda cls: cls.__name__)))
    fields = draw(st.lists(st.sampled_from(dataclasses.fields(cls)), max_size=3))
    return lambda: cls(**{field.name: draw(value_for(field)) for field in fields})


@st.composite
def parts(draw):
    """Arguments for ``Agent`` and ``configure``: some or all parts, objects of their menus or names or anything."""
    given_parts = {}
    for name in draw(st.lists(st.sampled_from(sorted(MENUS)), unique=True)):
        name_or_odd = st.one_of(st.sampled_from(sorted(MENUS[name])), ANYTHING)
        given_parts[name] = draw(st.one_of(made(MENUS[name]), made(MENUS[name]), made(MENUS[name]), name_or_odd))
    for name in draw(st.lists(st.sampled_from(["workers", "seed"]), unique=True)):
        given_parts[name] = draw(st.one_of(st.integers(1, 9), ANYTHING))
    return given_parts


def refused_in_one_line(make, given_parts):
    """What ``make`` makes of the parts, or None where a ValueError of one line comes instead."""
    try:
        return make(**{name: part() if getattr(part, "__name__", "") == "<lambda>" else part
                       for name, part in given_parts.items()})
    except ValueError as error:
        assert str(error) and len(str(error).splitlines()) == 1, error
        return None


PRESET = st.one_of(st.none(), st.sampled_from(sorted(PRESETS)), st.sampled_from(sorted(PRESETS)), TEXT)
ENV = st.one_of(st.just("Catch"), st.sampled_from(["AimContinuous", "CartPole-v1", chances]), ENVS, ANYTHING)


def test_any_parts_are_a_configuration_or_refused_in_one_line():
    made = []

    @examples(150)
    @given(ENV, PRESET, parts())
    def attempt(env, preset, given_parts):
        config = refused_in_one_line(partial(configure, env, preset), given_parts)
        made.append(config is not None)
        if config:
            again = Config.from_json(config.to_json(), None if isinstance(config.env, str) else config.env)
            assert again == config
    until_worth(attempt, lambda: 5 < sum(made) < len(made) - 5)


def test_any_parts_make_an_agent_or_are_refused_in_one_line():
    made = []

    @examples(60)
    @given(st.sampled_from(["Catch", "AimContinuous", chances]), parts())
    def attempt(env, given_parts):
        agent = refused_in_one_line(partial(Agent, env, preset="classic"), given_parts)
        made.append(agent is not None)
        if agent:
            action, _ = agent.predict(np.zeros(agent.observation_space.shape, np.float32))
            assert agent.action_space.contains(action) and not workers_of(os.getpid())
    until_worth(attempt, lambda: 3 < sum(made) < len(made) - 3)


# --- Configurations from somewhere else -----------------------------------------------------------------------------

JSON = st.recursive(st.one_of(st.none(), st.booleans(), WHOLE, REAL, TEXT), lambda below: st.one_of(
    st.lists(below, max_size=3), st.dictionaries(TEXT, below, max_size=3)), max_leaves=5)
SOUND = [configure("Catch", preset, algorithm=name, optimizer=optimizer) for preset in PRESETS
         for name in MENUS["algorithm"] for optimizer in MENUS["optimizer"]]


@st.composite
def texts(draw):
    """The text of a sound configuration, its fields dropped, new, renamed or of any value, its letters changed."""
    fields = json.loads(draw(st.sampled_from(SOUND)).to_json())
    for _ in range(draw(st.integers(0, 3))):
        into = draw(st.sampled_from([fields, *(part for part in fields.values() if isinstance(part, dict))]))
        name = draw(st.sampled_from(sorted(into) or ["name"]))
        change = draw(st.sampled_from(["set", "set", "set", "drop", "rename", "add"]))
        if change != "set":
            into.pop(name, None)
        if change != "drop":
            into[name if change == "set" else draw(TEXT)] = draw(JSON)
    text = json.dumps(fields)
    cut = draw(st.integers(0, len(text)))
    return draw(st.sampled_from([text] * 6 + [text[:cut], text[:cut] + draw(TEXT) + text[cut:],
                                              text.replace("{", '{"t_max": 3, "t_max": NaN, ', 2)]))


def test_any_text_is_a_configuration_or_refused_in_one_line():
    read = []

    @examples(200)
    @given(texts())
    def attempt(text):
        config = refused_in_one_line(Config.from_json, {"text": text})
        read.append(config is not None)
        assert config is None or Config.from_json(config.to_json()) == config
    until_worth(attempt, lambda: 10 < sum(read) < len(read) - 10)


@examples(40)
@given(text=texts().map(str.encode), raw=st.binary(max_size=40), how=st.sampled_from(["config", "bytes", "mixed"]))
def test_any_configuration_in_a_checkpoint_takes_no_memory(trained, text, raw, how):
    with tempfile.TemporaryDirectory() as folder:
        path, content = Path(folder, "a.npz"), arrays(trained / "final.npz")
        head = content["meta"].tobytes()
        start = head.index(b'"config": ') + len(b'"config": ')
        meta = {"config": head[:start] + text + b"}", "bytes": raw, "mixed": head[:start] + raw + head[start:]}[how]
        np.savez(path, **content | {"meta": np.frombuffer(meta, np.uint8)})
        tracemalloc.start()
        try:
            assert isinstance(load_fitting(path), Checkpoint)
        except CheckpointError as error:
            assert len(str(error).splitlines()) == 1
        finally:
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert most < 2**26
