"""How fast is this package beside PyTorch?  A3C twice on the same machine, in turn: A B A B ...

A is A3C in PyTorch, as fast as it gets on a CPU; B is this package through its own Trainer.  Both have the same
environment, network, initial theta, t_max, loss, clipping, learning rate, RMSProp without locks in the same shared
memory, and one thread a worker.  In A, theta', d_theta, theta and g are flat tensors, and there is a choice:

--acting  batched: act without a graph, then put the whole rollout through the network once more, as one batch;
          graph: keep the graphs from acting and go backward through all of them (20 to 37 % more processor time)
--layout  channels_last: images lie in memory as the environment gives them; contiguous: PyTorch's own (5 to 17 % more)
--update  compiled: RMSProp as one kernel, by torch.compile, with a C++ compiler; eager: by operations (4 to 11 % more)

No gain: compiling the network or the loss, the bootstrap as one more row of the batch, autograd.grad and torch.cat in
place of gradients that add up where they lie.  Machines drift: believe the ratio of two neighbours, not the rates.
"""

import argparse
import os
import random
import shutil
import sys
import threading
import time
from multiprocessing import get_context

import numba
import numpy as np

from a3c_numba import A3C
from a3c_numba.agent import configure
from a3c_numba.bench import processor
from a3c_numba.parameters import Parameters
from a3c_numba.schedules import linear
from a3c_numba.shared import STEPS, UPDATES, Shared
from a3c_numba.trainer import Trainer, start_of

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("PyTorch is missing: pip install torch --index-url https://download.pytorch.org/whl/cpu", file=sys.stderr)
    raise SystemExit(2)

WARM_UP = 3.0                           # seconds
# For the workers of both: freed memory stays with the process, which makes PyTorch up to 10 % faster.
ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
# A weight of ours is (rows, columns, channels in, out); in PyTorch's memory these axes come in another order.
ORDER = {"channels_last": (3, 0, 1, 2), "contiguous": (3, 2, 0, 1)}


def from_ours(flat, config, actions, layout):
    """The numbers of a flat vector of ours (theta or d_theta) in the order of ``Network``, as a flat array."""
    p = Parameters(config.network.build((84, 84, 4), config.algorithm.heads(actions)).shapes, flat).tree
    body = []
    for name, shape in (("conv1", (8, 8, 4, 16)), ("conv2", (4, 4, 16, 32)), ("dense", (9, 9, 32, 256))):
        body += [p[name]["weight"].reshape(shape).transpose(ORDER[layout]), p[name]["bias"]]
    body += [np.concatenate([p["heads"][name][part].T for name in ("policy", "value")]) for part in ("weight", "bias")]
    return np.concatenate([array.ravel() for array in body])


class Network:
    """The paper's network over views of one flat vector; gradients add up in views of another, d_theta."""

    def __init__(self, size, actions, layout):
        self.flat, self.d_theta, self.p = torch.zeros(size), torch.zeros(size), []
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        start, A = 0, actions + 1
        for shape in ((16, 4, 8, 8), (16,), (32, 16, 4, 4), (32,), (256, 2592), (256,), (A, 256), (A,)):
            like = torch.empty(shape, memory_format=self.format if len(shape) == 4 else torch.contiguous_format)
            self.p.append(self.flat.as_strided(shape, like.stride(), start).requires_grad_())
            self.p[-1].grad = self.d_theta.as_strided(shape, like.stride(), start)
            start += like.numel()

    def pixels(self, obs):
        """Images (n, 84, 84, 4) of bytes -> (n, 4, 84, 84) in [0, 1], in the memory order of the layout."""
        return torch.from_numpy(obs).permute(0, 3, 1, 2).to(torch.float32, memory_format=self.format).mul_(1 / 255)

    def __call__(self, x):
        """x (n, 4, 84, 84) -> logits and, in the last column, V: (n, actions + 1)."""
        w1, b1, w2, b2, w3, b3, w4, b4 = self.p
        h = F.conv2d(x, w1, b1, 4).relu_()
        h = F.conv2d(h, w2, b2, 2).relu_()
        h = (h.permute(0, 2, 3, 1) if self.format == torch.channels_last else h).flatten(1)
        return F.linear(F.linear(h, w3, b3).relu_(), w4, b4)


