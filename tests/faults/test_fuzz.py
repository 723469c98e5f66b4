"""Checkpoints made by chance or by malice: loading one gives a checkpoint or a CheckpointError, whatever is in the
file; nothing is executed or imported, and no more memory is taken than the file's size allows.

The files are loaded by a process of its own, whose address space is limited and which Python tells (audit hooks) of
whatever is executed, imported, opened or started.
"""

import copy
import io
import itertools
import json
import os
import random
import re
import resource
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.core.networks import MLP
from a3c_numba.envs import make as envs
from a3c_numba.runs.checkpoint import CheckpointError, load_fitting, save
from tests.runs.test_checkpoint import OWN, VALUE, some

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
ROOM = 512 * 2**20             # bytes of address space for all loading together
PEAK = 2 * 2**20               # bytes that loading one file may take, besides 100 for each byte of the file
TRAP = "fuzz_trap"             # a module that must not be imported; its text is a file of this name
FORBIDDEN = {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "exec",
             "compile", "socket.connect", "socket.bind", "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir"}

NUMBERS = [0, 1, -1, 2, 7, 10**9, 2**31, 2**62, 2**63, 2**64, -2**63, 10**18, 10**400, 0.5, -0.0, 1e-320, 1e308,
           float("nan"), float("inf"), float("-inf")]
TEXTS = ["", "x", "x" * 5000, f"{TRAP}:Env-v0", f"{TRAP}:PongNoFrameskip-v4", f"{TRAP}.inner:Env", "a:b:c", ".x:E", ":",
         "Catch", "Aim", "CartPole-v1", "CartPole-v0", "Corridor-v1", "MLP", "mlp", "convolutional", "n_step_q", "a3c",
         "momentum_sgd", "local_rmsprop", "orthogonal", "\x1b[2J\x07", "\ud800", "\0", "a\nb", "__class__", "PCG64",
         "MT19937", "0.1:1", "../../x", "%s%n{0}"]
SHAPES = [[], [1], [2, 2], [-1], [0], [2**20, 2**20, 2**20], [10**9, "a"], ["a"], "ab", [1.0], [True], [10**400] * 50,
          [[2]], [None], {"0": 1}]


DEEP = {'"<<3>>"': "[" * 3 + "]" * 3, '"<<100>>"': '{"a":' * 100 + "0" + "}" * 100, '"<<900>>"': "[" * 900 + "]" * 900}


def json_of(meta):
    """As bytes; the texts of DEEP become levels."""
    text = json.dumps(meta)
    for name, levels in DEEP.items():
        text = text.replace(name, levels)[:200_000]
    return text.encode()


def anything(rng):
    """A value that JSON can say."""
    group = rng.choice([NUMBERS, TEXTS, SHAPES, [None, True, False, [], {}, [{}], [[]], {"name": "a3c"}],
                        [name.strip('"') for name in DEEP]])
    value = rng.choice(group)
    return copy.deepcopy(value) if rng.random() < 0.9 else [value] * rng.choice([1, 2, 100])


def places(x):
    """Every (container, key) of a JSON value."""
    items = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ()
    for key, child in items:
        yield x, key
        yield from places(child)


