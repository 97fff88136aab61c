"""What each tag of a line released: a component alone, or everything together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from release.blobs import objects
from release.lines import TAGS
from release.versions import Line, line_of, released_versions

if TYPE_CHECKING:
    import semver

    from release.refs import RemoteRef
    from release.repo import Repo
    from release.world import World

COMPONENT, ACCEPTED = "Component", "Accepted"
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): *(\S.*)")
_SIGNATURE = re.compile(r"^-----BEGIN [A-Z ]+-----$.*", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Tagged:
    """One version's tag; `components` is empty for a coordinated release, which is of all of them.

    `accepted` is why the component was released although the gate did not open.
    """

    version: semver.Version
    ref: RemoteRef
    components: tuple[str, ...] = ()
    accepted: str = ""

    def has(self, name: str) -> bool:
        """Whether the component was released by it."""
        return not self.components or name in self.components

    @property
    def what(self) -> str:
        """Say what it released."""
        return " and ".join(self.components) or "everything together"


def tagged(world: World, line: Line) -> list[Tagged]:
    """Return the line's tags on the remote, lowest version first."""
    refs = {ref.name.removeprefix(TAGS): ref for ref in world.repo.remote_tags(f"{line}.")}
    versions = released_versions(refs)
    ordered = [refs[str(version)] for version in versions]
    world.repo.need_objects([ref for ref in ordered if ref.target != ref.sha])
    found = zip(versions, ordered, messages(world.repo, ordered), strict=True)
    return [_told(version, ref, message) for version, ref, message in found]


def tagged_as(world: World, version: semver.Version) -> Tagged | None:
    """Return the version's tag on the remote, or None."""
    return next((each for each in tagged(world, line_of(version)) if each.version == version), None)


def last_release(found: Sequence[Tagged], name: str) -> Tagged | None:
    """Return the component's highest release among the tags, pre-releases left out, or None."""
    return next((each for each in reversed(found) if each.has(name) and not each.version.prerelease), None)


def messages(repo: Repo, refs: Sequence[RemoteRef]) -> list[str]:
    """Return each tag's own message; a lightweight tag has none (its commit's message is not about the tag)."""
    annotated = list(dict.fromkeys(ref.target for ref in refs if ref.target != ref.sha))
    texts = {}
    for target, content in zip(annotated, objects(repo, annotated), strict=True):
        texts[target] = content.decode("utf-8", "replace").partition("\n\n")[2]
    return [texts.get(ref.target, "") for ref in refs]


def trailers(message: str) -> dict[str, list[str]]:
    """Return the trailers of a message, git-interpret-trailers(1): lines `Name: text` that are its last paragraph."""
    paragraphs = re.split(r"\n[ \t]*\n", _SIGNATURE.sub("", message).strip())
    found = [_TRAILER.fullmatch(line.rstrip()) for line in paragraphs[-1].splitlines()]
    if len(paragraphs) < 2 or not all(found):
        return {}
    texts: dict[str, list[str]] = {}
    for each in found:
        if each:
            texts.setdefault(each[1], []).append(each[2])
    return texts


def tag_message(version: semver.Version, name: str, verdict: str, accepted: str) -> str:
    """Return the message of a tag that releases one component; `tagged` reads it back."""
    lines = [f"Release {name} {version} alone", "", verdict, "", f"{COMPONENT}: {name}"]
    return "\n".join([*lines, *([f"{ACCEPTED}: {accepted}"] if accepted else [])])


def notes_of(found: Tagged | None) -> str:
    """Return what the GitHub Release says above its notes: nothing for a coordinated release."""
    if found is None or not found.components:
        return ""
    accepted = f"\n\nThe gate did not open; accepted: {found.accepted}" if found.accepted else ""
    return f"Only {found.what} is released here, not the other components of {line_of(found.version)}.{accepted}\n\n"


def _told(version: semver.Version, ref: RemoteRef, message: str) -> Tagged:
    found = trailers(message)
    return Tagged(version, ref, tuple(found.get(COMPONENT, [])), " ".join(found.get(ACCEPTED, [])))
