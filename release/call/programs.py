"""Run one outside program with a time limit, without a shell and without credentials in its environment."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import CouldNotTellError

if TYPE_CHECKING:
    from typing import IO

OUTPUT_LIMIT = 32 * 1024 * 1024  # bytes of either stream
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|^AWS_|_KEY$|^GIT_CONFIG_", re.IGNORECASE)


@dataclass(frozen=True)
class Finished:
    """How a program ended; a signal is a negative exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines of what it said, errors before output."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()[-10:]
        return "\n".join(lines)[-2000:]


def finished(args: list[str], folder: Path, timeout: float) -> Finished:
    """Run a program in a folder and wait at most `timeout` seconds.

    Raises CouldNotTellError when it cannot be started, takes too long or says too much. Its whole process group ends
    with it, and its output goes to files, so that a child it left behind cannot keep the caller waiting.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            program = subprocess.Popen(
                [found_program(args[0]), *args[1:]],
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise CouldNotTellError(f"{args[0]} cannot be run: {error}") from error
        try:
            code = program.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise CouldNotTellError(f"{args[0]} did not end within {timeout:g} s") from error
        finally:
            _end_group(program)
        return Finished(code, _text(out, args[0]), _text(err, args[0]))


def found_program(name: str) -> str:
    """Give a program's absolute path; raises CouldNotTellError when there is none of that name."""
    path = shutil.which(name)
    if path is None:
        raise CouldNotTellError(f"there is no program {name}")
    return str(Path(path).absolute())


def _end_group(program: subprocess.Popen[bytes]) -> None:
    # macOS answers PermissionError for a group that only has zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not _SECRET.search(name)}


def _text(stream: IO[bytes], program: str) -> str:
    stream.seek(0)
    content = stream.read(OUTPUT_LIMIT + 1)
    if len(content) > OUTPUT_LIMIT:
        raise CouldNotTellError(f"{program} said more than {OUTPUT_LIMIT} bytes")
    return content.decode("utf-8", errors="replace")