class Mutations:
    """Ways to spoil a file; each takes a file's bytes and gives another's."""

    def __init__(self, whole, rng):
        self.whole, self.rng = whole, rng
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.meta = json.loads(np.load(io.BytesIO(whole))["meta"].tobytes())

    def flips(self):
        """Bits, anywhere."""
        spoiled = bytearray(self.whole)
        for _ in range(self.rng.choice([1, 1, 2, 8, 100])):
            spoiled[self.rng.randrange(len(spoiled))] ^= 1 << self.rng.randrange(8)
        return bytes(spoiled)

    def cut(self):
        """The beginning, the end, or all but a piece."""
        a, b = sorted(self.rng.randrange(len(self.whole) + 1) for _ in range(2))
        return self.rng.choice([self.whole[:a], self.whole[a:], self.whole[:a] + self.whole[b:]])

    def insert(self):
        """Bytes of the file itself, or of chance, or zeros, in between or over others."""
        a, b = sorted(self.rng.randrange(len(self.whole) + 1) for _ in range(2))
        piece = self.rng.choice([self.whole[a:b], self.rng.randbytes(self.rng.randrange(1, 300)), bytes(b - a)])
        at = self.rng.randrange(len(self.whole) + 1)
        return self.whole[:at] + piece + self.whole[at + self.rng.choice([0, len(piece)]):]

    def tables(self):
        """A number in one of the zip's own records: sizes, places, methods, flags, counts."""
        spoiled = bytearray(self.whole)
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            mark = self.rng.choice([b"PK\3\4", b"PK\1\2", b"PK\1\2", b"PK\5\6"])
            found = [match.start() for match in re.finditer(re.escape(mark), spoiled)]
            if not found:
                continue
            at, width = self.rng.choice(found) + self.rng.randrange(4, 46), self.rng.choice([1, 2, 4, 8])
            number = self.rng.choice([0, 1, 8, 12, 14, 2**7, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1])
            spoiled[at:at + width] = (number % 2**(8 * width)).to_bytes(width, "little")
        return bytes(spoiled)

    def records(self):
        """One of the zip's records a second time, or away, or one of Zip64's before the end."""
        marks = [match.start() for match in re.finditer(b"PK[\1\3\5]", self.whole)]
        a, b = sorted(self.rng.choices([*marks, len(self.whole)], k=2))
        sizes = [self.rng.choice([0, 1, 4, len(self.whole), 2**32, 2**63 - 1, 2**64 - 1]) for _ in range(4)]
        end = b"PK\6\6" + (44).to_bytes(8, "little") + bytes(12) + b"".join(n.to_bytes(8, "little") for n in sizes)
        locator = b"PK\6\7" + bytes(4) + marks[-1].to_bytes(8, "little") + (1).to_bytes(4, "little")
        zip64 = self.whole[:marks[-1]] + end + locator + self.whole[marks[-1]:]
        return self.rng.choice([self.whole[:a] + self.whole[b:], self.whole[:b] + self.whole[a:], zip64])

    def texts(self):
        """The JSON text: values of other types and sizes, missing and new ones."""
        meta = copy.deepcopy(self.meta)
        for _ in range(self.rng.choice([1, 1, 1, 2, 5])):
            container, key = self.rng.choice(list(places(meta)))
            action = self.rng.random()
            if action < 0.8:
                container[key] = anything(self.rng)
            elif action < 0.9:
                del container[key]
            elif isinstance(container, dict):
                container[self.rng.choice(TEXTS)] = anything(self.rng)
        return self.with_text(json_of(meta))

    def settings(self):
        """A number in the configuration."""
        meta = copy.deepcopy(self.meta)
        numbers = [(part, key) for part, key in places(meta["config"]) if isinstance(part[key], (int, float))]
        container, key = self.rng.choice(numbers)
        container[key] = self.rng.choice([*NUMBERS, self.rng.randrange(1000), self.rng.randrange(10**6), True])
        return self.with_text(json_of(meta))

    def broken_texts(self):
        """The JSON text, spoiled as text."""
        text = json.dumps(self.meta).encode()
        at, n = self.rng.randrange(len(text)), self.rng.choice([1, 10, 1000, 50_000])
        piece = self.rng.choice([b"[", b'{"a":', b"]", b"9", b"-", b'"', b"\\", b"\xff", b"NaN,", b"\0", b"1e", b"[],"])
        return self.with_text(self.rng.choice([text[:at] + piece * n + text[at + 1:], piece * n, text[:at]]))

    def headers(self):
        """The header of an array: other types, sizes, orders and versions, and what is no header."""
        kind = self.rng.choice(["'<f4'", "'|u1'", "'<f8'", "'>f4'", "'|O'", "'<U9'", "'|V8'", "'<M8[s]'",
                                "'<f4', 'a': 1", "[('a', '<f4', (2, 2))]", "__import__('os')", "(" * 200, "-" * 5000])
        shape = self.rng.choice(["(3,)", "(2**40,)", "(1099511627776,)", "(-1,)", "()", "(2, 3)", "(0,)", "3", "(3.0,)",
                                 "(9" + "9" * 400 + ",)", "((3,),)", "(True,)", "(" * 3000])
        text = f"{{'descr': {kind}, 'fortran_order': {self.rng.choice(['False', 'True', '0'])}, 'shape': {shape}, }}"
        length = self.rng.choice([len(text) + 1, len(text) + 1, 0, 2**16 - 1]).to_bytes(2, "little")
        version = self.rng.choice([b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\0\1"])
        name, content = self.rng.choice(list(self.members.items()))
        spoiled = b"\x93NUMPY" + version + length + text.encode() + b"\n" + content[128:]
        return archive_of({**self.members, name: spoiled}.items())

    def archives(self):
        """Members twice, renamed, missing, new, compressed, encrypted by name only."""
        rng, items = self.rng, list(self.members.items())
        name, content = rng.choice(items)
        method = rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
        other = rng.choice(["../theta.npy", "/meta.npy", "a/theta.npy", "theta", "meta.npy.npy", "theta.npy/", " ",
                            "x" * 300, "y.npy", "\u0442heta.npy", "theta.npy\0.npy", "target.npy", "statistics.npy"])
        return rng.choice([
            lambda: archive_of([*items, (name, rng.choice(items)[1])]),
            lambda: archive_of([(other if key == name else key, value) for key, value in items]),
            lambda: archive_of([item for item in items if item[0] != name]),
            lambda: archive_of([*items, (other, content)]),
            lambda: archive_of([*items] * 20),
            lambda: archive_of([(key, OBJECTS if key == name else value) for key, value in items]),
            lambda: archive_of(items, method),
            lambda: archive_of([(key, content[:128] + bytes(10**6) if key == name else value) for key, value in items],
                               zipfile.ZIP_DEFLATED),
        ])()

    def with_text(self, text):
        """The file with another JSON text, everything else in order."""
        return archive_of({**self.members, "meta.npy": npy(np.frombuffer(text, np.uint8))}.items())


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Bomb:
    """What unpickling would execute."""

    def __reduce__(self):
        return os.system, (f"echo executed > {TRAP}",)


OBJECTS = npy(np.array([Bomb()], object))
WAYS = [name for name in vars(Mutations) if name not in ("with_text",) and not name.startswith("_")]


def archive_of(items, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, np.testing.suppress_warnings() as quiet:
        quiet.filter(UserWarning)                                        # of two members with one name
        for name, content in items:
            archive.writestr(name, content)
    return file.getvalue()


class Watchman:
    """Notes whatever Python says that a load did and must not do."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if not self.on:
            return
        flags = arguments[2] if event == "open" else None
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in FORBIDDEN or event == "import" and str(arguments[0]).startswith(TRAP):
            self.seen.append(f"{event} {str(arguments)[:200]}")


def causes(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def judge(path, watchman):
    """Load the file; what was wrong with that, or None, and whether it was loaded."""
    tracemalloc.reset_peak()
    before, wrong, loaded = tracemalloc.get_traced_memory()[0], [], None
    watchman.seen, watchman.on = [], True
    try:
        loaded = load_fitting(path)
    except CheckpointError as error:
        line = str(error)
        if str(path) not in line or not line.isprintable() or len(line) > 700:
            wrong.append(f"says {line!r}")
        if any(isinstance(cause, MemoryError) for cause in causes(error)):
            wrong.append("asked for more memory than there is")
    except BaseException as error:
        wrong.append(f"{type(error).__name__}: {error}")
    watchman.on = False
    taken = tracemalloc.get_traced_memory()[1] - before
    if taken > PEAK + 100 * path.stat().st_size:
        wrong.append(f"took {taken:,} bytes")
    if loaded and not (np.isfinite(loaded.theta).all() and isinstance(loaded.config.env, str)):
        wrong.append("loaded what is no checkpoint")
    return "; ".join(wrong + watchman.seen) or None, loaded is not None, taken


def bases(folder):
    """Small files of several kinds, as bytes."""
    kinds = [{"env_kwargs": {"length": 4, "truncates": True}}, VALUE | OWN,
             VALUE | {"network": MLP(hidden=2, recurrent=True, cells=3)}]
    for number, parts in enumerate(kinds):
        save(folder / f"{number}.npz", some(**parts))
        yield (folder / f"{number}.npz").read_bytes()


def main(count, seed, folder):
    """Spoil and load that many files; prints what came of it as JSON, and ends with 1 at the first that went wrong."""
    folder, rng, watchman = Path(folder), random.Random(seed), Watchman()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    Path(f"{TRAP}.py").write_text(f"open({TRAP!r}, 'w').close()\n")
    mutations = [Mutations(whole, rng) for whole in bases(folder)]
    for whole in [mutation.whole for mutation in mutations] + [archive_of([("\u00e9", b"")])]:
        (folder / "fuzz.npz").write_bytes(whole)
        judge_once(folder / "fuzz.npz")
    tracemalloc.start()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    loaded, largest = dict.fromkeys(WAYS, 0), 0
    for number, way in zip(range(count), itertools.cycle(WAYS)):
        (folder / "fuzz.npz").unlink()                                   # some file systems flush what is written over
        (folder / "fuzz.npz").write_bytes(getattr(rng.choice(mutations), way)())
        wrong, whole, taken = judge(folder / "fuzz.npz", watchman)
        loaded[way], largest = loaded[way] + whole, max(largest, taken)
        if wrong or Path(TRAP).exists():
            sys.exit(f"file {number} of seed {seed}, {way}, kept as fuzz.npz: {wrong or 'executed'}")
    print(json.dumps({"files": count, "loaded": loaded, "largest": largest}))


def judge_once(path):
    """Have everything imported that making environments, and reading names of other encodings, imports."""
    for env in ("ALE/Pong-v5", "CartPole-v1", "CartPole-v0", "Acrobot-v1", "nothing", "a:b:c"):
        try:
            envs.make(env).close()
        except Exception:
            continue
    "\u00e9".encode("cp437")
    try:
        load_fitting(path)
    except CheckpointError:
        return


def fuzzed(folder, count, seed, timeout):
    """What the process says that loads the files; it is killed when it hangs."""
    arguments = [sys.executable, "-m", "tests.faults.test_fuzz", str(count), str(seed), str(folder)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    run = subprocess.run(arguments, cwd=ROOT, env=environment, timeout=timeout, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    result = json.loads(run.stdout)
    assert result["files"] == count and set(result["loaded"]) == set(WAYS)
    return result


@pytest.mark.long
def test_thousands_of_spoiled_files_are_refused_or_loaded(tmp_path):
    """Some are loaded: the mutations reach beyond the first check.  Most are not."""
    loaded = fuzzed(tmp_path, 2000, 1, 300)["loaded"]
    assert 0 < sum(loaded.values()) < 1000


@pytest.mark.slow
def test_a_hundred_thousand_spoiled_files(tmp_path):
    result = fuzzed(tmp_path, 100_000, 2, 3600)
    assert 0 < sum(result["loaded"].values()) < 70_000


def test_the_watchman_hears_what_is_executed(tmp_path):
    """Unpickling the very bytes that the files carry is seen: that nothing was seen elsewhere says something."""
    program = ("import numpy, pickle, io; from tests.faults import test_fuzz as f; w = f.Watchman(); w.on = True\n"
               "assert isinstance(pickle.dumps(f.Bomb()), bytes) and not w.seen\n"
               "try: numpy.load(io.BytesIO(f.OBJECTS), allow_pickle=True)\n"
               "finally: w.on = False\n"
               "print(w.seen)")
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                         capture_output=True, text=True, timeout=300)
    assert "pickle.find_class" in run.stdout and "os.system" in run.stdout and (tmp_path / TRAP).exists(), run.stderr


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
