"""Which comparisons ask whether a component may be released on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from release.errors import Usage
from release.settings import Component

COMMIT = ""
"""In a pair: the commit to release, instead of a component's last release in the line."""


@dataclass(frozen=True)
class Pair:
    """Ask one thing: does `owner`'s interface at `after` still have everything it had at `before`.

    Each moment is COMMIT or the name of the component whose last release in the line is meant.
    """

    owner: Component
    question: str
    before: str
    after: str


def pairs(name: str, components: Mapping[str, Component]) -> tuple[Pair, ...]:
    """Decide which comparisons the release of one component needs; raises Usage for an unknown name.

    Its own interface; what it consumes, as released, against what the commit was written for; and its interface
    against what each released consumer was written for.
    """
    if name not in components:
        raise Usage(f"there is no component {name!r}", f"one of: {', '.join(sorted(components))}")
    component = components[name]
    asked = [Pair(component, f"does {name} keep what it released?", name, COMMIT)]
    for consumed in component.consumes:
        question = f"does the released {consumed} have what {name} at the commit was written for?"
        asked.append(Pair(components[consumed], question, COMMIT, consumed))
    for consumer in components.values():
        if name in consumer.consumes:
            question = f"does {name} keep what the released {consumer.name} was written for?"
            asked.append(Pair(component, question, consumer.name, COMMIT))
    return tuple(asked)
