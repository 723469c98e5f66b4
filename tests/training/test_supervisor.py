"""The supervisor with a clock and workers that are handed to it: a death from silence to replacement, and states."""

import errno

import pytest

from a3c_numba.training import restarts
from a3c_numba.training.limits import Limits
from a3c_numba.training.state_collector import ANSWER_SECONDS
from a3c_numba.system.fork_server import WorkerStartError
from a3c_numba.training.supervisor import WorkerDied
from a3c_numba.training.trainer import initial_checkpoint
from a3c_numba.training.worker_handle import WorkerPhase
from tests.programs import small
from tests.training.fakes import Clock, Crew, LostServer, Process, Reader, handle, supervisor_of

CATCH = small("Catch", workers=2, total_steps=10**6)


def unreported():
    return Process(reported=False)


def crew(**parts):
    """Two workers that have a minute for a step; the second one hangs."""
    return Crew(CATCH, Limits(heartbeat_seconds=60), hanging=[1], **parts)


def looks_until(crew, condition, seconds=1000):
    until = crew.now + seconds
    while not condition():
        crew.look()
        assert crew.now < until


def test_a_death_goes_from_silent_to_killed_to_seen_to_replaced():
    watched = crew(process=unreported)
    silent = watched.supervisor.handles[1]
    looks_until(watched, lambda: silent.phase is WorkerPhase.KILLED)
    assert 60 < silent.killed_after_seconds < 61 and watched.killed == [1]
    assert watched.supervisor.alive == 2 and not watched.supervisor.queue.pending
    assert not watched.supervisor.events.sentences()
    watched.processes[1].exitcode = -9                                   # reported at last
    assert silent.phase is WorkerPhase.EXITED
    watched.look()
    (event,) = watched.supervisor.events.sentences()
    assert event.startswith("worker 1 made no step for 60") and event.endswith("replaced, 1 of at most 100")
    assert watched.supervisor.queue.pending == [1] and watched.supervisor.alive == 1 and silent.reader.closed
    watched.look()
    assert watched.supervisor.handles[1] is not silent and watched.supervisor.handles[1].phase is WorkerPhase.STARTING
    assert [seed.spawn_key for seed in watched.seeds] == [(1,), (2,), (3,)]          # a stream that is new


def test_a_kill_that_is_not_reported_costs_the_server():
    watched = crew(process=unreported)
    silent = watched.supervisor.handles[1]
    looks_until(watched, lambda: watched.supervisor.events.sentences())
    assert watched.supervisor.events.events[0].kind == "server killed"
    assert 0 < watched.now - Clock.now - 120 < 1                         # a second timeout after the first
    assert silent.phase is WorkerPhase.KILLED and not silent.seconds_since_heartbeat


def test_an_exit_by_itself_is_replaced_and_logs_the_error():
    watched = crew()
    watched.readers[0].said.append(("error", "Traceback ...\nOSError: no such machine"))
    watched.processes[0].exitcode = 1
    watched.look()
    (event,) = watched.supervisor.events.sentences()
    assert event == "worker 0 died with exit code 1: OSError: no such machine; replaced, 1 of at most 100"


def test_one_death_more_than_may_be_ends_the_run():
    watched = Crew(CATCH, Limits(max_restarts=1))
    watched.processes[0].exitcode = 7
    watched.look()
    watched.processes[1].exitcode = 7
    with pytest.raises(WorkerDied, match="^worker 1 died with exit code 7$"):
        watched.look()


@pytest.mark.parametrize("message, deaths", [(("unmade", "OSError: no"), 1), (("error", "OSError: no"), 3)])
def test_failures_before_a_first_update_end_the_run(message, deaths):
    """In the constructor the first one does, later the third in a row; no worker is alive."""
    handles = []

    def start(number, *_):
        handles.append(handle(Process(), Reader([message])))
        handles[-1].process.exitcode = 1
        return handles[-1]

    supervisor = supervisor_of(initial_checkpoint(CATCH), start)
    with pytest.raises(WorkerDied, match="OSError: no"):
        while len(handles) < 10:
            supervisor.poll(0)
    assert len(handles) == deaths


