"""The settings that come from variables of the environment, and what is wrong with those given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from release.errors import Usage
from release.settings import DEFAULTS
from release.settings.values import TEXTS, WORDS


def check_environment(environment: Mapping[str, str], config: Mapping[str, Any] | None = None) -> None:
    """Raise Usage for an INVOKE_… variable that has no effect, or that invoke would misread or crash on (F28).

    Which inputs there are is known with `config` alone. A variable of another collection's passes, unless its name
    is all but one of ours.
    """
    known = _variables(DEFAULTS if config is None else config)
    for name in (name for name in environment if name.upper().startswith("INVOKE_")):
        if name in known:
            _check_variable(name, environment[name], *known[name])
        elif not (config is None and re.match("INVOKE_(SDK|IMAGE)_INPUTS_", name)):
            ours = name.upper().startswith(tuple(f"INVOKE_{section}_".upper() for section in DEFAULTS))
            near = get_close_matches(name.upper(), known, 1, 0.0 if ours else 0.9)
            if near:
                raise Usage(f"{name} is no setting's variable: it would have no effect", f"did you mean {near[0]}?")


def _variables(config: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return the variables there are, each with its setting's key and value: those of the defaults, and each input."""
    parts = {(section, key): value for section, keys in DEFAULTS.items() for key, value in keys.items()}
    given = {
        (section, "inputs", name): value
        for section, keys in DEFAULTS.items()
        for name, value in ((config.get(section) or {}).get("inputs") or keys.get("inputs", {})).items()
    }
    return {"_".join(("invoke", *path)).upper(): (".".join(path), value) for path, value in (parts | given).items()}


def _check_variable(name: str, text: str, key: str, value: Any) -> None:
    kind = type(value)
    if kind in (list, dict):
        raise Usage(f"{name}: {WORDS.get(kind, TEXTS)} cannot come from the environment", f"Set {key} in invoke.yaml.")
    if kind is bool and text not in ("", "0", "1"):
        raise Usage(f"{name} is {text!r}", "It must be 1 for true, or 0 or empty for false.")
    if kind in (int, float) and not text.replace(".", "", int(kind is float)).isdecimal():
        raise Usage(f"{name} is {text!r}", f"It must be a number, like {value!r}.")
