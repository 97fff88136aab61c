"""The tags of versions: where they are, what each released, who signed it, and the push of a new one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import semver

from release.call.context import Context
from release.errors import Conflict, Failed, Usage
from release.git.fetch import need_objects
from release.git.lines import burned_versions
from release.git.refs import TAGS, Push, RemoteRef, branch_ref, brief, short_name
from release.git.repository import Repository, repository
from release.git.snapshot import remote, trunk
from release.git.withdrawals import check_not_withdrawn
from release.versions import Line, line_of, released_versions

COMPONENT, ACCEPTED = "Component", "Accepted"
ALLOWED = "gpg.ssh.allowedSignersFile"
MARKS = {"-----BEGIN SSH SIGNATURE": "SSH", "-----BEGIN PGP ": "GPG", "-----BEGIN SIGNED MESSAGE": "X.509"}
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): *(\S.*)")
_WRITER = re.compile(r"^(?:tagger|committer) .*> ([0-9]{1,11}) [+-][0-9]{4}$", re.MULTILINE)
_SIGNATURE = re.compile(r"^-----BEGIN [A-Z ]+-----$.*", re.MULTILINE | re.DOTALL)


def tag_at(context: Context, version: semver.Version, sha: str) -> RemoteRef | None:
    """Return the remote's tag when it is at the commit, None when there is none; raise Conflict elsewhere (F12)."""
    found = remote(context).tag(str(version))
    if found and found.sha != sha:
        problem = f"tag {version} is at {found.sha[:9]}, not at {brief(sha)}; a tag is never moved"
        raise Conflict(problem, f"Take the next version: inv release.next --line {line_of(version)}")
    return found


def needed_tag(context: Context, version: semver.Version) -> RemoteRef:
    """Return the remote's tag of the version; raise Usage when there is none, Conflict for one that was given up."""
    found = remote(context).tag(str(version))
    if found is None:
        check_not_withdrawn(context, version)
        raise Usage(f"there is no tag {version}", f"Tag it: inv release.tag --version {version}")
    return found


def rival_versions(context: Context, version: semver.Version, sha: str) -> list[semver.Version]:
    """Return the other versions at the commit that released everything there: a pre-release or a component does not."""
    names = map(short_name, remote(context).tags_at(sha))
    burned = burned_versions(context)
    finals = (each for each in released_versions(names) if not each.prerelease and each not in burned)
    others = (each for each in finals if each != version)
    told = (tagged_release(context, each) for each in others)
    return [each.version for each in told if each and not each.components]


def trunk_sha(context: Context) -> str:
    """Return the commit at the trunk's head on the remote; raise Usage when there is no such branch."""
    sha = remote(context).head_sha(trunk(context))
    if sha is None:
        raise Usage(f"the remote has no branch {trunk(context)}", "Set release.trunk in invoke.yaml.")
    return sha


def trunk_ref(context: Context) -> RemoteRef:
    """Return the trunk as the remote has it; raises as `trunk_sha` does."""
    return branch_ref(trunk(context), trunk_sha(context))


def push_tag(
    context: Context, version: semver.Version, sha: str, *also: Push, message: str = "", sign: bool = False
) -> None:
    """Write the annotated tag and push it, with what belongs to it in the same push (F5)."""
    repo = repository(context)
    repo.need_commit(sha)
    before = repo.local_tag(str(version))
    target = repo.make_tag(str(version), sha, message or f"Release {version}", sign)
    made = RemoteRef(f"{TAGS}{version}", sha, target)
    if before is None:  # here only once it is there: what a refused or killed call leaves is in the way (F33)
        repo.delete_local_tag(made)
    repo.push([*also, Push(made.name, target)])
    if before is None:
        repo.keep_tag(made)


@dataclass(frozen=True)
class TaggedRelease:
    """One version's tag and what it released."""

    version: semver.Version
    ref: RemoteRef
    components: tuple[str, ...] = ()  # empty for a coordinated release, which is of all of them
    accepted: str = ""  # why the component was released although the gate did not open
    at: str = ""  # when it was tagged; of a lightweight tag nobody knows

    def has(self, name: str) -> bool:
        """Whether the component was released by it."""
        return not self.components or name in self.components

    @property
    def what(self) -> str:
        """Say what it released."""
        return " and ".join(self.components) or "everything together"


def tagged_releases(context: Context, line: Line) -> list[TaggedRelease]:
    """Return the line's tags on the remote, lowest version first."""
    repo, refs = repository(context), {short_name(ref): ref for ref in remote(context).tags(f"{line}.")}
    versions = released_versions(refs)
    ordered = [refs[str(version)] for version in versions]
    need_objects(repo, [ref for ref in ordered if ref.target != ref.sha])
    texts = tag_texts(repo, ordered)
    told = [trailers(_message(text)) for text in texts]
    return [
        TaggedRelease(version, ref, tuple(said.get(COMPONENT, [])), "; ".join(said.get(ACCEPTED, [])), written_at(text))
        for version, ref, said, text in zip(versions, ordered, told, texts, strict=True)
    ]