def loss(algorithm, outputs, actions, rewards, R):
    """The paper's loss of one rollout, summed; outputs (T, actions + 1), R the bootstrap value."""
    returns = [R := reward + algorithm.discount * R for reward in reversed(rewards)]
    log_pi = outputs[:, :-1].log_softmax(1)
    advantages = torch.tensor(returns[::-1]) - outputs[:, -1]
    chosen = log_pi.gather(1, torch.tensor(actions)[:, None])[:, 0]
    policy = -(chosen * advantages.detach()).sum() + algorithm.entropy_weight * (log_pi.exp() * log_pi).sum()
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
        eta = torch.tensor(linear(optimizer.learning_rate, 0, shared.global_step() / config.total_steps))
        rmsprop(theta, g, network.d_theta, network.flat, eta, optimizer.decay, optimizer.epsilon)
        shared.advance(number, steps, (0.0, 0.0, norm))


def rollout(env, obs, network, algorithm, acting):
    """Play until terminal or t_max, and leave the gradient in network.d_theta; returns (next obs, steps)."""
    frames, outputs, actions, rewards, over = [], [], [], [], False
    while len(actions) < algorithm.t_max and not over:
        frames.append(network.pixels(obs[None]))
        with torch.inference_mode(acting == "batched"):
            outputs.append(network(frames[-1]))
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
    context, start = get_context("spawn"), start_of(config)
    shared = Shared(context, len(start.theta), config.workers)
    shared.theta[:] = from_ours(start.theta, config, config.make_env().action_space.n, options.layout)
    crew = [context.Process(target=worker, args=(k, options, config, shared)) for k in range(config.workers)]
    return steady_rate(shared, crew, options.seconds)


def steady_rate(shared, crew, seconds):
    """Start the crew; steps a second of all workers, from WARM_UP after every worker's first update; stop the crew."""
    for member in crew:
        member.start()
    try:
        while all(member.is_alive() for member in crew) and not shared.counters[:, UPDATES].all():
            time.sleep(0.05)
        time.sleep(WARM_UP)
        began, first = time.perf_counter(), shared.counters[:, STEPS].sum()
        time.sleep(seconds)
        if not all(member.is_alive() for member in crew):
            raise SystemExit("a worker died, see above")
        return float((shared.counters[:, STEPS].sum() - first) / (time.perf_counter() - began))
    finally:
        shared.stop()
        for member in crew:
            member.join()


def main():
    """Read the command line, measure, and print the table."""
    parser, ratios = argparse.ArgumentParser(description=__doc__.split("\n")[0]), []
    for name, default in (("env", "ALE/Pong-v5"), ("workers", 2), ("t-max", 5), ("seconds", 20.0), ("rounds", 3)):
        parser.add_argument("--" + name, type=type(default), default=default, help=f"default {default}")
    parser.add_argument("--acting", choices=("batched", "graph"), default="batched")
    parser.add_argument("--layout", choices=tuple(ORDER), default="channels_last")
    update = "compiled" if shutil.which("g++") else "eager"
    parser.add_argument("--update", choices=("compiled", "eager"), default=update)
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    config = configure(options.env, "paper", algorithm=A3C(t_max=options.t_max), workers=options.workers,
                       total_steps=10**9)                                # so many that eta hardly falls
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in (np, numba, torch))
    print(f"{processor()}, {os.cpu_count()} cores; {versions}\n{options.env}, {options.workers} workers, "
          f"t_max {options.t_max}; PyTorch with {options.acting}, {options.layout}, {options.update}\n\n"
          "round   PyTorch steps/s   a3c_numba steps/s   ratio")
    for number in range(1, options.rounds + 1):
        theirs, trainer = baseline(options, config), Trainer(start_of(config))
        own = steady_rate(trainer.shared, [threading.Thread(target=trainer.run)], options.seconds)
        ratios.append(own / theirs)
        print(f"{number:5}   {theirs:15.0f}   {own:17.0f}   {ratios[-1]:5.2f}", flush=True)
    print(f"\nmedian ratio {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
