"""Types calls for a test: each is a process of its own, forked from this one, which has all that it loads.

    python forks.py NOW    # on stdin a JSON object a call: its words, its folder, the file for what it prints

Says of each its process id at once, and its exit code, of a signal a negative one, as soon as it has ended.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from invoke.main import program

import release
from release.call.context import Clock


def load() -> None:
    """Load what a call may need, and leave out what paces it for GitHub's sake."""
    for each in ("boto3", "git", "requests"):
        import_module(each)
    for module in walk_packages(release.__path__, "release."):
        if not module.name.startswith("release.sandbox"):
            import_module(module.name)
    sys.modules["release.github.http"].__dict__["WRITE_PAUSE"] = 0
    gc.freeze()


def run(words: list[str], folder: str, output: str) -> int:
    """Run the call in a session of its own, as at a terminal of its own; return its exit code."""
    os.setsid()
    os.chdir(folder)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["inv", *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        program.run(sys.argv)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001 what a process of its own prints
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def main() -> None:
    """Fork a call for each line, one after the other."""
    load()
    moved = float(sys.argv[1]) - time.time()
    Clock.now = lambda _: time.time() + moved  # type: ignore[method-assign]
    for line in sys.stdin:
        asked = json.loads(line)
        number = os.fork()
        if number == 0:
            os._exit(run(**asked))
        Path(asked["output"]).touch()
        print(number, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
