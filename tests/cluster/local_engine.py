"""An engine without Ray: actors are objects of this process, and a call is answered at once.  And scripts of runs."""

import threading

from a3c_numba.cluster.engine import Gone, Lost
from a3c_numba.cluster.node import Node
from a3c_numba.cluster.parameter_server import ParameterServer
from tests.runs.test_run_folder import rows


class Method:
    def __init__(self, actor, name):
        self.actor, self.name = actor, name

    def remote(self, *arguments):
        return Answer(self.actor, self.name, arguments)


class Answer:
    """A reference to an answer; the call is made when it is asked for."""

    def __init__(self, actor, name, arguments):
        self.actor, self.name, self.arguments = actor, name, arguments

    def get(self):
        if self.actor.error:
            raise self.actor.error
        with self.actor.lock:
            return getattr(self.actor.object, self.name)(*self.arguments)


class Actor:
    """What Ray hands out for an object, which answers one call at a time; ``error``, if set, is raised by each."""

    def __init__(self, make):
        self.make, self.object, self.error = make, make(), None
        self.lock = threading.Lock()

    def __getattr__(self, name):
        return Method(self, name)

    def lose(self, for_good=False):
        """As if its process had died."""
        self.error = Gone("killed") if for_good else Lost("killed")
        if isinstance(self.object, Node):
            self.object.stop()

    def restart(self):
        self.object, self.error = self.make(), None


class Link:
    """A parameter server as a node sees it."""

    def __init__(self, actor):
        self.actor = actor

    def __getattr__(self, name):
        return lambda *arguments: Answer(self.actor, name, arguments).get()


class LocalEngine:
    """Stands for RayEngine; ``made`` are all engines of this process."""

    made = []

    def __init__(self, cluster, workers, settings):
        self.servers = [Actor(lambda: ParameterServer(cluster.max_staleness)) for _ in range(cluster.shards)]
        links = [Link(actor) for actor in self.servers]
        self.nodes = [Actor(lambda: Node(links, settings)) for _ in range(cluster.nodes)]
        self.closed = False
        self.made.append(self)

    def wait(self, references, seconds):
        self.nodes[0].object.stopping.wait(seconds)
        return references

    def answer(self, reference):
        return reference.get()

    def close(self):
        self.closed = True
        for actor in self.nodes:
            actor.object.stop()
            actor.object.thread.join(10)


def kinds(folder):
    """The kinds of a run's events, but for deltas that a busy machine made too late."""
    return [row["kind"] for row in rows(folder / "events.csv") if row["kind"] != "deltas discarded"]


class Script:
    """A callback that does one thing after the other, each as soon as its condition holds; then it ends the run."""

    def __init__(self, *stages):
        self.stages = list(stages)

    def __call__(self, row):
        if self.stages and self.stages[0][0](row):
            self.stages.pop(0)[1]()
        return bool(self.stages)


def nothing():
    pass


def after(step):
    return lambda row: row.global_step > step
