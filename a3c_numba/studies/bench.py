"""What this machine can do, and how near training comes to it, all measured in one run.

The bound of one agent step on one core is the emulator alone (4 frames, no picture fetched) and the arithmetic of the
network at the speed of the best matrix product that numpy has here:

    bound = emulator + floating-point operations / sgemm peak

``flops.py`` says which are counted.  Of the rows that are timed in place, the indented ones, "environment" has the
resets too, and "forward" is the worker's own network and the target's together.

Pieces and training are measured as in the middle of a run: with the optimizer's statistics as 10,000 updates leave them
for weights without a gradient, and DQN after a warm-up.  Training is measured with new statistics too, to show that a
run does not slow down.
"""

import os
import time
from contextlib import closing
from dataclasses import replace
from typing import Any, Callable

import numpy as np

from ..config import Config
from ..core.replay_worker import make_worker
from ..core.shared import Shared
from ..presets import configure
from ..runs.checkpoint import Checkpoint
from ..system.subnormals import subnormals_flushed
from ..training.reporter import LogReporter
from ..training.trainer import Trainer, initial_checkpoint
from .flops import operations
from .machine import processor, proportional_memory, sgemm_peak

WARM_UP_SECONDS = 2.0
MEMORY = {"memory_size": 20_000, "warm_up": 1_000}      # of DQN
AGED = np.float32(7e-44)       # where 0.99 g stops falling: a subnormal number


def run(env: str, seconds: float, t_max: int | None, algorithm: str = "a3c", recurrent: bool = False) -> None:
    """Print the table for an Atari game, a method by name, and the paper's network."""
    if not 0.1 <= seconds <= 3600:
        raise ValueError(f"seconds must be at least 0.1 and at most 3600; got {seconds}")
    config = configuration(env, t_max, algorithm, recurrent)
    steps = f"t_max {config.algorithm.rollout_length}"
    if config.algorithm.uses_replay:
        steps = f"{config.algorithm.rows_per_update} steps every {config.algorithm.rollout_length}"
    config.build_network(config.spaces)                                  # fails before anything is measured
    print(f"{processor()}, {os.cpu_count()} cores; {config.env_name}, {algorithm}, the paper's network"
          f"{' with an LSTM' * recurrent}, {steps}\n")
    emulator, environment = emulator_seconds(config), environment_seconds(config)
    _line("emulator alone, 4 frames", emulator)
    _line("environment", environment)
    for name, duration in pieces(config, seconds).items():
        _line("  " + name, duration)
    peak, work = sgemm_peak(), operations(config)
    bound = emulator + work / peak
    print(f"{'sgemm peak':34}{peak / 1e9:10.0f} GFLOP/s")
    _line(f"bound: emulator + {work / 1e6:.1f} MFLOP at peak", bound)
    for workers in (1,) if config.algorithm.uses_replay else (1, 2):
        name = f"training, {workers} worker{'s' * (workers > 1)}"
        first, _ = training_speed(config, workers, seconds)
        print(f"{name + ', at the start':34}{first:10.0f} steps/s", flush=True)
        speed, memory = training_speed(config, workers, seconds, aged=True)
        share = speed * bound / min(workers, os.cpu_count() or 1)
        print(f"{name + ', aged':34}{speed:10.0f} steps/s   {speed / first:4.0%} of the start's   "
              f"{share:4.0%} of the bound   {memory}", flush=True)


def configuration(env: str, t_max: int | None, algorithm: str = "a3c", recurrent: bool = False) -> Config:
    """The paper's values, but for DQN's memory; ``t_max``: steps between updates, whatever the method calls them."""
    config = configure(env, "paper", algorithm=algorithm)
    changes = MEMORY if config.algorithm.uses_replay else {}
    if t_max is not None:
        names = [name for name in ("t_max", "update_interval", "train_interval") if hasattr(config.algorithm, name)]
        changes = changes | {names[0]: t_max}
    return replace(config, algorithm=replace(config.algorithm, **changes),
                   network=replace(config.network, recurrent=recurrent), total_steps=10**9)


def warm_up_steps(config: Config) -> int:
    """Agent steps before the first update."""
    return getattr(config.algorithm, "warm_up", 0)


