"""A long run with a fault every half minute: ``python -m tests.faults.soak --minutes 120 --out FOLDER``.

Faults are drawn at random: a worker killed or stopped, the main process killed, interrupted by Ctrl-C or SIGTERM, the
disk full for a few seconds, the latest checkpoint truncated and the main process killed.  Whatever ends the run, it is
resumed at once.  soak.csv has a row a fault; at the end the run is told to stop, and a line says what there is to say:
faults, steps lost, processes left behind, numbers that are not finite.
"""

import argparse
import csv
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from a3c_numba.runs.checkpoint import load
from tests.faults.runs import ROOT, table, workers_of

OPTIONS = ["--heartbeat-seconds", "5", "--checkpoint-seconds", "15", "--max-restarts", "1000000"]


class Soak:
    """A training run, and what is done to it."""

    def __init__(self, env, out, total_steps):
        self.env, self.out, self.total_steps = env, out, total_steps
        self.process = None
        self.codes = []
        self.start("--out", str(out), "--total-steps", str(total_steps))

    def start(self, *options):
        self.out.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "a3c_numba", "train", self.env, *options, *OPTIONS]
        with open(self.out.with_suffix(".log"), "ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def resume(self):
        """Wait for the end, and go on."""
        self.codes.append(self.process.wait(timeout=60))
        self.start("--resume", str(self.out))

    def steps(self):
        rows = table(self.out / "progress.csv")
        return int(rows[-1]["global_step"]) if rows else 0

    def kill_worker(self):
        os.kill(random.choice(workers_of(self.process.pid)), signal.SIGKILL)

    def stop_worker(self):
        os.kill(random.choice(workers_of(self.process.pid)), signal.SIGSTOP)

    def kill_main(self):
        self.process.kill()
        self.resume()

    def interrupt(self):
        os.killpg(self.process.pid, signal.SIGINT)
        self.resume()

    def terminate(self):
        self.process.terminate()
        self.resume()

    def fill_disk(self):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        time.sleep(20)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def damage(self):
        self.process.kill()
        self.process.wait()
        latest = self.out / "latest.npz"
        if (self.out / "latest-1.npz").exists():
            os.truncate(latest, random.randrange(latest.stat().st_size))
        self.resume()


FAULTS = [Soak.kill_worker, Soak.stop_worker, Soak.kill_main, Soak.interrupt, Soak.terminate, Soak.fill_disk,
          Soak.damage]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--every", type=float, default=30, help="seconds between faults")
    parser.add_argument("--env", default="ALE/Pong-v5")
    parser.add_argument("--total-steps", type=int, default=30_000_000)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    soak, end, counts = Soak(arguments.env, arguments.out, arguments.total_steps), time.monotonic() + \
        60 * arguments.minutes, {}
    with open(arguments.out.with_suffix(".csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["minutes", "fault", "steps_before", "workers_before"])
        while time.monotonic() + arguments.every < end and soak.process.poll() is None:
            time.sleep(arguments.every * random.uniform(0.5, 1.5))
            workers, fault = workers_of(soak.process.pid), random.choice(FAULTS)
            if soak.process.poll() is not None or not workers:
                continue
            gone = arguments.minutes - (end - time.monotonic()) / 60
            writer.writerow([f"{gone:.2f}", fault.__name__, soak.steps(), len(workers)])
            file.flush()
            fault(soak)
            counts[fault.__name__] = counts.get(fault.__name__, 0) + 1
    if soak.process.poll() is None:
        time.sleep(10)
        os.killpg(soak.process.pid, signal.SIGINT)
    code, group = soak.process.wait(timeout=60), soak.process.pid
    latest = load(arguments.out / "latest.npz")
    time.sleep(3)                                                        # in which the fork server ends, too
    left = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True).stdout.split()
    print(f"{sum(counts.values())} faults {counts}; exit codes on the way {sorted(set(soak.codes))}, at the end "
          f"{code}; {latest.global_step:,} steps; processes left {len(left)}; finite "
          f"{bool(np.isfinite(latest.theta).all())}; mean score {latest.mean_score}")


if __name__ == "__main__":
    main()