def tagged_release(context: Context, version: semver.Version) -> TaggedRelease | None:
    """Return the version's tag on the remote, or None."""
    return next((each for each in tagged_releases(context, line_of(version)) if each.version == version), None)


def last_release(found: Sequence[TaggedRelease], name: str) -> TaggedRelease | None:
    """Return the component's highest release among the tags, pre-releases left out, or None."""
    return next((each for each in reversed(found) if each.has(name) and not each.version.prerelease), None)


def tag_messages(repo: Repository, refs: Sequence[RemoteRef]) -> list[str]:
    """Return each tag's own message; a lightweight tag has none (its commit's message is not about the tag)."""
    return [_message(text) for text in tag_texts(repo, refs)]


def tag_texts(repo: Repository, refs: Sequence[RemoteRef]) -> list[str]:
    """Return each tag object's own text, header and message; a lightweight tag has none."""
    annotated = list(dict.fromkeys(ref.target for ref in refs if ref.target != ref.sha))
    contents = [content.decode("utf-8", "replace") for content in repo.store.contents(annotated)]
    texts = dict(zip(annotated, contents, strict=True))
    return [texts.get(ref.target, "") for ref in refs]


def _message(text: str) -> str:
    return text.partition("\n\n")[2]


def written_at(text: str) -> str:
    """Return when the tag or commit of this text was made, in UTC; nothing where its header does not tell."""
    found = _WRITER.search(text.partition("\n\n")[0])
    return datetime.fromtimestamp(int(found[1]), timezone.utc).isoformat() if found else ""


def trailers(message: str) -> dict[str, list[str]]:
    """Return the trailers of a message, git-interpret-trailers(1): lines `Name: text` that are its last paragraph."""
    paragraphs = re.split(r"\n[ \t]*\n", _SIGNATURE.sub("", message).strip())
    found = [_TRAILER.fullmatch(line.rstrip()) for line in paragraphs[-1].splitlines()]
    if len(paragraphs) < 2 or not all(found):
        return {}
    pairs = [(each[1], each[2]) for each in found if each]
    return {name: [text for other, text in pairs if other == name] for name, _ in pairs}


def tag_message(version: semver.Version, name: str, verdict: str, accepted: str) -> str:
    """Return the message of a tag that releases one component; `tagged_releases` reads it back."""
    text = f"Release {name} {version} alone\n\n{verdict}\n\n{COMPONENT}: {name}"
    return f"{text}\n{ACCEPTED}: {accepted}" if accepted else text


def release_message(version: semver.Version, accepted: Sequence[str]) -> str:
    """Return the message of a tag that releases everything although a gate was shut; `tagged_releases` reads it."""
    return "\n".join([f"Release {version}", "", *(f"{ACCEPTED}: {each}" for each in accepted)])


def release_scope(found: TaggedRelease | None) -> str:
    """Return what the GitHub Release says above its notes: of a coordinated release, why a shut gate was passed."""
    if found is None or not found.components:
        return f"A gate was shut; accepted: {found.accepted}\n\n" if found and found.accepted else ""
    accepted = f"\n\nThe gate did not open; accepted: {found.accepted}" if found.accepted else ""
    return f"Only {found.what} is released here, not the other components of {line_of(found.version)}.{accepted}\n\n"


@dataclass(frozen=True)
class Signature:
    """What there is to say of a tag's signature; `good` is None where nothing here can tell."""

    kind: str
    good: bool | None
    says: str


def signature(repo: Repository, tag: RemoteRef) -> Signature | None:
    """Return the signature of an annotated tag, fetched, or None; an SSH one is checked where ALLOWED is set."""
    if tag.target == tag.sha:
        return None
    repo.fetch(tag.name)
    content = repo.store.contents([tag.target])[0].decode("utf-8", "replace")
    kind = next((kind for mark, kind in MARKS.items() if f"\n{mark}" in content), "")
    if not kind:
        return None
    if kind == "SSH" and not _allowed_signers(repo):
        return Signature(kind, None, f"not checked: {ALLOWED} is not set")
    try:
        repo.git("verify-tag", tag.target)
    except Failed as error:
        unknown = kind == "GPG" and "No public key" in error.problem
        return Signature(kind, None if unknown else False, error.problem)
    tagger = re.search(r"^tagger (.*) [0-9]+ [+-][0-9]{4}$", content, re.MULTILINE)
    return Signature(kind, True, f"good; tagged by {tagger[1]}" if tagger else "good")


def _allowed_signers(repo: Repository) -> bool:
    try:
        return Path(repo.git("config", "--type=path", "--get", ALLOWED)).is_file()
    except Failed:
        return False
