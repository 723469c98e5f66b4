"""TensorBoard's files: records and sums, what is in them, full disks, and what the package itself reads."""

import math
import struct

import pytest

from a3c_numba.runs.progress import Progress
from a3c_numba.runs.tensorboard import SUFFIX, TensorBoardLog, crc32c
from tests.programs import program

ROW = Progress(2.5, 1000, 400.0, 7, -0.5, 1.1, 0.25, 3.0, 7e-4, 50, 0, 2, 0, 0.01, 0.5, -1.5, 0.4)


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The events of a file, their sums checked."""
    data, events = path.read_bytes(), []
    while data:
        length, crc = struct.unpack("<QI", data[:12])
        event, last = data[12:12 + length], data[12 + length:16 + length]
        assert crc == masked(data[:8]) and struct.unpack("<I", last)[0] == masked(event)
        data, events = data[16 + length:], [*events, event]
    return events


def fields(message):
    """Field number -> its values, of a message."""
    found: dict = {}
    while message:
        key, message = varint(message)
        if key & 7 == 0:
            value, message = varint(message)
        else:
            size, message = varint(message) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], message)
            value, message = message[:size], message[size:]
        found.setdefault(key >> 3, []).append(value)
    return found


def varint(message):
    for place, byte in enumerate(message):
        if byte < 128:
            return sum((b & 127) << 7 * k for k, b in enumerate(message[:place + 1])), message[place + 1:]
    raise AssertionError("no end")


def scalars(path):
    """[(step, {tag: value})] of a file, without its first two events."""
    steps = []
    for event in map(fields, records(path)[2:]):
        values = [fields(value) for value in fields(event[5][0]).get(1, [])]
        steps.append((event[2][0], {value[1][0].decode(): struct.unpack("<f", value[2][0])[0] for value in values}))
    return steps


def test_the_sum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283 and crc32c(b"") == 0       # the check value of its definition


def test_a_row_is_a_point_of_each_finite_number(tmp_path):
    log = TensorBoardLog(tmp_path)
    log(ROW)
    log(ROW._replace(global_step=2**40, mean_score=math.nan, gradient_norm=1e300))
    first, second = map(fields, records(log.path)[:2])
    assert first[3] == [b"brain.Event:2"] and fields(second[7][0]) == {1: [1]}
    (step, values), (later, fewer) = scalars(log.path)
    assert (step, later) == (1000, 2**40) and values["progress/mean_score"] == -0.5
    assert set(values) == {f"progress/{name}" for name in Progress._fields[2:]}
    assert set(values) - set(fewer) == {"progress/mean_score", "progress/gradient_norm"}


def test_what_a_full_disk_refuses_is_written_later(tmp_path, monkeypatch):
    log = TensorBoardLog(tmp_path)
    monkeypatch.setattr("builtins.open", lambda *_, **__: Full())
    log(ROW)
    assert not log.path.exists()
    monkeypatch.undo()
    log(ROW._replace(global_step=2000))
    assert [step for step, _ in scalars(log.path)] == [1000, 2000]


class Full:
    def __enter__(self):
        raise OSError(28, "No space left on device")

    def __exit__(self, *_):
        return None


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """The folder of a run with --tensorboard that was resumed."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    common = ("--tensorboard", "--total-steps")
    assert program("train", "Corridor", "--workers", 1, "--hidden", 4, "--out", folder, *common, 200) == 0
    assert program("train", "--resume", folder, *common, 400) == 0
    return folder


def test_train_writes_a_file_for_each_start(resumed, capsys):
    files = sorted(resumed.glob(f"events.out.tfevents.*.{SUFFIX}"))
    assert len(files) == 2
    for file, end in zip(files, (200, 400)):
        step, values = scalars(file)[-1]
        assert end <= step < end + 20 and values["progress/updates"] > 0
    again = program("train", "Corridor", "--workers", 1, "--hidden", 4, "--out", resumed, "--total-steps", 100,
                    "--tensorboard", "--overwrite")
    assert again == 0 and len(list(resumed.glob("*tfevents*"))) == 1


def test_the_first_row_of_a_new_run_replaces_an_earlier_one(tmp_path):
    own, other = (tmp_path / f"events.out.tfevents.1.{name}" for name in (SUFFIX, "other"))
    for file in (own, other):
        file.write_text("mine")
    TensorBoardLog(tmp_path, 100)(ROW)
    log = TensorBoardLog(tmp_path)
    assert own.exists()                                                  # the run may still be refused
    log(ROW)
    log(ROW)
    assert sorted(tmp_path.iterdir()) == sorted([other, log.path]) and len(scalars(log.path)) == 2


def test_tensorboard_reads_the_files(tmp_path):
    pytest.importorskip("tensorboard", reason="pip install 'a3c_numba[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for start, steps in ((0, (100, 200)), (150, (160, 300))):
        log = TensorBoardLog(tmp_path, start)
        for step in steps:
            log(ROW._replace(global_step=step))
    read = EventAccumulator(str(tmp_path)).Reload()
    points = [(point.step, point.value) for point in read.Scalars("progress/mean_score")]
    assert points == [(100, -0.5), (160, -0.5), (300, -0.5)]             # without the 200 of the interrupted start
