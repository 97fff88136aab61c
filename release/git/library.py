"""GitPython, told of no Git while it loads: it asks for its version else, in two processes, and every call waits."""

from __future__ import annotations

import os

_UNASKED = {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": ""}
_given = {name: os.environ.get(name) for name in _UNASKED}
os.environ.update(_UNASKED)

import git  # noqa: E402

for _name, _value in _given.items():
    del os.environ[_name]
    if _value is not None:
        os.environ[_name] = _value

__all__ = ["git"]
