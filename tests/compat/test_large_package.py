"""The two newest releases of a large real package; only with `-m long`, since it downloads them."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from release.compat.interfaces import compare
from release.compat.verdicts import Verdict
from release.settings import Component

pytestmark = pytest.mark.long


def releases(package: str, folder: Path) -> list[dict[str, bytes]]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    listed = subprocess.run([*pip, "index", "versions", package], check=True, capture_output=True, text=True).stdout
    newest = listed.split("Available versions:")[1].split("\n")[0].split(",")[:2]
    found = []
    for version in reversed([version.strip() for version in newest]):
        place = folder / version
        wanted = f"{package}=={version}"
        subprocess.run([*pip, "download", "-q", "--no-deps", "-d", str(place), wanted], check=True, capture_output=True)
        with zipfile.ZipFile(next(place.glob("*.whl"))) as wheel:
            names = [name for name in wheel.namelist() if name.startswith(f"{package}/")]
            found.append({f"sdk/{name}": wheel.read(name) for name in names})
    return found


@pytest.mark.parametrize("package", ["boto3", "requests", "botocore"])
def test_a_large_package(
    package: str, tmp_path: Path, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    if "long" not in request.config.getoption("-m"):
        pytest.skip("selected with -m long")
    before, after = releases(package, tmp_path)
    sdk = Component("sdk", "sdk", "python", f"sdk/{package}")
    started = time.perf_counter()
    found = compare(sdk, before, after)
    record_property("seconds", round(time.perf_counter() - started, 2))
    record_property("peak_kib", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert found.changes or found.verdict is Verdict.COMPATIBLE, found.why
    emptied = {path: b"" if "session" in path else content for path, content in after.items()}
    assert compare(sdk, before, emptied).verdict is Verdict.INCOMPATIBLE
