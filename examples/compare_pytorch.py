"""Compare the speed of this package with PyTorch: A3C twice on the same machine, in turn: A B A B ...

A is A3C in PyTorch, optimised for a CPU; B is this package through its own Trainer.  Both have the same
environment, network, initial theta, t_max, loss, clipping, learning rate, RMSProp without locks in the same shared
memory, and one thread a worker.  In A, theta', d_theta, theta and g are flat tensors, with these options:

--acting  batched: act without a graph, then evaluate the whole rollout once more, as one batch;
          graph: keep the graphs of acting and differentiate all of them (20 to 37 % more processor time)
--layout  channels_last: images lie in memory as the environment gives them; contiguous: PyTorch's own (5 to 17 % more)
--denormals  flush: PyTorch replaces subnormal numbers by 0, as this package does; keep: it does not
--update  compiled: RMSProp as one kernel, by torch.compile, with a C++ compiler; eager: by operations (4 to 11 % more)

With --recurrent both networks have an LSTM after the dense layer, with the same initial numbers on both sides, such as
the forget gates' bias of 1.  Its state is carried from rollout to rollout within an episode; the gradient is cut at a
rollout's start.  One more option:

--lstm    written: one product for the inputs of all rows, then operations row by row; torch: that of torch.nn.LSTM

Both start with the optimizer's statistics of the middle of a run (``bench.AGED``): on Intel processors the first
seconds of a run are not representative unless subnormal numbers are flushed.

No gain: compiling the network or the loss, the bootstrap as one more row of the batch, autograd.grad and torch.cat in
place of gradients that accumulate in place, torch.lstm_cell.  The speed of a machine drifts: use the ratio of two
neighbouring rounds, not the rates.
"""

import argparse
import os
import random
import shutil
import sys
import threading
import time

import numba
import numpy as np

from a3c_numba import A3C, Convolutional
from a3c_numba.core.distributions import Categorical
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.schedules import linear
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Update
from a3c_numba.presets import configure
from a3c_numba.studies.bench import AGED, aged_start
from a3c_numba.studies.machine import processor
from a3c_numba.system import worker_server
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from a3c_numba.training.worker_status import WorkerStatus

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("PyTorch is missing: pip install torch --index-url https://download.pytorch.org/whl/cpu", file=sys.stderr)
    raise SystemExit(2)

WARM_UP = 3.0                           # seconds
# For the workers of both: freed memory is kept by the process, which makes PyTorch up to 10 % faster.
ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
# This package's weights are (rows, columns, channels in, out); PyTorch stores these axes in another order.
ORDER = {"channels_last": (3, 0, 1, 2), "contiguous": (3, 2, 0, 1)}
GATES = (0, 1, 3, 2)                    # ours are i f o g, PyTorch's i f g o


def from_ours(flat, config, actions, layout):
    """Return a flat vector of this package (theta or d_theta) in the order of ``Network``, as a flat array."""
    heads = config.algorithm.heads(Categorical(actions))
    p = Parameters(config.network.build((84, 84, 4), heads).shapes, flat).tree
    body = []
    for name, shape in (("conv1", (8, 8, 4, 16)), ("conv2", (4, 4, 16, 32)), ("dense", (9, 9, 32, 256))):
        body += [p[name]["weight"].reshape(shape).transpose(ORDER[layout]), p[name]["bias"]]
    if config.network.recurrent:
        weight, bias = (gates_of(p["lstm"][part]) for part in ("weight", "bias"))
        body += [weight[:256].T, weight[256:].T, bias]
    body += [np.concatenate([p["heads"][name][part].T for name in ("policy", "value")]) for part in ("weight", "bias")]
    return np.concatenate([array.ravel() for array in body])


def gates_of(array):
    """Reorder (..., 4 n) from this package's order of gates to PyTorch's."""
    gates = np.split(array, 4, axis=-1)
    return np.concatenate([gates[k] for k in GATES], axis=-1)


