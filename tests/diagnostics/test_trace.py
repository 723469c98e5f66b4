"""The trace: what it shows is what a worker does, bit for bit, and its parts add up to its totals."""

import argparse
import ast
import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Discrete

import a3c_numba
from a3c_numba.cli import trace
from a3c_numba.cli import hyperparameter_options as options
from a3c_numba.core.algorithms import ALGORITHMS
from a3c_numba.core.layers.conv2d import Conv2d
from a3c_numba.core.layers.dense import Dense
from a3c_numba.core.layers.input_scaling import Center
from a3c_numba.core.layers.lstm import LSTM
from a3c_numba.core.optimizers import OPTIMIZERS
from a3c_numba.core.parameters import Parameters
from a3c_numba.diagnostics.trace import formulas
from a3c_numba.diagnostics.trace import table as trace_table
from a3c_numba.diagnostics.trace.recorded_update import Flow, record
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import Checkpoint, save
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import Chances, Steered, chances, image

LIVELY = {"learning_rate": 0.01, "max_gradient_norm": 0.05}


def traced(*arguments):
    """The exit code of ``a3c-numba trace ARGUMENTS``."""
    parser = argparse.ArgumentParser()
    trace.add_arguments(parser)
    return trace.run(parser.parse_args([str(argument) for argument in arguments]))


def start(env="Catch", recurrent=False, changed=None, **parts):
    """Step 0 of a run, with these fields of its parts."""
    return initial_checkpoint(options.apply(configure(env, **parts), {"recurrent": recurrent, **(changed or {})}))


class Eighteen(Chances):
    """As many actions as a whole joystick has, and episodes of 200 steps."""

    action_space = Discrete(18)

    def __init__(self):
        super().__init__(length=200)


