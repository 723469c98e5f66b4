"""How fast is this package beside PyTorch?  A3C twice on the same machine, in turn: A B A B ...

A is A3C in PyTorch, written to be as fast as PyTorch allows on a CPU; B is this package through its own Trainer.  Both
have the same environment, network, initial theta, t_max, loss, clipping, shared RMSProp without locks, learning rate,
one thread a worker, and the same kind of shared memory (``Shared``).  What A does for speed:

- theta', d_theta, theta and g are flat tensors: copying, clipping and RMSProp are a few operations on one vector.
- --acting batched: act without a graph, then put the whole rollout through the network once more, as one batch;
           graph: keep the graphs from acting, and go backward through all of them, with no second forward pass.
- --layout channels_last: images lie in memory as the environment gives them; contiguous: in PyTorch's own order.
- --update compiled: RMSProp as one kernel, by torch.compile (needs a C++ compiler); eager: operation by operation.

The defaults are what was fastest.  Measured in processor time, graph costs 20 to 35 % more than batched, contiguous
5 to 15 % more than channels_last, eager about 10 % more than compiled.  No gain: compiling the network or the loss,
the bootstrap as one more row of the batch, autograd.grad and torch.cat in place of gradients added where they lie.

Steps are agent steps of all workers, counted once every worker has made an update and WARM_UP seconds have passed.
Machines drift: believe the ratio of two neighbours, not the rates.

    python examples/compare_pytorch.py --workers 2 --t-max 5 --seconds 20 --rounds 3
"""

import argparse
import dataclasses
import multiprocessing
import os
import platform
import random
import shutil
import statistics
import sys
import threading
import time

import numba
import numpy as np

from a3c_numba.config import Config
from a3c_numba.parameters import Parameters
from a3c_numba.presets import PRESETS
from a3c_numba.schedules import linear_to_zero
from a3c_numba.shared import STEPS, UPDATES, Shared
from a3c_numba.trainer import Trainer, start_of

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("PyTorch is not installed: pip install torch --index-url https://download.pytorch.org/whl/cpu", file=sys.stderr)
    raise SystemExit(2)

WARM_UP = 3.0                           # seconds
TOTAL_STEPS = 10**9                     # so many that the learning rate hardly falls
# For both sides' workers: memory that was freed stays with the process (PyTorch gains up to 10 %), and torch.compile
# starts no helpers.
ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": str(10**9), "MALLOC_MMAP_THRESHOLD_": str(10**9),
               "TORCHINDUCTOR_COMPILE_THREADS": "1"}
# A weight of ours is (rows, columns, channels in, out); in PyTorch's memory these axes come in another order.
ORDER = {"channels_last": (3, 0, 1, 2), "contiguous": (3, 2, 0, 1)}


def from_ours(flat, config, actions, layout):
    """The numbers of a flat vector of ours (theta or d_theta) in the order of ``Network``, as a flat array."""
    p = Parameters(config.network.build((84, 84, 4), config.algorithm.heads(actions)).shapes, flat).tree
    order, body, heads = ORDER[layout], [], p["heads"]
    for name, shape in (("conv1", (8, 8, 4, 16)), ("conv2", (4, 4, 16, 32)), ("dense", (9, 9, 32, 256))):
        body += [p[name]["weight"].reshape(shape).transpose(order), p[name]["bias"]]
    for part in ("weight", "bias"):
        body.append(np.concatenate([heads["policy"][part].T, heads["value"][part].T]))
    return np.concatenate([array.ravel() for array in body])


class Network:
    """The paper's network over views of one flat vector; backward() adds to views of another, d_theta."""

    def __init__(self, size, actions, layout):
        self.flat, self.d_theta, self.last = torch.zeros(size), torch.zeros(size), layout == "channels_last"
        self.p, start = [], 0
        for shape in ((16, 4, 8, 8), (16,), (32, 16, 4, 4), (32,), (256, 2592), (256,), (actions + 1, 256), (actions + 1,)):
            start, stop = start + int(np.prod(shape)), start
            parameter = self._view(self.flat[stop:start], shape).requires_grad_()
            parameter.grad = self._view(self.d_theta[stop:start], shape)
            self.p.append(parameter)

    def _view(self, flat, shape):
        if len(shape) < 4 or not self.last:
            return flat.view(shape)
        outputs, inputs, height, width = shape
        return flat.view(outputs, height, width, inputs).permute(0, 3, 1, 2)

    def pixels(self, obs):
        """Images (n, 84, 84, 4) of bytes -> (n, 4, 84, 84) in [0, 1], in the memory order of the layout."""
        x = torch.from_numpy(obs).permute(0, 3, 1, 2)
        x = x.float() if self.last else x.to(torch.float32, memory_format=torch.contiguous_format)
        return x.mul_(1 / 255)

    def __call__(self, x):
        """x (n, 4, 84, 84) -> logits and, in the last column, V: (n, actions + 1)."""
        w1, b1, w2, b2, w3, b3, w4, b4 = self.p
        h = F.conv2d(x, w1, b1, 4).relu_()
        h = F.conv2d(h, w2, b2, 2).relu_()
        h = (h.permute(0, 2, 3, 1) if self.last else h).flatten(1)
        return F.linear(F.linear(h, w3, b3).relu_(), w4, b4)


def loss(algorithm, outputs, actions, rewards, R):
    """The paper's loss of one rollout, summed; outputs (T, actions + 1), R the bootstrap value."""
    returns = []
    for reward in reversed(rewards):
        R = reward + algorithm.discount * R
        returns.append(R)
    logits, values = outputs[:, :-1], outputs[:, -1]
    log_pi = logits.log_softmax(1)
    advantages = torch.tensor(returns[::-1]) - values
    chosen = log_pi.gather(1, torch.tensor(actions)[:, None])[:, 0]
    minus_H = (log_pi.exp() * log_pi).sum()
    policy = -(chosen * advantages.detach()).sum() + algorithm.entropy_weight * minus_H
    return policy + algorithm.value_weight * advantages.square().sum()