def aged_start(config: Config) -> Checkpoint:
    """Step 0 of a run, with every number of the statistics AGED; those that get a gradient recover at once."""
    start = initial_checkpoint(config)
    sets = config.workers if config.optimizer.own_statistics else 1
    return replace(start, statistics=np.full(sets * len(start.theta), AGED, np.float32))


def _line(name: str, seconds: float) -> None:
    print(f"{name:34}{seconds * 1e6:10.1f} us/step {1 / seconds:10.0f} steps/s", flush=True)


def median_seconds(call: Callable[[], object], calls: int, rounds: int = 7) -> float:
    """Median over rounds of the mean duration of one call."""
    means = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        means.append((time.perf_counter() - start) / calls)
    return float(np.median(means))


def emulator_seconds(config: Config) -> float:
    """Four frames of the emulator, random actions, no picture."""
    from ..envs.atari import load
    ale, rng = load(str(config.env)), np.random.default_rng(0)
    actions = ale.getMinimalActionSet()

    def step() -> None:
        if ale.game_over():
            ale.reset_game()
        action = actions[rng.integers(len(actions))]
        for _ in range(4):
            ale.act(action)
    return median_seconds(step, 300)


def environment_seconds(config: Config) -> float:
    """One step of the environment as the agent sees it, random actions."""
    rng = np.random.default_rng(0)
    with closing(config.make_env()) as made:
        env: Any = made
        env.reset(seed=0)

        def step() -> None:
            _, _, terminated, truncated, _ = env.step(int(rng.integers(env.action_space.n)))
            if terminated or truncated:
                env.reset(seed=0)
        return median_seconds(step, 300)


def pieces(config: Config, seconds: float) -> dict[str, float]:
    """Seconds per agent step that one worker spends on each piece, timed in place while it trains for ``seconds``."""
    start = aged_start(replace(config, workers=1))
    shared = Shared(len(start.theta), 1, config.optimizer.own_statistics, config.algorithm.uses_target_network)
    shared.load(start.theta, start.statistics, None)
    with subnormals_flushed():                                           # as in a worker's process
        worker = make_worker(0, config, shared, np.random.SeedSequence(0))
        worker.update()
        while shared.global_step() < warm_up_steps(config):
            worker.update()
        spent = {name: [0.0] for name in ("environment", "forward", "backward", "update")}
        _time(worker.collector.env.env, "step", spent["environment"])
        _time(worker.collector.env.env, "reset", spent["environment"])
        _time(worker.network, "forward", spent["forward"])
        _time(worker.network, "step", spent["forward"])
        _time(worker.network, "backward", spent["backward"])
        _time(worker, "apply", spent["update"])
        before, begun = shared.global_step(), time.perf_counter()
        while time.perf_counter() - begun < seconds:
            worker.update()
        steps, total = shared.global_step() - before, time.perf_counter() - begun
        worker.collector.env.close()
    found = {name: clock[0] / steps for name, clock in spent.items()}
    return found | {"everything else": total / steps - sum(found.values())}


def _time(owner: object, name: str, clock: list[float]) -> None:
    """Add the duration of every call of the method ``name`` to ``clock``."""
    call = getattr(owner, name)

    def timed(*arguments: object, **named: object) -> object:
        start = time.perf_counter()
        result = call(*arguments, **named)
        clock[0] += time.perf_counter() - start
        return result

    setattr(owner, name, timed)


def training_speed(config: Config, workers: int, seconds: float, aged: bool = False) -> tuple[float, str]:
    """Agent steps per second of a whole training run after a warm-up, and the memory of a worker."""
    config = replace(config, workers=workers)
    start = aged_start(config) if aged else initial_checkpoint(config)
    marks: list[tuple[float, int]] = []
    memory = [""]

    def watch(_: object) -> bool:
        if trainer.status.updates.min() > 0 and trainer.shared.global_step() >= warm_up_steps(config):
            marks.append((time.monotonic(), trainer.shared.global_step()))
            memory[0] = proportional_memory(trainer.supervisor.processes)
        return len(marks) < 3 or marks[-1][0] - marks[0][0] < seconds

    trainer = Trainer(start, None, LogReporter(WARM_UP_SECONDS / 2), watch)
    trainer.run()
    (t0, s0), (t1, s1) = marks[0], marks[-2]
    return (s1 - s0) / (t1 - t0), memory[0]
