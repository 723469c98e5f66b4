"""Worker processes for tests: functions that begin at the same time on shared memory."""

from a3c_numba.system import worker_server
from a3c_numba.system.channel import Channel
from tests.promises import PATIENCE


def together(target, arguments):
    """Call ``target(*one)`` for each one of ``arguments``, in processes of their own that begin at the same time.

    Returns what they return.
    """
    channels, processes = [], []
    try:
        for one in arguments:
            ours, theirs = Channel.pair()
            channels.append(ours)
            with theirs:
                processes.append(worker_server.start(_call, target, one, theirs))
        for channel in channels:
            assert channel.poll(PATIENCE) and channel.recv() == "ready"
        for channel in channels:
            channel.send("go")
        assert all(channel.poll(PATIENCE) for channel in channels), "a process sent nothing"
        results = [channel.recv() for channel in channels]               # EOFError where one has failed
        for process in processes:
            process.join(PATIENCE)
            assert process.exitcode == 0
        return results
    finally:
        worker_server.end(processes)
        for channel in channels:
            channel.close()


def _call(target, arguments, channel):
    channel.send("ready")
    channel.recv()
    channel.send(target(*arguments))