class Network:
    """The paper's network over views of one flat vector; gradients accumulate in views of another, d_theta.

    ``lstm``: None, or how the LSTM is computed.  Its state is (h, c), (1, 256) each; without an LSTM it is ().
    """

    def __init__(self, size, actions, layout, lstm=None):
        self.flat, self.d_theta, self.p = torch.zeros(size), torch.zeros(size), []
        self.lstm = {None: None, "written": lstm_written, "torch": lstm_of_torch}[lstm]
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        start, A = 0, actions + 1
        cells = ((1024, 256), (1024, 256), (1024,)) if lstm else ()
        for shape in ((16, 4, 8, 8), (16,), (32, 16, 4, 4), (32,), (256, 2592), (256,), *cells, (A, 256), (A,)):
            like = torch.empty(shape, memory_format=self.format if len(shape) == 4 else torch.contiguous_format)
            self.p.append(self.flat.as_strided(shape, like.stride(), start).requires_grad_())
            self.p[-1].grad = self.d_theta.as_strided(shape, like.stride(), start)
            start += like.numel()

    def initial_state(self):
        """Return the state at the start of an episode."""
        return (torch.zeros(1, 256), torch.zeros(1, 256)) if self.lstm else ()

    def pixels(self, obs):
        """Convert images (n, 84, 84, 4) of bytes to (n, 4, 84, 84) in [0, 1], in the memory order of the layout."""
        return torch.from_numpy(obs).permute(0, 3, 1, 2).to(torch.float32, memory_format=self.format).mul_(1 / 255)

    def __call__(self, x, state):
        """Return logits and V as the last column, (n, actions + 1), and the state; x (n, 4, 84, 84) in time order."""
        (w1, b1, w2, b2, w3, b3), cells, (w4, b4) = self.p[:6], self.p[6:-2], self.p[-2:]
        h = F.conv2d(x, w1, b1, 4).relu_()
        h = F.conv2d(h, w2, b2, 2).relu_()
        h = (h.permute(0, 2, 3, 1) if self.format == torch.channels_last else h).flatten(1)
        h = F.linear(h, w3, b3).relu_()
        if self.lstm:
            h, state = self.lstm(h, state, *cells)
        return F.linear(h, w4, b4), state


def lstm_written(x, state, from_x, from_h, bias):
    """Return h (n, 256) for x (n, 256), and the state after the last row."""
    rows, (h, c) = [], state
    for z in F.linear(x, from_x, bias).split(1):
        i, f, g, o = torch.addmm(z, h, from_h.t()).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        rows.append(h)
    return torch.cat(rows), (h, c)


def lstm_of_torch(x, state, from_x, from_h, bias):
    """Return the same; PyTorch adds two biases, of which one is 0."""
    p = from_x, from_h, bias, torch.zeros_like(bias)
    rows, h, c = torch.lstm(x[:, None], tuple(part[None] for part in state), p, True, 1, 0.0, False, False, False)
    return rows[:, 0], (h[0], c[0])


def loss(algorithm, outputs, actions, rewards, R):
    """Return the paper's loss of one rollout, summed; outputs (T, actions + 1), R the bootstrap value."""
    returns = [R := reward + algorithm.discount * R for reward in reversed(rewards)]
    log_pi = outputs[:, :-1].log_softmax(1)
    advantages = torch.tensor(returns[::-1]) - outputs[:, -1]
    chosen = log_pi.gather(1, torch.tensor(actions)[:, None])[:, 0]
    policy = -(chosen * advantages.detach()).sum() + algorithm.entropy_weight * (log_pi.exp() * log_pi).sum()
    return policy + algorithm.value_weight * advantages.square().sum()


def update(theta, g, d, local, eta, alpha, epsilon):
    """Compute theta <- theta - eta d / sqrt(g + epsilon), then local <- theta, d <- 0; all flat and in place."""
    g.mul_(alpha).addcmul_(d, d, value=1 - alpha)
    theta.sub_((g + epsilon).rsqrt_().mul_(d).mul_(eta))
    local.copy_(theta)
    d.zero_()


