"""All that is asked of Ray: a connection, actors that it places and restarts, and their answers."""

import logging
import os
import signal
import socket
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from typing import Any, Iterator

from ..system.text import one_line
from .messages import Delta, Reply, State
from .node import Node, NodeSettings, versions
from .parameter_server import ParameterServer
from .settings import ClusterError, Ray

CALL_SECONDS = 10.0            # of a node's call of a parameter server
START_SECONDS = 120.0          # until all nodes have started
REACH_SECONDS = 5.0            # for a connection to the address
NAMESPACE = "a3c_numba"        # of the names of parameter servers


class MissingRay(ImportError):
    """Ray is not installed; one line."""


class Lost(ConnectionError):
    """An actor does not answer; Ray restarts it."""


class Gone(ConnectionError):
    """An actor has ended, and Ray does not restart it; one line."""


def load_ray() -> Any:
    """Import Ray.  Raises MissingRay."""
    try:
        return import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingRay("training on a cluster needs Ray: pip install 'a3c_numba[ray]'") from error


def answer(reference: object, seconds: float | None = None) -> Any:
    """Return what an actor answers.  Raises Lost, Gone, or what its method raised."""
    ray = load_ray()
    try:
        return ray.get(reference, timeout=seconds)
    except ray.exceptions.ActorDiedError as error:
        raise Gone(one_line(str(error).strip().splitlines()[-1])) from None
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:                             # late, lost on the way, or its machine is
        raise Lost(type(error).__name__) from None


class RemoteServer:
    """A parameter server as a node sees it: an actor that it finds by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def actor(self) -> Any:
        """The actor.  Raises Lost if there is none of this name."""
        try:
            return load_ray().get_actor(self.name, NAMESPACE)
        except ValueError as error:
            raise Lost(str(error)) from None

    def join(self) -> State | None:
        """As ``ParameterServer.join``."""
        state: State | None = answer(self.actor.join.remote(), CALL_SECONDS)
        return state

    def load(self, state: State) -> None:
        """As ``ParameterServer.load``."""
        answer(self.actor.load.remote(state), CALL_SECONDS)

    def exchange(self, delta: Delta) -> Reply | None:
        """As ``ParameterServer.exchange``."""
        reply: Reply | None = answer(self.actor.exchange.remote(delta), CALL_SECONDS)
        return reply


class RayEngine:
    """The actors of one run: ``servers`` and ``nodes``.

    Raises MissingRay, or ClusterError in one line if there is no such cluster, it is full, or its versions differ.
    """

    def __init__(self, cluster: Ray, workers: int, settings: NodeSettings) -> None:
        self.ray = load_ray()
        self.servers: list[Any] = []
        self.nodes: list[Any] = []
        self.is_own = not self.ray.is_initialized()
        try:
            if self.is_own:
                self._connect(cluster.address)
            elif cluster.address not in ("", "auto", connected := self.ray.get_runtime_context().gcs_address):
                raise ClusterError(f"this program is connected to another Ray ({connected})", "give no address")
            self._check_room(cluster.nodes, workers)
            self._start(cluster, workers, settings)
        except BaseException:
            self.close()
            raise

    def _connect(self, address: str) -> None:
        address = address or os.environ.get("RAY_ADDRESS", "local")
        check_reachable(address)
        with handlers_kept():
            try:
                self.ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
            except (ConnectionError, RuntimeError, ValueError, self.ray.exceptions.RayError) as error:
                raise ClusterError(f"cannot connect to Ray ({address}): {one_line(error)}", "if it asks for a token, "
                                   "set RAY_AUTH_MODE=token, or give the address auto on one of its machines") from None

    def _check_room(self, nodes: int, workers: int) -> None:
        deadline = time.monotonic() + REACH_SECONDS                      # a cluster that has just started counts less
        while (free := self.ray.available_resources().get("CPU", 0)) < nodes * workers:
            if time.monotonic() > deadline:
                raise ClusterError(f"the cluster has {free:g} free processors, and {nodes} x {workers} workers need "
                                   f"{nodes * workers}", "ask for fewer nodes or workers",
                                   "give fewer --nodes or --workers-per-node")
            time.sleep(0.2)

    def _start(self, cluster: Ray, workers: int, settings: NodeSettings) -> None:
        here = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy(
            self.ray.get_runtime_context().get_node_id(), soft=True)
        server = self.ray.remote(ParameterServer)
        names = [f"{uuid.uuid4()}-{number}" for number in range(cluster.shards)]
        for number, name in enumerate(names):
            placed = server.options(name=name, namespace=NAMESPACE, num_cpus=0, max_restarts=-1,
                                    scheduling_strategy="SPREAD" if number else here)
            self.servers.append(placed.remote(cluster.max_staleness))
        node = self.ray.remote(Node).options(num_cpus=workers, max_restarts=settings.limits.max_restarts,
                                             scheduling_strategy="SPREAD")
        links = [RemoteServer(name) for name in names]
        self.nodes = [node.remote(links, settings) for _ in range(cluster.nodes)]
        asked = [actor.versions.remote() for actor in self.nodes]
        ready, late = self.ray.wait(asked, num_returns=len(asked), timeout=START_SECONDS)
        if late:
            raise ClusterError(f"{len(late)} of {len(asked)} nodes have not started within {START_SECONDS:g} s",
                               "the cluster has no machine with so many free processors, or is very slow")
        for reference in ready:
            try:
                check_versions(answer(reference))
            except (Gone, Lost) as error:
                raise ClusterError(f"a node could not be started: {error}", "install the same versions on all machines"
                                   ) from None

    def wait(self, references: list[object], seconds: float) -> list[object]:
        """Wait up to ``seconds`` for an answer; return the references that have one."""
        if not references:
            time.sleep(seconds)
            return []
        ready, _ = self.ray.wait(references, num_returns=1, timeout=seconds)
        more, _ = self.ray.wait(references, num_returns=len(references), timeout=0)
        return list({*ready, *more})

    def answer(self, reference: object) -> Any:
        """Return an answer that has come.  Raises Lost, Gone, or what the method raised."""
        return answer(reference)

    def close(self) -> None:
        """Kill all actors, and leave the cluster, if this object has joined it."""
        for actor in (*self.nodes, *self.servers):
            with suppress(Exception):
                self.ray.kill(actor)
        self.nodes, self.servers = [], []
        if self.is_own:
            self.ray.shutdown()


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Keep the handlers of SIGINT and SIGTERM, which Ray replaces as it connects."""
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = [(number, signal.getsignal(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def check_reachable(address: str) -> None:
    """Raise ClusterError if nothing listens at host:port; Ray itself would try for minutes."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        raise ClusterError(f"{one_line(address)} is no address of Ray's", "give host:port, as `ray start` prints it")
    try:
        socket.create_connection((host, int(port)), REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"no Ray at {one_line(address)} ({getattr(error, 'strerror', None) or error})",
                           f"start one there: ray start --head --port {port}") from None


def check_versions(theirs: dict[str, str]) -> None:
    """Raise ClusterError if a node has other versions than this program."""
    for name, version in versions().items():
        if theirs.get(name) != version:
            raise ClusterError(f"a node has {name} {theirs.get(name)}, this program {version}",
                               "install the same versions on all machines")
