"""Real patch releases of pure Python packages that broke nobody: they should pass."""

from __future__ import annotations

from collections.abc import Iterator

from python_package import fault, verdict
from sources import wheel

RELEASES = """
fastapi 0.110.0 0.110.1, fastapi 0.115.0 0.115.1, packaging 24.0 24.1, httpx 0.27.0 0.27.1, click 8.1.2 8.1.3,
flask 2.1.1 2.1.2, requests 2.32.2 2.32.3, rich 13.7.0 13.7.1, idna 3.6 3.7, starlette 0.37.1 0.37.2,
itsdangerous 2.1.1 2.1.2, tqdm 4.66.3 4.66.4, certifi 2024.6.2 2024.7.4, platformdirs 4.2.1 4.2.2,
filelock 3.15.3 3.15.4, typer 0.12.2 0.12.3, uvicorn 0.27.0 0.27.1, tomlkit 0.12.3 0.12.4
"""
BREAKING = "werkzeug 3.0.2 3.0.3, urllib3 2.2.1 2.2.2"  # patches by their numbers: a public signature asks for more


def cases() -> Iterator[tuple[str, str]]:
    """Compare each release with the one before it."""
    for releases, breaks in ((RELEASES, False), (BREAKING, True)):
        for release in releases.split(","):
            package, old, new = release.split()
            found = verdict(package, wheel(package, old), wheel(package, new))
            yield f"{package} {old} {new}", fault(found, breaks=breaks)
