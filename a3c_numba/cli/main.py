"""``a3c-numba COMMAND``: parse the arguments, run the command, and turn its errors into a line and an exit code.

    0      success
    1      a gradient disagrees, or the operating system refused: a full disk, no permission
    2      an argument or an input cannot be used; one line says which, and nothing was started
    3      more workers died or more updates were skipped than allowed, or an environment's own code raised
    129    the terminal was closed (SIGHUP)
    130    Ctrl-C
    141    the output pipe was closed
    143    SIGTERM

Before 3, 129, 130 and 143 a checkpoint of a started run is written, or a line says why it could not be.
"""

import os
import shlex
import signal
import sys
from argparse import Namespace
from concurrent.futures.process import BrokenProcessPool
from io import TextIOWrapper

from ..envs.make import EnvironmentFailed
from ..plots import PicturesUnavailable
from ..runs.checkpoint import CheckpointError
from ..system.advised_error import AdvisedError
from ..system.terminal import write_without_blocking
from ..system.text import one_line
from ..training.supervisor import WorkerDied
from ..training.trainer import UpdatesSkipped
from .parser import parser_for


class Terminated(BaseException):
    """Raised by SIGTERM, and by SIGHUP if the terminal was closed; its argument is the exit code."""


def _terminate(number: int, *_: object) -> None:
    raise Terminated(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)             # a shell's "&" may ignore it
    signal.signal(signal.SIGTERM, _terminate)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:      # nohup ignores it
        signal.signal(signal.SIGHUP, _terminate)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")                         # a name that its encoding lacks is no error
    if sys.stderr is None:                                               # a shell's "2>&-"
        sys.stderr = open(os.devnull, "w")
    try:
        words = sys.argv[1:] if arguments is None else arguments
        return _run(parser_for(words).parse_args(words))
    except (ValueError, ImportError, PicturesUnavailable) as error:
        return _fail(error, 2)
    except BrokenPipeError:                                              # the reader, such as head, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # or the flush at exit would fail again
        return 141
    except OSError as error:
        return _fail(error, 1)
    except (WorkerDied, BrokenProcessPool, UpdatesSkipped, EnvironmentFailed) as error:
        return _fail(error, 3)
    except KeyboardInterrupt:
        return 130
    except Terminated as end:
        return int(end.args[0])


def _run(parsed: Namespace) -> int:
    """Run the command; raise EnvironmentFailed for an exception of an environment's own code."""
    try:
        return parsed.run(parsed)
    except Exception as error:
        raised = error.__cause__ if isinstance(error, CheckpointError) else error
        name = getattr(raised, "environment", None)                      # signed by EpisodeEnv, or as it was made
        if raised and name:
            raise EnvironmentFailed.by(name, raised) from raised
        if isinstance(error, CheckpointError) and error.needs_env and "env" in parsed:
            in_train = parsed.command == "train"
            words = f"in train ENV --resume {shlex.quote(parsed.resume)}" if in_train else "with --env ENV"
            if parsed.env is not None:                                   # an argument looks like a module's name, too
                raise CheckpointError(error.reason, "give its --env-kwargs, too") from None
            raise CheckpointError(error.reason, f"name it {words}") from None        # in place of Python's words
        raise


def _fail(error: BaseException, code: int) -> int:
    said = error.typed if isinstance(error, AdvisedError) else str(error)
    text = said if isinstance(error, WorkerDied) else one_line(said)     # it has a traceback
    write_without_blocking(f"a3c-numba: error: {text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