def test_a_start_that_fails_with_its_server_is_tried_again():
    numbers = []

    def start(number, *_):
        numbers.append(number)
        if len(numbers) == 1:
            raise WorkerStartError("the server ended", server=LostServer())
        if len(numbers) == 2:
            raise InterruptedError
        return handle()

    supervisor = supervisor_of(initial_checkpoint(CATCH), start)
    for _ in range(5):
        supervisor.poll(0)
    assert numbers == [0, 1, 0] and supervisor.restarts == 1             # a signal costs no restart
    assert supervisor.events.sentences() == ["worker 0 could not be started: the server ended; replaced, 1 of at most "
                                             "100"]


def test_workers_are_started_for_a_slice_of_time_per_poll():
    clock, numbers = Clock(), []

    def start(number, *_):
        clock.now += 0.15
        numbers.append(number)
        return handle()

    supervisor = supervisor_of(initial_checkpoint(small("Catch", workers=5, total_steps=10**6)), start, clock)
    supervisor.status.updates[:] = 1
    supervisor.poll(0)
    assert numbers == [0, 1]
    supervisor.poll(0)
    assert numbers == [0, 1, 2, 3]


def test_the_states_of_workers_that_never_started_are_not_lost():
    start = initial_checkpoint(small("Catch", workers=2, total_steps=1000))
    start.workers = [{"steps": 7, "mark": 0}, {"steps": 9, "mark": 1}]
    supervisor = supervisor_of(start, lambda *_: handle(reader=Reader([("state", {"steps": 3, "mark": "new"})])))
    supervisor.poll(0)
    assert list(supervisor.handles) == [0]
    states, step = supervisor.states.collect()
    assert [state["mark"] for state in states] == ["new", 1] and step == 3


def test_states_are_ready_when_all_have_answered_or_too_late():
    watched = Crew(CATCH)
    states = watched.supervisor.states
    assert not states.requested and not states.ready()
    states.request()
    assert states.requested and not states.ready()
    for reader in watched.readers:
        reader.said.append(("state", {"steps": 5}))
    watched.look()
    assert states.ready() and states.all_answered
    assert states.collect() == ([{"steps": 5}, {"steps": 5}], 10) and not states.requested
    states.request()
    watched.pause(ANSWER_SECONDS)
    assert not states.ready()
    watched.pause(0.1)
    assert states.ready() and not states.all_answered


def test_a_request_keeps_the_last_state_of_a_worker_that_ended():
    """It answers no more: a checkpoint that is due when the run ends has its state."""
    watched = Crew(CATCH)
    watched.readers[0].said.append(("last state", {"steps": 5}))
    watched.readers[1].said.append(("state", {"steps": 4}))
    watched.look()
    watched.supervisor.states.request()
    assert [handle.state for handle in watched.supervisor.handles.values()] == [{"steps": 5}, None]


def test_only_a_last_state_outlives_the_end():
    watched = Crew(CATCH)
    watched.readers[0].said.append(("last state", {"steps": 5}))
    watched.readers[1].said.append(("state", {"steps": 5}))
    watched.supervisor.stop()
    assert [handle.state for handle in watched.supervisor.handles.values()] == [{"steps": 5}, None]


def lose_server(watched, server):
    """It dies with all of its workers."""
    for process in watched.processes:
        if process.exitcode is None:
            process.exitcode, process.lost, process.server = 255, True, server


def test_a_lost_server_is_one_restart_for_128_workers():
    watched = Crew(small("Catch", workers=128, total_steps=10**6), Limits(max_restarts=1))
    lose_server(watched, LostServer())
    watched.look()
    assert watched.supervisor.events.sentences() == [
        "the server that workers are forked from was ended by SIGKILL, and its 128 workers with it; replaced, 1 of at "
        "most 1"]
    watched.look()
    assert watched.supervisor.alive == 128 and watched.supervisor.restarts == 1


def test_a_worker_that_failed_before_its_server_died_counts_too():
    watched, server = Crew(CATCH), LostServer()
    watched.processes[0].exitcode, watched.processes[0].server = 7, server
    lose_server(watched, server)
    watched.look()
    assert [event.kind for event in watched.supervisor.events.events] == ["replaced", "server lost"]


@pytest.mark.parametrize("updates, survived", [(0, 2), (1, 9)])
def test_three_lost_servers_in_a_row_end_the_run(updates, survived):
    """In a row: no worker has made an update since all were started again."""
    watched, lost = Crew(CATCH), 0
    with pytest.raises(WorkerDied, match="^the server that workers are forked from was ended by SIGKILL, and its 2 "):
        while True:
            if lost < 8:
                watched.supervisor.status.updates[:] += updates
            watched.look()
            lose_server(watched, LostServer())
            watched.look()
            lost += 1
    assert lost == survived


