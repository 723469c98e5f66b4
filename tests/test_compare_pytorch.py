"""The comparison with PyTorch compares like with like: both sides make the same update of the same rollout."""

import dataclasses
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.config import Config
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.presets import PRESETS
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import module_of

PROGRAM = Path(__file__).parents[1] / "examples" / "compare_pytorch.py"
PAPER = PRESETS["paper"]
CONFIG = Config("ALE/Pong-v5", PAPER.algorithms["a3c"], PAPER.optimizer, PAPER.network, workers=1)
RECURRENT = dataclasses.replace(CONFIG, network=dataclasses.replace(PAPER.network, recurrent=True))


def test_compiles():
    compile(PROGRAM.read_text(), str(PROGRAM), "exec")


def test_without_torch_one_line_and_exit_code_2():
    hide = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "pip install torch" in result.stderr


@pytest.fixture(scope="module")
def program():
    """The program as a module; skipped where there is no PyTorch."""
    pytest.importorskip("torch")
    return module_of(PROGRAM)


def worker_after(config, rollouts):
    """A worker after so many rollouts and the last one's backward pass, before any update; that rollout, with rewards
    that matter."""
    start = initial_checkpoint(config)
    shared = Shared(len(start.theta), 1)
    shared.theta[:] = start.theta
    worker = Worker(0, config, shared, np.random.SeedSequence(1))
    for _ in range(rollouts):
        rollout, outputs, _ = worker.collector.collect(worker.local.tree)
    rollout.rewards[:] = 1, 0, -1, 0, 1
    returns = config.algorithm.targets(rollout, outputs)
    outputs = tuple(output[:rollout.length] for output in outputs)
    d_outputs = config.algorithm.loss_gradient(worker.distribution, rollout.actions, returns, outputs)
    worker.network.backward(worker.local.tree, worker.d_theta.tree, rollout.obs[:-1], worker.collector.cache, d_outputs,
                            input_gradient=False)
    return worker, rollout


@pytest.fixture
def played():
    """The feed-forward network's first rollout, of a worker that goes on to an update."""
    return worker_after(CONFIG, 1)


@pytest.fixture(scope="module")
def played_on():
    """The recurrent network's third rollout of an episode; not to be changed."""
    return worker_after(RECURRENT, 3)


def difference(a, b):
    """||a - b|| / ||b||."""
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def with_theta_of(program, worker, layout, lstm=None):
    """PyTorch's network with this worker's theta', and what translates a vector of ours into its order."""
    actions = int(worker.collector.env.action_space.n)

    def translated(flat):
        return program.from_ours(flat, worker.config, actions, layout)

    network = program.Network(len(worker.local.flat), actions, layout, lstm)
    network.flat.copy_(program.torch.from_numpy(translated(worker.local.flat)))
    return network, translated


def backward(program, network, rollout, state, acting):
    """The gradient of PyTorch's loss of a rollout into network.d_theta; returns the state behind its last step."""
    torch, frames, before, outputs = program.torch, [network.pixels(obs[None]) for obs in rollout.obs], state, []
    last = frames.pop()
    for frame in frames:
        output, state = network(frame, state)
        outputs.append(output)
    bootstrap_value = float(network(last, state)[0].detach()[0, -1])
    batch = network(torch.cat(frames), before)[0] if acting == "batched" else torch.cat(outputs)
    program.loss(CONFIG.algorithm, batch, rollout.actions.tolist(), rollout.rewards.tolist(),
                 bootstrap_value).backward()
    return state


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
@pytest.mark.parametrize("acting", ["batched", "graph"])
def test_same_gradient_and_same_update(program, played, layout, acting):
    (worker, rollout), torch = played, program.torch
    network, translated = with_theta_of(program, worker, layout)
    backward(program, network, rollout, network.initial_state(), acting)
    gradient = translated(worker.d_theta.copy())
    assert difference(network.d_theta.numpy(), gradient) < 1e-4

    optimizer, theta = CONFIG.optimizer, network.flat.clone()
    before, g = theta.numpy().copy(), torch.zeros_like(theta)
    assert np.linalg.norm(gradient) < optimizer.max_gradient_norm        # neither side clips it
    program.update(theta, g, network.d_theta, network.flat, torch.tensor(0.01), optimizer.decay, optimizer.epsilon)
    optimizer.update(worker.shared.theta, worker.shared.statistics, worker.d_theta, worker.local.flat, 0.01)
    assert difference(theta.numpy() - before, translated(worker.shared.theta) - before) < 1e-3   # float32 differences
    assert difference(g.numpy(), translated(worker.shared.statistics)) < 1e-4
    assert torch.equal(network.flat, theta) and not network.d_theta.any()


