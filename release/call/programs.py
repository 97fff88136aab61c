"""Run one outside program: without a shell, with a time limit, and with what a child needs to know alone (S8, S12)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from release.errors import CouldNotTellError

OUTPUT_LIMIT = 32 * 1024 * 1024  # bytes of either stream
# Names are no standard: every word that a secret's is made of; and files by which a step speaks to Actions' runner.
_SECRET = re.compile(
    r"TOKEN|SECRET|PASS|CREDENTIAL|AUTH(?!OR)|HOOK|BEARER|COOKIE|CONNECTION_STRING|KEYS?(?:_|$)|PW$|.(?<!OLD)PWD$"
    r"|(?:^|_)(?:PAT|JWT|DSN|SAS)(?:_|$)|^AWS_|^GIT_CONFIG_|^GITHUB_(?:ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$",
    re.IGNORECASE,
)
# What a secret begins with, whatever it is called: GitHub, GitLab, Slack, PyPI, npm, AWS, a signed JWT, a key; Docker,
# Vault, Hugging Face, Google, OpenAI and Stripe; who may write to Discord or Teams; a header, a sentence, a signed URL.
_TOKEN = re.compile(
    r"gh[oprsu]_\w{16}|github_pat_|glpat-|xox[a-z]-|hooks\.slack\.com/|pypi-\w{16}|npm_\w{16}|A[KS]IA[A-Z0-9]{16}"
    r"|eyJ[\w-]+\.eyJ|PRIVATE KEY-----|\bdckr_pat_|\bhvs\.\w{16}|\bhf_\w{16}|\bAIza[\w-]{30}|\bsk[-_][\w-]{16}"
    r"|/api/webhooks/|\.webhook\.office\.com/|^(?:Bearer|Basic) |(?i:\bpassw(?:or)?d\b *[=: ])|[?&]sig="
)
# Who logs in, in a URL: in passwords that people paste there are slashes and @; what follows a port is a path.
LOGIN = r"(?:[^/\s]+|[^/\s:@]*:(?!\d+/)[^\s'\"]*)@"
_LOGIN = re.compile(f"(?<!ssh)(://){LOGIN}")


@dataclass(frozen=True)
class Ended:
    """How a program ended; a signal is a negative exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines of what it said, errors before output."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()[-10:]
        return "\n".join(lines)[-2000:]


def run_program(args: list[str], folder: Path, timeout: float, text: str = "") -> Ended:
    """Run a program in a folder, `text` on its standard input, and wait at most `timeout` seconds.

    Raises CouldNotTellError when it cannot be started, takes too long or says too much. Its whole process group ends
    with it, and its streams are files, so that a child it left behind cannot keep the caller waiting.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text.encode())
        given.seek(0)
        try:
            program = subprocess.Popen(
                [program_path(args[0]), *args[1:]],
                cwd=folder,
                env=child_environment(),
                stdin=given,
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
        return Ended(code, _text(out, args[0]), _text(err, args[0]))


def program_path(name: str) -> str:
    """Return a program's absolute path; raise CouldNotTellError when there is none of that name."""
    path = shutil.which(name)
    if path is None:
        raise CouldNotTellError(f"there is no program {name}")
    return str(Path(path).absolute())


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's variables less every secret, with `extra`: what a child of ours may see (S12).

    A URL stays without its user and password, but a proxy's: without that a child reaches nothing.
    """
    kept = {name: value for name, value in os.environ.items() if not (_SECRET.search(name) or _TOKEN.search(value))}
    shown = {name: v if name.upper().endswith("_PROXY") else _LOGIN.sub(r"\1", v) for name, v in kept.items()}
    return {**shown, **(extra or {})}


def _end_group(program: subprocess.Popen[bytes]) -> None:
    # macOS answers PermissionError for a group that only has zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def _text(stream: IO[bytes], program: str) -> str:
    stream.seek(0)
    content = stream.read(OUTPUT_LIMIT + 1)
    if len(content) > OUTPUT_LIMIT:
        raise CouldNotTellError(f"{program} said more than {OUTPUT_LIMIT} bytes")
    return content.decode("utf-8", errors="replace")