def update(theta, g, d, local, eta, alpha, epsilon):
    """theta <- theta - eta d / sqrt(g + epsilon), then local <- theta and d <- 0; all flat and in place."""
    g.mul_(alpha).addcmul_(d, d, value=1 - alpha)
    theta.sub_((g + epsilon).rsqrt_().mul_(d).mul_(eta))
    local.copy_(theta)
    d.zero_()


def worker(number, options, config, shared):
    """One process of the baseline, until told to stop."""
    torch.set_num_threads(1)
    random.seed(number)
    env, algorithm, optimizer = config.make_env(), config.algorithm, config.optimizer
    theta, g = torch.from_numpy(shared.theta), torch.from_numpy(shared.statistics)
    network = Network(len(theta), int(env.action_space.n), options.layout)
    network.flat.copy_(theta)
    rmsprop = torch.compile(update) if options.update == "compiled" else update
    obs, _ = env.reset(seed=number)
    while not shared.stopping:
        obs, steps = rollout(env, obs, network, algorithm, options.acting)
        norm = float(network.d_theta.norm())
        if norm > optimizer.max_gradient_norm:
            network.d_theta.mul_(optimizer.max_gradient_norm / norm)
        eta = torch.tensor(linear_to_zero(optimizer.learning_rate, shared.global_step(), config.total_steps))
        rmsprop(theta, g, network.d_theta, network.flat, eta, optimizer.decay, optimizer.epsilon)
        shared.advance(number, steps, (0.0, 0.0, norm))


def rollout(env, obs, network, algorithm, acting):
    """Play until terminal or t_max, and leave the gradient in network.d_theta; returns (next obs, steps)."""
    frames, outputs, actions, rewards, over = [], [], [], [], False
    while len(actions) < algorithm.t_max and not over:
        x = network.pixels(obs[None])
        with torch.inference_mode(acting == "batched"):
            outputs.append(network(x))
        frames.append(x)
        pi = outputs[-1][0, :-1].detach().softmax(0).tolist()
        actions.append(random.choices(range(len(pi)), pi)[0])
        obs, reward, terminated, truncated, _ = env.step(actions[-1])
        rewards.append(min(max(reward, -1.0), 1.0))
        over = terminated or truncated
    with torch.inference_mode():
        R = 0.0 if terminated else float(network(network.pixels(obs[None]))[0, -1])
    batch = torch.cat(outputs) if acting == "graph" else network(torch.cat(frames))
    loss(algorithm, batch, actions, rewards, R).backward()
    return env.reset()[0] if over else obs, len(actions)


def baseline(options, config):
    """Steps per second of PyTorch."""
    context = multiprocessing.get_context("spawn")
    start = start_of(config)
    shared = Shared(context, len(start.theta), config.workers)
    shared.theta[:] = from_ours(start.theta, config, int(config.make_env().action_space.n), options.layout)
    crew = [context.Process(target=worker, args=(k, options, config, shared)) for k in range(config.workers)]
    for process in crew:
        process.start()
    try:
        return steady_rate(shared, options.seconds, lambda: all(process.is_alive() for process in crew))
    finally:
        shared.stop()
        for process in crew:
            process.join()


def ours(options, config):
    """Steps per second of this package."""
    trainer = Trainer(start_of(config))
    thread = threading.Thread(target=trainer.run)
    thread.start()
    try:
        return steady_rate(trainer.shared, options.seconds, thread.is_alive)
    finally:
        trainer.shared.stop()
        thread.join()


def steady_rate(shared, seconds, alive):
    """Steps of all workers a second, over that many seconds, WARM_UP after every worker's first update."""
    while alive() and not shared.counters[:, UPDATES].all():
        time.sleep(0.05)
    time.sleep(WARM_UP)
    began, first = time.perf_counter(), shared.counters[:, STEPS].sum()
    time.sleep(seconds)
    rate = (shared.counters[:, STEPS].sum() - first) / (time.perf_counter() - began)
    if not alive():
        raise SystemExit("a worker died, see above")
    return float(rate)


def machine():
    """One line: processor, cores, versions."""
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in (np, numba, torch))
    return f"{cpu}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--env", default="ALE/Pong-v5")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--t-max", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="measured, of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--acting", choices=("batched", "graph"), default="batched")
    parser.add_argument("--layout", choices=tuple(ORDER), default="channels_last")
    compiler = shutil.which("g++") or shutil.which("clang++")
    parser.add_argument("--update", choices=("compiled", "eager"), default="compiled" if compiler else "eager")
    return parser.parse_args()


def main():
    """Print the table."""
    options, preset = arguments(), PRESETS["paper"]
    os.environ.update(ENVIRONMENT)
    algorithm = dataclasses.replace(preset.algorithm, t_max=options.t_max)
    config = Config(options.env, algorithm, preset.optimizer, preset.network, workers=options.workers,
                    total_steps=TOTAL_STEPS)
    print(machine())
    print(f"{options.env}, {options.workers} workers, t_max {options.t_max}; PyTorch: acting {options.acting}, "
          f"{options.layout}, update {options.update}\n\nround   PyTorch steps/s   a3c_numba steps/s   ratio")
    ratios = []
    for number in range(1, options.rounds + 1):
        theirs, own = baseline(options, config), ours(options, config)
        ratios.append(own / theirs)
        print(f"{number:5d}   {theirs:15.0f}   {own:17.0f}   {ratios[-1]:5.2f}", flush=True)
    print(f"\nmedian ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
