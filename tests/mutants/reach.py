"""A plugin of pytest's: which test runs which line of the source, with its set-up; told in the file $REACH."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

SECONDS: dict[str, float] = {}
COVERAGE = coverage.Coverage(data_file=None, config_file=False, include=[f"{Path.cwd()}/release/*"])
COVERAGE.start()
COVERAGE.switch_context("load")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have what runs now be the test's."""
    began = time.monotonic()
    COVERAGE.switch_context(item.nodeid)
    result = yield
    SECONDS[item.nodeid] = time.monotonic() - began
    return result


def pytest_sessionfinish() -> None:
    """Write what was seen."""
    COVERAGE.stop()
    data = COVERAGE.get_data()
    lines = {
        os.path.relpath(file): {
            line: [test for test in tests if test in SECONDS] for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    assert all(Path(file).is_relative_to(Path.cwd()) for file in data.measured_files())
    Path(os.environ["REACH"]).write_text(json.dumps({"lines": lines, "seconds": SECONDS}), encoding="utf-8")