STARTS = {
    "two numbers": start(Steered), "many actions": start(Eighteen, preset="classic"),
    "many values": start(Eighteen, preset="classic", algorithm="n_step_q"),
    "long rollouts": start(Eighteen, preset="classic", changed={"t_max": 100}),
    "catch": start(), "clipped": start("CartPole-v1", seed=3, changed=LIVELY), "lstm": start(recurrent=True, seed=2),
    "continuous": start("Pendulum-v1"), "image": start(image), "image with lstm": start(image, recurrent=True),
    "momentum": start(optimizer="momentum_sgd"), "own statistics": start(optimizer="local_rmsprop"),
    **{name: start(algorithm=name) for name in ALGORITHMS if name != "a3c"},
    "sarsa with lstm": start(algorithm="one_step_sarsa", recurrent=True, changed={"target_interval": 7}),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_recorded_update_is_a_workers_own_bit_for_bit(name):
    """Two workers with the same seed, one of which is watched at its third update, and made to go on after it."""
    watched, plain = trace.worker_of(STARTS[name]), trace.worker_of(STARTS[name])
    for worker in (watched, plain):
        worker.update()
        worker.update()
    before = plain.shared.theta.copy()
    update, own = record(watched), plain.update()
    assert np.array_equal(update.theta[0], before) and np.array_equal(update.theta[1], plain.shared.theta)
    assert not np.array_equal(update.theta[1], before), "something was learned"
    assert update.norm == own.gradient_norm > 0
    assert np.array_equal(update.statistics[1], plain.statistics)
    assert watched.gauges(own.steps) == (own.entropy, own.value) and update.episode == own.episode
    assert watched.shared.global_step() == plain.shared.global_step() > update.step
    for worker in (watched, plain):
        worker.update()
    assert np.array_equal(watched.shared.theta, plain.shared.theta)
    assert np.array_equal(watched.shared.target, plain.shared.target)


@pytest.mark.parametrize("name", STARTS)
def test_the_parts_add_up_to_the_totals(name):
    worker = trace.worker_of(STARTS[name])
    update = record(worker)
    gradients = Parameters(worker.network.shapes, update.d_theta).named()
    squares = sum(np.square(d, dtype=np.float64).sum() for d in gradients.values())
    assert np.sqrt(squares) == pytest.approx(update.norm, rel=1e-5)
    flow = [flow for flow in update.flows if flow.d_y is not None and "weight" in flow.layer.shapes][-1]
    gradient = gradients[f"{flow.name}.weight"]
    place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    shares = trace_table.contributions(worker, update, flow, place)
    assert len(shares) == update.rollout.length and shares.sum() == pytest.approx(gradient[place], rel=1e-4)
    factor = trace_table.clip_factor(worker, update)
    assert (factor < 1) == (name == "clipped")
    rmsprop = worker.config.optimizer
    if hasattr(rmsprop, "decay"):                                        # the optimiser's formula, by hand
        d = factor * update.d_theta.astype(np.float64)
        moved = update.eta * d / np.sqrt((1 - rmsprop.decay) * d ** 2 + rmsprop.epsilon)
        np.testing.assert_allclose(update.theta[0] - update.theta[1], moved, rtol=1e-3, atol=3e-7)


@pytest.mark.parametrize("name", ["catch", "continuous", *sorted(set(ALGORITHMS) - {"a3c"})])
def test_the_losss_terms_add_up_to_the_loss(name):
    worker = trace.worker_of(STARTS[name])
    update, algorithm = record(worker), worker.config.algorithm
    rollout, outputs = update.rollout, tuple(y[:update.rollout.length] for y in update.outputs)
    parts = formulas.loss(algorithm, worker.distribution, rollout, update.returns, outputs, 0.0)
    advantages = algorithm.advantages(update.returns, outputs)
    whole = algorithm.loss(worker.distribution, rollout.actions, update.returns, advantages, outputs)
    assert sum(term.sum() for term in parts.terms.values()) == pytest.approx(whole, rel=1e-5)
    assert len(parts.terms) == (3 if name in ("catch", "continuous") else 1)


def test_the_entropy_weight_of_the_table_is_that_of_the_step():
    """With half of the run over, beta is half of what it was: its term is half as large."""
    half = dataclasses.replace(STARTS["catch"], global_step=STARTS["catch"].config.total_steps // 2)
    worker = trace.worker_of(half)
    update, algorithm = record(worker), worker.config.algorithm
    assert algorithm.entropy_share_left == 0 and update.progress == 0.5
    outputs = tuple(y[:update.rollout.length] for y in update.outputs)
    parts = formulas.loss(algorithm, worker.distribution, update.rollout, update.returns, outputs, update.progress)
    H = worker.distribution.entropy(outputs[0])
    assert parts.terms["-beta H"].mean() == pytest.approx(-algorithm.entropy_weight / 2 * H, rel=1e-5)


def test_what_flows_between_layers_fits_together():
    """A layer's d_y is the d_x of the layer above it; a fork's d_x is the sum of its branches'."""
    worker = trace.worker_of(STARTS["image with lstm"])
    flows = {flow.name: flow for flow in record(worker).flows}
    order = ["heads.policy", "heads.value", "heads", "lstm", "rectified", "dense", "conv2", "relu1", "conv1"]
    assert list(flows) == order
    branches = flows["heads.policy"].d_x + flows["heads.value"].d_x
    assert np.array_equal(flows["heads"].d_x, branches)
    for above, below in zip(list(flows.values())[2:], list(flows.values())[3:]):
        assert isinstance(below, Flow) and np.array_equal(above.d_x, below.d_y), below.name
    assert flows["conv1"].d_x is None, "the pixels' gradient is not formed"


def test_the_passes_begin_at_the_observation_and_end_at_outputs():
    worker = trace.worker_of(STARTS["image"])
    update = record(worker)
    T, passes = update.rollout.length, {step.name: step for step in update.passes}
    assert np.array_equal(update.passes[0].x, update.rollout.obs[:T]) and isinstance(update.passes[0].layer, Center)
    for below, above in zip(update.passes, update.passes[1:5]):
        assert np.shares_memory(below.y, above.x) and below.y.shape == above.x.shape
    assert np.array_equal(passes["heads.policy"].y, update.outputs[0][:T])
    assert np.array_equal(passes["heads.value"].y, update.outputs[1][:T])


def classes_below(folder, method):
    """Names of the classes of a folder that define ``method``."""
    for path in (Path(a3c_numba.__file__).parent / "core" / folder).glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and method in {getattr(part, "name", "") for part in node.body}:
                yield node.name


def test_every_layer_method_and_optimiser_has_its_formula():
    assert set(classes_below("layers", "forward")) - {"Chain", "Layer"} <= {cls.__name__ for cls in formulas.LAYERS}
    assert set(formulas.TARGETS) == set(ALGORITHMS.values())
    assert set(formulas.OPTIMIZERS) == set(OPTIMIZERS.values())
    assert all(formulas.loss.dispatch(cls) is not formulas.loss.dispatch(object) for cls in ALGORITHMS.values())


@pytest.mark.parametrize("name", STARTS)
def test_the_table_fits_120_columns_and_names_every_tensor(name):
    worker = trace.worker_of(STARTS[name])
    lines = trace_table.report(worker, record(worker))
    assert max(map(len, lines)) <= 120
    heads = [line.split()[0].rstrip(":,") for line in lines if re.match(r"[A-Z]{3}", line)]
    assert heads == ["FORWARDS", "HEADS", "STEP", "BACKWARDS", "UPDATE", "ONE"]
    text = "\n".join(lines)
    tensors = lines[next(i for i, line in enumerate(lines) if line.startswith("tensor")) + 1:]
    assert [line.split()[0] for line in tensors[:tensors.index("")]] == list(Parameters(worker.network.shapes).named())
    assert ("clipped, d =" in text) == (name == "clipped") and "nan" not in text


def test_a_weights_place_is_told_in_words():
    """An image of which one number alone is 1: of a filter's row of weights, the one that the words name makes y."""
    conv = Conv2d((6, 7, 3), 2, k=3, stride=2)
    p = {"weight": np.zeros((27, 2), np.float32), "bias": np.zeros(2, np.float32)}
    p["weight"][16, 1] = 5                                               # 16 = (1 * 3 + 2) * 3 + 1
    words = formulas.place_of(conv, (16, 1))
    assert words == "from row 1, column 2, channel 1 of every 3x3 patch to filter 1"
    x = np.zeros((1, 6, 7, 3), np.float32)
    x[0, 2 + 1, 4 + 2, 1] = 1                                            # of the patch of output position (1, 2)
    y = conv.forward(p, x, conv.cache(1, np.float32), slice(0, 1))
    assert y[0, 1, 2, 1] == 5 and y.sum() == 5
    assert formulas.place_of(Dense(4, 2), (3, 1)) == "from input 3 to output 1"


def test_wide_heads_and_vectors_show_their_first_numbers():
    for name, words in {"many actions": "policy, the first 8 of 18", "many values": "q, the first 8 of 18",
                        "two numbers": "a_t[0]"}.items():
        worker = trace.worker_of(STARTS[name])
        assert words in "\n".join(trace_table.report(worker, record(worker)))


def value(line, column):
    return float(line.split()[column])


def test_a_number_can_be_followed_through_the_text(capsys):
    """By the printed numbers alone, of five digits: R - V is A, -2 c A is d_y, sums are L, theta moves by eta d."""
    assert traced("Catch", "--seed", 5) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Catch, a3c: rollout 1, 9 steps, from step 0 of 5,000,000; the episode ended, ")
    first = next(i for i, line in enumerate(lines) if line.startswith("STEP BY STEP")) + 2
    steps, total = lines[first:first + 9], lines[first + 9]
    d_values = lines[lines.index("value") + 2:lines.index("value") + 11]
    for step, d_value in zip(steps, d_values):
        V, R, A = (value(step, k) for k in (4, 5, 6))
        assert A == pytest.approx(R - V, abs=5e-5 * (abs(R) + abs(V) + abs(A)))
        assert value(step, 9) == pytest.approx(0.5 * A ** 2, rel=1e-3)
        assert value(d_value, 2) == pytest.approx(-A, rel=1e-3)          # -2 c A, with c = 0.5
    assert value(total, 1) == pytest.approx(sum(value(step, 7) for step in steps), rel=1e-3)
    assert float(lines[first + 10].split()[-1]) == pytest.approx(sum(value(total, k) for k in (1, 2, 3)), rel=1e-3)
    d = float(next(line for line in lines if "  d   =" in line).split()[-1])
    g, theta = ([float(x) for x in re.findall(r"from (\S+) to (\S+)", line)[0]] for line in lines[-2:])
    assert g[0] == 0 and g[1] == pytest.approx(0.01 * d ** 2, rel=1e-4)
    assert theta[1] - theta[0] == pytest.approx(-7e-4 * d / np.sqrt(g[1] + 1e-6), rel=2e-2)


def test_long_rollouts_lose_their_middle_alone():
    rows = np.arange(60.0).reshape(30, 2)
    lines = list(trace_table._table(["a", "b"], rows, first=1))
    assert [int(line.split()[0]) for line in lines[1:13]] == list(range(1, 13)) and lines[13].strip() == "..."
    assert [int(line.split()[0]) for line in lines[14:]] == list(range(19, 31))
    assert lines[-1].split() == ["30", "58", "59"]
    worker = trace.worker_of(STARTS["long rollouts"])
    update = record(worker)
    assert update.rollout.length == 100
    lines = trace_table.report(worker, update)
    numbered = [line.split(":")[0].strip() for line in lines[-13:-4]]
    assert len(lines) < 200 and numbered == ["0", "8", "16", "24", "...", "72", "80", "88", "96"]


def test_a_later_rollout_follows_from_those_before_it(capsys):
    assert traced("Catch", "--rollout", 3) == 0
    worker = trace.worker_of(STARTS["catch"])
    worker.update()
    worker.update()
    assert trace_table.report(worker, record(worker)) == capsys.readouterr().out.splitlines()[1:]


def test_a_folder_and_a_file_are_traced_with_their_parameters(catch_run, tmp_path, capsys):
    assert traced(catch_run, "--seed", 3) == 0
    of_run = capsys.readouterr().out
    assert "shown as the first update of a new run" in of_run and "statistics: they start at 0" not in of_run
    agent = a3c_numba.Agent.load(catch_run / "final.npz")
    weight = float(np.linalg.norm(agent.parameters()["policy.head.weight"]))
    line = next(line for line in of_run.splitlines() if line.startswith("policy.head.weight"))
    assert value(line, 2) == pytest.approx(weight, rel=1e-4)
    assert not re.search(r"policy.head.weight .* 0\.000e\+00", of_run), "eta is not 0"
    agent.save(tmp_path / "agent.npz")
    assert traced(tmp_path / "agent.npz", "--seed", 3) == 0
    of_file = capsys.readouterr().out
    assert "no optimiser statistics: they start at 0" in of_file
    assert of_file.split("STEP BY STEP")[1].split("UPDATE")[0] == of_run.split("STEP BY STEP")[1].split("UPDATE")[0]


def test_a_checkpoint_in_the_middle_goes_on_at_its_step(tmp_path, capsys):
    began = STARTS["catch"]
    half = dataclasses.replace(began, global_step=began.config.total_steps // 2)
    assert isinstance(half, Checkpoint)
    save(tmp_path / "half.npz", half)
    assert traced(tmp_path / "half.npz") == 0
    out = capsys.readouterr().out
    assert "from step 2,500,000 of 5,000,000" in out and "eta now 0.00035, at step 0 0.0007" in out


@pytest.mark.parametrize("arguments, words", [
    (["Catch", "--rollout", 0], "rollout must be at least 1; got 0"), (["Cathc"], "Catch"),
    (["missing.npz"], "no such file"), (["FrozenLake-v1"], "supported are"),
    (["Pendulum-v1", "--algorithm", "n_step_q"], "NStepQ needs Discrete actions"),
])
def test_what_cannot_be_traced_is_one_line(arguments, words):
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        traced(*arguments)
    assert "\n" not in str(error.value)


def test_a_checkpoint_has_its_method_and_a_folder_must_hold_one(catch_run, tmp_path):
    for option in (["--algorithm", "n_step_q"], ["--preset", "paper"], ["--recurrent"]):
        with pytest.raises(ValueError, match=f"{option[0]} is for an environment"):
            traced(catch_run, *option)
    with pytest.raises(ValueError, match="holds no checkpoint"):
        traced(tmp_path)


def test_a_checkpoint_is_traced_in_the_environment_that_is_given(tmp_path, capsys):
    save(tmp_path / "a.npz", initial_checkpoint(configure(Chances, "classic")))
    with pytest.raises(ValueError, match="give env="):
        traced(tmp_path / "a.npz")
    assert traced(tmp_path / "a.npz", "--env", "tests.programs:Chances-v0") == 0
    assert capsys.readouterr().out.startswith("tests.programs:Chances-v0, a3c: rollout 1")
    with pytest.raises(ValueError, match="--env is for a run's folder or a file"):
        traced("Catch", "--env", "Catch")


def test_a_gradient_that_is_not_finite_is_shown_as_skipped():
    worker = trace.worker_of(start(infinite_rewards, preset="classic"))
    before = worker.shared.theta.copy()
    update = record(worker)
    text = "\n".join(trace_table.report(worker, update))
    assert "not finite: the update is skipped" in text and np.array_equal(worker.shared.theta, before)


def infinite_rewards():
    """Chances whose rewards are not finite."""
    return Chances(scale=np.inf)


def test_an_episode_that_goes_on_says_no_score():
    worker = trace.worker_of(start(chances, preset="classic", changed={"t_max": 4}))
    assert record(worker).episode is None


def test_a_recurrent_network_is_recorded_inside_an_episode():
    worker = trace.worker_of(start(chances, recurrent=True, preset="classic", changed={"t_max": 4}))
    worker.update()
    update = record(worker)
    assert any(isinstance(step.layer, LSTM) for step in update.passes)
    assert worker.collector.recurrent.read(0).any()
    assert update.flows[-1].d_x is None
