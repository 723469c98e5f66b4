"""What the trainer calls of a reporter, and the reporter of a run without a display."""

import logging

from a3c_numba.training.reporter import LogReporter
from a3c_numba.training.trainer import REPORT_SECONDS, Trainer, initial_checkpoint
from tests.programs import small


class Recorder:
    """Keeps what it is called with."""

    report_seconds = 0.0

    def __init__(self):
        self.calls = []

    def update(self, row):
        self.calls.append(("update", row))

    def warn(self, lines):
        self.calls += [("warn", line) for line in lines]

    def note(self, lines):
        self.calls += [("note", line) for line in lines]

    def close(self, row):
        self.calls.append(("close", row))


def test_a_reporter_is_called_at_each_report_and_closed_once():
    reporter, rows = Recorder(), []

    def callback(row):
        rows.append(row)
        trainer.events.add("no curve", detail=f"{len(rows)}")
        trainer.events.add("stopped", detail="a score")
        return len(rows) < 2

    trainer = Trainer(initial_checkpoint(small("Catch", total_steps=10**8)), None, reporter, callback)
    trainer.run()
    last = trainer.progress_tracker.latest
    assert reporter.calls == [("update", rows[0]), ("warn", "no learning curve: 1"), ("note", "a score"),
                              ("update", rows[1]), ("warn", "no learning curve: 2"), ("note", "a score"),
                              ("update", last), ("close", last)]


def test_a_reporter_says_how_often_there_is_a_report():
    start = initial_checkpoint(small())
    assert Trainer(start).report_seconds == Trainer(start, reporter=LogReporter()).report_seconds == REPORT_SECONDS
    assert Trainer(start, reporter=LogReporter(0.25)).report_seconds == 0.25


def test_a_run_without_a_display_logs_its_warnings(caplog, capsys):
    with caplog.at_level(logging.WARNING, "a3c_numba"):
        LogReporter().warn(["one", "two"])
        LogReporter().warn([])
        LogReporter().update(None)
        LogReporter().close(None)
    assert [record.message for record in caplog.records] == ["one", "two"]
    assert capsys.readouterr() == ("", "")
