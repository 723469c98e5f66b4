"""What Ray raises, with Ray replaced by its tree of exceptions; and the engine that replaces Ray in other tests."""

import threading
import time
from types import SimpleNamespace

import pytest

from a3c_numba.cluster.engine import Gone, Lost, answer
from tests.cluster.local_engine import Actor, Answer


class RayError(Exception):
    pass


class RayActorError(RayError):
    pass


class ActorDiedError(RayActorError):
    pass


class GetTimeoutError(RayError, TimeoutError):
    pass


class NodeDiedError(RayError):
    pass


class ObjectLostError(RayError):
    pass


class OwnerDiedError(ObjectLostError):
    pass


class RayTaskError(RayError):
    cause = ValueError("a delta is not finite")


KINDS = (RayError, RayActorError, ActorDiedError, GetTimeoutError, NodeDiedError, ObjectLostError, OwnerDiedError,
         RayTaskError)


@pytest.mark.parametrize("raised, expected", [
    (ActorDiedError, Gone), (RayTaskError, ValueError),
    *((kind, Lost) for kind in KINDS if kind not in (ActorDiedError, RayTaskError))])
def test_what_ray_raises_is_lost_gone_or_the_methods_own(raised, expected, monkeypatch):
    def get(reference, timeout):
        raise raised("why")

    ray = SimpleNamespace(get=get, exceptions=SimpleNamespace(**{kind.__name__: kind for kind in KINDS}))
    monkeypatch.setattr("a3c_numba.cluster.engine.load_ray", lambda: ray)
    with pytest.raises(expected) as caught:
        answer("reference", 1.0)
    assert type(caught.value) is expected


class Busy:
    """Notes how many calls of it are made at the same time."""

    def __init__(self):
        self.calls = self.most = 0

    def call(self):
        self.calls += 1
        self.most = max(self.most, self.calls)
        time.sleep(0.01)
        self.calls -= 1


def test_calls_of_a_local_actor_are_made_one_after_the_other():
    actor = Actor(Busy)
    threads = [threading.Thread(target=Answer(actor, "call", ()).get) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert actor.object.most == 1