@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
@pytest.mark.parametrize("acting", ["batched", "graph"])
@pytest.mark.parametrize("lstm", ["written", "torch"])
def test_same_recurrent_gradient_in_the_middle_of_an_episode(program, played_on, lstm, acting, layout):
    (worker, rollout), torch = played_on, program.torch
    remembered = worker.collector.recurrent.read(0)
    assert np.abs(remembered).max() > 0.01 and rollout.length == 5 and rollout.discounts.all()
    network, translated = with_theta_of(program, worker, layout, lstm)
    after = backward(program, network, rollout, torch.from_numpy(remembered).reshape(2, 1, 256).unbind(), acting)
    gradient = translated(worker.d_theta.copy())
    assert difference(network.d_theta.numpy(), gradient) < 1e-4
    carried = worker.collector.recurrent.read(worker.collector.state_row)  # where the next rollout starts
    assert difference(torch.cat(after).detach().numpy().ravel(), carried) < 1e-4

    network.d_theta.zero_()                                              # the state matters, or the test would not
    backward(program, network, rollout, network.initial_state(), acting)
    assert difference(network.d_theta.numpy(), gradient) > 1e-2


def test_the_forget_gates_of_both_start_open(program):
    flat = program.from_ours(initial_checkpoint(RECURRENT).theta, RECURRENT, 6, "contiguous")
    network = program.Network(len(flat), 6, "contiguous", "torch")
    network.flat.copy_(program.torch.from_numpy(flat))
    bias = network.p[8].detach().numpy()                                 # i f g o, 256 cells each
    assert (bias[256:512] == 1).all() and np.abs(np.delete(bias, slice(256, 512))).max() < 0.1


class Noise:
    """Images at random, an episode of eight steps: as much of an environment as ``rollout`` needs."""

    def reset(self):
        self.rng, self.t = np.random.default_rng(0), 0
        return self._image(), {}

    def step(self, action):
        self.t += 1
        return self._image(), float(self.t % 3 - 1), self.t == 8, False, {}

    def _image(self):
        return self.rng.integers(256, size=(84, 84, 4), dtype=np.uint8)


@pytest.mark.parametrize("lstm", ["written", "torch"])
def test_the_program_carries_the_state_and_cuts_the_gradient(program, lstm):
    theta, gradients = initial_checkpoint(RECURRENT).theta, []
    for acting in ("batched", "graph"):
        random.seed(0)
        network = program.Network(len(theta), 6, "channels_last", lstm)
        network.flat.copy_(program.torch.from_numpy(program.from_ours(theta, RECURRENT, 6, "channels_last")))
        env, start = Noise(), network.initial_state()
        obs, _ = env.reset()
        obs, state, steps = program.rollout(env, obs, start, network, RECURRENT.algorithm, acting)
        assert steps == 5 and all(part.any() and not part.requires_grad for part in state)
        network.d_theta.zero_()
        obs, state, steps = program.rollout(env, obs, state, network, RECURRENT.algorithm, acting)
        assert steps == 3 and not any(part.any() for part in state)      # the episode is over
        gradients.append(network.d_theta.numpy().copy())
    assert gradients[0].any() and difference(*gradients) < 1e-4
