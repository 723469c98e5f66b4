"""Events: kinds, sentences, and that each is handed on once."""

import pytest

from a3c_numba.runs.event_log import SENTENCES, EventLog


def test_events_are_sentences_and_are_handed_on_once():
    log = EventLog()
    log.add("replaced", 3, "died with exit code 1; replaced, 1 of at most 5")
    log.add("no curve", detail="no OpenCV")
    assert log.sentences() == ["worker 3 died with exit code 1; replaced, 1 of at most 5",
                               "no learning curve: no OpenCV"]
    assert [(event.kind, event.worker) for event in log.drain()] == [("replaced", 3), ("no curve", None)]
    assert log.drain() == log.sentences() == []


def test_a_detail_may_hold_braces():
    log = EventLog()
    log.add("damaged", detail="{worker} {0}")
    assert log.sentences() == ["{worker} {0}"]


def test_a_kind_that_has_no_sentence_is_refused():
    log = EventLog()
    with pytest.raises(KeyError):
        log.add("mislaid")
    assert not log.events


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_kind_makes_one_line(kind):
    log = EventLog()
    log.add(kind, 0, "why")
    assert log.sentences()[0] and "\n" not in log.sentences()[0]
