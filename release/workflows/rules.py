"""The inputs without which a run is green and useless."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """An input without which a run is green and useless, or worse."""

    input: str
    wanted: bool
    why: str
    hint: str


SDK = (Rule("is_release", True, "nothing is published under release/", "set sdk.inputs.is_release to true"),)
IMAGE = (
    Rule("is_release", True, "the run is green and pushes nothing", "set image.inputs.is_release to true"),
    Rule("build_base", False, "it pushes unversioned images again", "add --build-base if that is meant"),
)


def image_rules(*, build_base: bool) -> tuple[Rule, ...]:
    """Return the rules of an image run, with or without leave to push the base images again."""
    return tuple(rule for rule in IMAGE if not (build_base and rule.input == "build_base"))
