"""A stand-in for sudo, a program of its own: runs the rest as whoever runs it."""

from __future__ import annotations

import os
import sys

WITH_VALUE = ("-u", "-g", "-h", "-p", "-C", "-D", "-r", "-t", "--user", "--group", "--host", "--prompt", "--chdir")


def main(words: list[str]) -> None:
    """Run the command behind the flags and the variables."""
    while words and words[0].startswith("-"):
        flag, *words = words
        if flag == "--":
            break
        words = words[1:] if flag in WITH_VALUE else words
    while words and "=" in words[0]:
        name, _, value = words[0].partition("=")
        os.environ[name], words = value, words[1:]
    if not words:
        return
    try:
        os.execvp(words[0], words)  # noqa: S606  # nosec B606
    except OSError as error:
        sys.exit(f"sudo: {words[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[2:])
