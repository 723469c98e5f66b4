"""The comparison with PyTorch compares like with like: both sides make the same update of the same rollout."""

import importlib.util
import multiprocessing
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.config import Config
from a3c_numba.presets import PRESETS
from a3c_numba.shared import Shared
from a3c_numba.trainer import start_of
from a3c_numba.worker import Worker

PROGRAM = Path(__file__).parents[1] / "examples" / "compare_pytorch.py"
PAPER = PRESETS["paper"]
CONFIG = Config("ALE/Pong-v5", PAPER.algorithm, PAPER.optimizer, PAPER.network, workers=1)


def test_compiles():
    compile(PROGRAM.read_text(), str(PROGRAM), "exec")


def test_without_torch_one_line_and_exit_code_2():
    hide = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "pip install torch" in result.stderr


@pytest.fixture
def program():
    """The program as a module; skipped where there is no PyTorch."""
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("compare_pytorch", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def played():
    """A worker after one rollout and its backward pass, before the update; the rollout, and rewards that matter."""
    start = start_of(CONFIG)
    shared = Shared(multiprocessing.get_context("spawn"), len(start.theta), 1)
    shared.theta[:] = start.theta
    worker = Worker(0, CONFIG, shared, np.random.SeedSequence(1))
    rollout, outputs, _ = worker.player.play(worker.local.tree)
    rollout.rewards[:] = 1, 0, -1, 0, 1
    returns = CONFIG.algorithm.targets(rollout, outputs)
    outputs = tuple(output[:rollout.length] for output in outputs)
    d_outputs, _ = CONFIG.algorithm.loss_gradient(rollout.actions, returns, outputs)
    worker.network.backward(worker.local.tree, worker.d_theta.tree, rollout.obs[:-1], worker.player.cache, d_outputs,
                            input_gradient=False)
    return worker, rollout


def difference(a, b):
    """||a - b|| / ||b||."""
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
@pytest.mark.parametrize("acting", ["batched", "graph"])
def test_same_gradient_and_same_update(program, played, layout, acting):
    worker, rollout = played
    torch, actions = program.torch, worker.player.env.action_space.n

    def translated(flat):
        return program.from_ours(flat, CONFIG, actions, layout)

    network = program.Network(len(worker.local.flat), actions, layout)
    network.flat.copy_(torch.from_numpy(translated(worker.local.flat)))
    frames = [network.pixels(obs[None]) for obs in rollout.obs]
    bootstrap_value = float(network(frames.pop()).detach()[0, -1])
    outputs = network(torch.cat(frames)) if acting == "batched" else torch.cat([network(x) for x in frames])
    program.loss(CONFIG.algorithm, outputs, rollout.actions.tolist(), rollout.rewards.tolist(),
                 bootstrap_value).backward()
    gradient = translated(worker.d_theta.flat)
    assert difference(network.d_theta.numpy(), gradient) < 1e-4

    optimizer, theta = CONFIG.optimizer, network.flat.clone()
    before, g = theta.numpy().copy(), torch.zeros_like(theta)
    assert np.linalg.norm(gradient) < optimizer.max_gradient_norm        # neither side clips it
    program.update(theta, g, network.d_theta, network.flat, torch.tensor(0.01), optimizer.decay, optimizer.epsilon)
    optimizer.update(worker.shared.theta, worker.shared.statistics, worker.d_theta.flat, worker.local.flat, 0.01)
    assert difference(theta.numpy() - before, translated(worker.shared.theta) - before) < 1e-3   # float32 differences
    assert difference(g.numpy(), translated(worker.shared.statistics)) < 1e-4
    assert torch.equal(network.flat, theta) and not network.d_theta.any()