def failing(message, code=1, works=1):
    """Starts workers of which the first few work, and the others fail as they start; and a list of these."""
    failed = []

    def start(number, config, status, seed, state):
        status.updates[0] = 1
        if number < works:
            return handle()
        failed.append(handle(Process(), Reader(list(message))))
        failed[-1].process.exitcode = code
        return failed[-1]
    return start, failed


FOUR = small("Catch", workers=4, total_steps=10**6)


@pytest.mark.parametrize("message, code, tries, said", [
    ([("exhausted", errno.ENOMEM), ("unmade", "MemoryError: 9 GB")], 1, 3,
     ["worker 1 died with exit code 1: MemoryError: 9 GB: use fewer workers (--workers), or raise the limit of mem"]),
    ([], 100 + errno.EMFILE, 3, ["worker 1 could not start: Too many open files: use fewer workers (--workers), or "
                                 "raise the limit of open files (ulimit -n"]),
    ([("error", "OSError: port in use")], 1, 3, [
        "worker 1 died with exit code 1: OSError: port in use; replaced, 1 of",
        "worker 2 died with exit code 1: OSError: port in use; replaced, 2 of",
        "worker 3 died with exit code 1: OSError: port in use; training continues with 1, and tries again in 30 s"])])
def test_a_run_goes_on_with_the_workers_that_start(message, code, tries, said):
    """One line where something ran out; else after three failures in a row.  Later tries cost no restart."""
    clock, (start, failed) = Clock(), failing(message, code)
    supervisor = supervisor_of(initial_checkpoint(FOUR), start, clock, Limits(heartbeat_seconds=1e9))
    for _ in range(5):
        supervisor.poll(0)
    sentences = supervisor.events.sentences()
    assert len(sentences) == len(said) and all(map(str.startswith, sentences, said)), sentences
    assert len(failed) >= tries and supervisor.alive == 1
    before, restarts = len(failed), supervisor.restarts
    for _ in range(100):
        clock.now += 1
        supervisor.poll(0)
    assert 2 <= len(failed) - before <= 4 and supervisor.restarts == restarts and len(sentences) == len(said)


def test_a_worker_that_ran_out_of_memory_alone_ends_the_run():
    start, _ = failing([("exhausted", errno.ENOMEM), ("unmade", "MemoryError: 9 GB")], works=0)
    supervisor = supervisor_of(initial_checkpoint(FOUR), start)
    with pytest.raises(WorkerDied, match="^worker 0 died with exit code 1: use fewer workers .*\nMemoryError: 9 GB$"):
        supervisor.poll(0)


def test_workers_that_linux_killed_for_memory_are_left_out(monkeypatch):
    """The system counts them; a SIGKILL from outside is replaced."""
    kills = [0]
    monkeypatch.setattr(restarts, "killed_for_memory", lambda: kills[0])
    watched = Crew(FOUR)
    watched.processes[3].exitcode = watched.processes[2].exitcode = -9
    watched.look()
    assert [event.kind for event in watched.supervisor.events.events] == ["replaced"] * 2
    kills[0] = 1
    watched.look()
    watched.processes[-1].exitcode = -9
    watched.look()
    event = watched.supervisor.events.events[-1]
    assert event.kind == "not started" and watched.supervisor.restarts == 2
    assert event.detail.startswith("was ended by SIGKILL: use fewer workers (--workers), or raise the limit of memory")


def test_a_refused_start_is_tried_again_ever_less_often():
    clock, asked = Clock(), []

    def start(number, config, status, *_):
        status.updates[0] = 1
        if number:
            asked.append(clock.now)
            raise WorkerStartError("the system refused a process", errno.EAGAIN)
        return handle()

    supervisor = supervisor_of(initial_checkpoint(FOUR), start, clock, Limits(heartbeat_seconds=1e9))
    for _ in range(2000):
        supervisor.poll(0)
        clock.now += 1
    waits = [after - before for before, after in zip(asked, asked[1:])]
    assert waits[:5] == [30, 60, 120, 240, 480] and set(waits[5:]) <= {600} and supervisor.restarts == 0
    assert len(supervisor.events.sentences()) == 1
