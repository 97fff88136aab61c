"""The sandbox's token as a canary: in whatever form it turns up, the test that let it out fails (S1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from release.sandbox import Sandbox
from release.sandbox.github.records import TOKEN

LARGEST = 2**20  # bytes of a file that is looked into


def forms(secret: str) -> Iterator[str]:
    """Yield the secret as it is, URL-encoded, in hexadecimal, and in base64 wherever in a text it stands."""
    yield from (secret, quote(secret, safe=""), secret.encode().hex())
    yield "".join(f"%{each:02X}" for each in secret.encode())
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode() + b"\0" * (-(len(secret) + offset) % 3))
        yield encoded[4 if offset else 0 : -4].decode()
        yield base64.urlsafe_b64encode(base64.b64decode(encoded))[4 if offset else 0 : -4].decode()


def pattern(secret: str) -> re.Pattern[bytes]:
    """Return what finds any form of the secret."""
    return re.compile("|".join(map(re.escape, dict.fromkeys(forms(secret)))).encode())


_TOKEN = pattern(TOKEN)
seen: list[str] = []  # what the test at hand was shown so far


def leaks(*texts: str | bytes, secret: re.Pattern[bytes] = _TOKEN) -> list[str]:
    """Return where the secret is in the texts, with what stands around it."""
    found = []
    for text in texts:
        whole = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        found += [ascii(whole[max(0, each.start() - 40) : each.end() + 20]) for each in secret.finditer(whole)]
    return found


def files(folder: Path, but: Iterable[str] = ("objects",)) -> list[bytes]:
    """Return what the files below a folder hold, Git's objects aside."""
    left_out = set(but)
    paths = [path for path in folder.rglob("*") if not left_out.intersection(path.parts)]
    return [path.read_bytes() for path in paths if path.is_file() and path.stat().st_size < LARGEST]


def written(sandbox: Sandbox) -> list[bytes]:
    """Return what a call may have left: the clone and its settings, and what GitHub was sent."""
    sent = [f"{each.path}?{each.query} {each.body!r}".encode() for each in sandbox.github.requests]
    hub = sandbox.github.hub
    told = [repr(each).encode() for each in (*hub.pulls.values(), *hub.releases.values(), *hub.statuses)]
    return [*files(sandbox.work), *sent, *told]
