"""Call one function with 0, 1, 2 ... in several worker processes, or in one that is not waited for."""

import errno
import pickle
import time
import traceback
from concurrent.futures.process import BrokenProcessPool
from typing import Callable, Generic, TypeVar

from . import worker_server
from .channel import Channel, wait
from .child_process import KILL, WorkerProcess
from .exhaustion import advice, killed_for_memory, number_of_exit
from .fork_server import ENDING_SECONDS, WorkerStartError, refusal

CLOSING_SECONDS = 2.0          # for all workers together
Result = TypeVar("Result")


class WorkerTraceback(Exception):
    """The cause of an exception that a worker has raised: where it was raised there."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def map_in_workers(make: Callable[..., Callable[[int], Result]], arguments: tuple[object, ...], count: int,
                   workers: int) -> list[Result]:
    """Return ``[make(*arguments, number)(k) for k in range(count)]``, in ``workers`` processes, 0, 1 ... by number.

    What ``make`` returns may have a method ``close``, which is called at the end.
    Raises what a worker raises, BrokenProcessPool if one exits early, and what ``worker_server.start`` raises.  No
    worker is left.
    """
    pool: _Pool[Result] = _Pool()
    try:
        for number in range(min(workers, count)):
            try:
                pool.add(make, (*arguments, number))
            except WorkerStartError as error:
                if not error.refused or not pool.processes:              # or the others do all of it
                    raise
                break
        return pool.map(count)
    finally:
        pool.close()


class _Pool(Generic[Result]):
    """Workers, the channel to each, and the number that each is called with."""

    def __init__(self) -> None:
        self.processes: list[WorkerProcess] = []
        self.channels: list[Channel] = []
        self.numbers: dict[Channel, int] = {}
        self.killed_for_memory = killed_for_memory()

    def add(self, make: Callable[..., Callable[[int], Result]], arguments: tuple[object, ...]) -> None:
        """Start one more worker."""
        try:
            ours, theirs = Channel.pair()
        except OSError as error:                                         # no descriptor is free
            raise refusal(error) from error
        try:
            with theirs:
                self.processes.append(worker_server.start(_work, make, arguments, theirs))
        except BaseException:
            ours.close()
            raise
        self.channels.append(ours)

    def map(self, count: int) -> list[Result]:
        """Return the results for 0 .. count - 1, in this order."""
        results: dict[int, Result] = {}
        numbers = iter(range(count))
        for channel in self.channels:
            self._call(channel, next(numbers, None))
        while len(results) < count:
            for channel in wait(list(self.numbers)):
                results[self.numbers.pop(channel)] = self._result(channel)
                self._call(channel, next(numbers, None))
        return [results[number] for number in range(count)]

    def _call(self, channel: Channel, number: int | None) -> None:
        if number is None:
            return
        self.numbers[channel] = number
        try:
            channel.send(number)
        except OSError:                                                  # it has exited: its result will not come
            pass

    def _result(self, channel: Channel) -> Result:
        """Return a worker's result, or raise what it has raised."""
        try:
            result, error, where = channel.recv()
        except (EOFError, OSError):
            raise BrokenProcessPool(self._ending(channel)) from None
        if error is not None:
            raise error from WorkerTraceback(where)
        return result

    def _ending(self, channel: Channel) -> str:
        process = self.processes[self.channels.index(channel)]
        process.join(ENDING_SECONDS)
        if process.exitcode == -KILL and killed_for_memory() > self.killed_for_memory:
            return f"a worker process {process.ending()} because memory ran out: {advice(errno.ENOMEM)}"
        if number_of_exit(process.exitcode):
            return f"a worker process {process.ending()}"                # which names the limit
        return f"a worker process {process.ending()} before it could report an error; see its output above"

    def close(self) -> None:
        """End the workers: those that have answered close what they have, in CLOSING_SECONDS; kill the others."""
        for channel in self.channels:
            channel.close()
        deadline = time.monotonic() + CLOSING_SECONDS
        for process, channel in zip(self.processes, self.channels):
            if channel not in self.numbers:
                process.join(max(0.0, deadline - time.monotonic()))
        worker_server.end(self.processes)


class BackgroundWorker(_Pool[Result]):
    """One worker process, which is called without being waited for.

    ``BackgroundWorker(make, *arguments)`` starts it; each ``call`` has it call ``make(*arguments)(0)``, where ``make``
    itself is called once.  Raises what ``worker_server.start`` does.
    """

    def __init__(self, make: Callable[..., Callable[[int], Result]], *arguments: object) -> None:
        super().__init__()
        self.add(make, arguments)

    def call(self) -> None:
        """Begin a call; the one before must have been answered."""
        self._call(self.channels[0], 0)

    def answered(self, seconds: float) -> bool:
        """True if the call is over, or becomes so within ``seconds``."""
        return bool(wait(self.channels, seconds))

    def result(self) -> Result:
        """Return the call's result, or raise what it has raised, or BrokenProcessPool if the process has exited."""
        return self._result(self.channels[0])


def _work(make: Callable[..., Callable[[int], object]], arguments: tuple[object, ...], channel: Channel) -> None:
    """Run a worker: call the function with each number that comes, and send what it returns or raises."""
    function: Callable[[int], object] | None = None
    while True:
        try:
            number = channel.recv()
        except (EOFError, OSError):                                      # the pool is closed
            getattr(function, "close", int)()
            return
        message: tuple[object, Exception | None, str]
        try:
            function = function or make(*arguments)
            message = function(number), None, ""
        except Exception as error:
            message = None, _sendable(error), traceback.format_exc()
        channel.send(message)


def _sendable(error: Exception) -> Exception:
    """Return the error, or if it cannot be pickled and unpickled another one with its text."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