def worker(number, options, config, status):
    """Run one process of the baseline until it is stopped."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(options.denormals == "flush")
    random.seed(number)
    env, algorithm, optimizer = config.make_env(), config.algorithm, config.optimizer
    shared = status.shared
    theta, g = torch.from_numpy(shared.theta), torch.from_numpy(shared.statistics)
    network = Network(len(theta), int(env.action_space.n), options.layout, options.lstm if options.recurrent else None)
    network.flat.copy_(theta)
    rmsprop = torch.compile(update) if options.update == "compiled" else update
    (obs, _), state = env.reset(seed=number), network.initial_state()
    while not status.stopping:
        obs, state, steps = rollout(env, obs, state, network, algorithm, options.acting)
        norm = float(network.d_theta.norm())
        if norm > optimizer.max_gradient_norm:
            network.d_theta.mul_(optimizer.max_gradient_norm / norm)
        eta = torch.tensor(linear(optimizer.learning_rate, 0, shared.global_step() / config.total_steps))
        rmsprop(theta, g, network.d_theta, network.flat, eta, optimizer.decay, optimizer.epsilon)
        shared.advance(steps)
        status.count_update(number, Update(steps, 0.0, 0.0, norm, None))


def rollout(env, obs, before, network, algorithm, acting):
    """Play until terminal or t_max; add the gradient to network.d_theta; return (next obs, its state, steps)."""
    frames, outputs, actions, rewards, over, state = [], [], [], [], False, before
    while len(actions) < algorithm.t_max and not over:
        frames.append(network.pixels(obs[None]))
        with torch.inference_mode(acting == "batched"):
            output, state = network(frames[-1], state)
        outputs.append(output)
        pi = output[0, :-1].detach().softmax(0).tolist()
        actions.append(random.choices(range(len(pi)), pi)[0])
        obs, reward, terminated, truncated, _ = env.step(actions[-1])
        rewards.append(min(max(reward, -1.0), 1.0))
        over = terminated or truncated
    with torch.inference_mode():
        R = 0.0 if terminated else float(network(network.pixels(obs[None]), state)[0][0, -1])
    batch = torch.cat(outputs) if acting == "graph" else network(torch.cat(frames), before)[0]
    loss(algorithm, batch, actions, rewards, R).backward()
    if over:
        return env.reset()[0], network.initial_state(), len(actions)
    return obs, tuple(part.detach().clone() for part in state), len(actions)     # no gradient, no inference tensor


def baseline(options, config):
    """Return the steps per second of PyTorch."""
    start = initial_checkpoint(config)
    shared = Shared(len(start.theta), config.workers)
    shared.statistics[:] = AGED
    shared.theta[:] = from_ours(start.theta, config, config.make_env().action_space.n, options.layout)
    status = WorkerStatus(shared, config.workers)
    crew = [worker_server.start(worker, k, options, config, status) for k in range(config.workers)]
    return steady_rate(status, crew, options.seconds)


def steady_rate(status, crew, seconds):
    """Measure the workers' steps per second from WARM_UP after each one's first update, stop them."""
    try:
        while all(member.is_alive() for member in crew) and not status.updates.all():
            time.sleep(0.05)
        time.sleep(WARM_UP)
        began, first = time.perf_counter(), status.steps.sum()
        time.sleep(seconds)
        if not all(member.is_alive() for member in crew):
            raise SystemExit("a worker died, see above")
        return float((status.steps.sum() - first) / (time.perf_counter() - began))
    finally:
        status.stop()
        for member in crew:
            member.join()


def main():
    """Parse the arguments, measure, and print the table."""
    parser, ratios = argparse.ArgumentParser(description=__doc__.split("\n")[0]), []
    for name, default in (("env", "ALE/Pong-v5"), ("workers", 2), ("t-max", 5), ("seconds", 20.0), ("rounds", 3)):
        parser.add_argument("--" + name, type=type(default), default=default, help=f"default {default}")
    parser.add_argument("--acting", choices=("batched", "graph"), default="batched")
    parser.add_argument("--layout", choices=tuple(ORDER), default="channels_last")
    update = "compiled" if shutil.which("g++") else "eager"
    parser.add_argument("--update", choices=("compiled", "eager"), default=update)
    parser.add_argument("--denormals", choices=("flush", "keep"), default="flush")
    parser.add_argument("--recurrent", action="store_true", help="networks with an LSTM")
    parser.add_argument("--lstm", choices=("written", "torch"), default="written")
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    config = configure(options.env, "paper", algorithm=A3C(t_max=options.t_max), workers=options.workers,
                       network=Convolutional(recurrent=options.recurrent),
                       total_steps=10**9)                                # eta stays nearly constant
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in (np, numba, torch))
    print(f"{processor()}, {os.cpu_count()} cores; {versions}\n{options.env}, {options.workers} workers, "
          f"t_max {options.t_max}; PyTorch with {options.acting}, {options.layout}, {options.update}, "
          f"{options.denormals}"
          f"{f'; LSTM, {options.lstm}' if options.recurrent else ''}\n\n"
          "round   PyTorch steps/s   a3c_numba steps/s   ratio")
    for number in range(1, options.rounds + 1):
        theirs, trainer = baseline(options, config), Trainer(aged_start(config))
        run = threading.Thread(target=trainer.run)
        run.start()
        own = steady_rate(trainer.status, [run], options.seconds)
        ratios.append(own / theirs)
        print(f"{number:5}   {theirs:15.0f}   {own:17.0f}   {ratios[-1]:5.2f}", flush=True)
    print(f"\nmedian ratio {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
