"""Versions, release lines, and the names made from them: branches, tags, images."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from semver import Version

from release.errors import Conflict, Usage

MAX_VERSION = 64  # S7
MAX_REF = 200
MAX_IMAGE_TAG = 128
_NUMBERS = 3
_NUMBER = r"(?:0|[1-9][0-9]*)"
_LINE = re.compile(rf"({_NUMBER})\.({_NUMBER})")
_BRANCH = re.compile(rf"release-({_NUMBER})\.({_NUMBER})-([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})")
_LOOSE = re.compile(r"(?:refs/tags/)?[vV=]?\s*([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(.*)", re.DOTALL)
_PYTHON_SUFFIX = re.compile(r"[-._]?(alpha|beta|rc|a|b|dev)[-._]?([0-9]+)", re.IGNORECASE)
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+@#=-]*")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_IMAGE_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_IMAGE_VERSION = re.compile(rf"(?:^|(?<=[-_])){_NUMBER}\.{_NUMBER}\.{_NUMBER}(?=-|$)")


@dataclass(frozen=True, order=True)
class Line:
    """A release line: every version of one major.minor."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True)
class ImageTag:
    """An image tag taken apart; its text is the three parts again."""

    prefix: str
    version: Version
    build: str

    def __str__(self) -> str:
        return f"{self.prefix}{self.version}" + (f"-{self.build}" if self.build else "")


def parse(text: str) -> Version:
    """Read a version, SemVer 2.0.0 to the letter (S7).

    Raise Usage with the reason, and the nearest right version as its hint.
    """
    if version := _strict(text):
        return version
    near = nearest(text)
    raise Usage(f"{_quote(text)} is no version: {_reason(text)}", f"did you mean {near}?" if near else "")


def nearest(text: str) -> Version | None:
    """Guess the version that was meant; None when there is nothing to go by."""
    if version := _strict(text):
        return version
    plain = "".join(str(unicodedata.decimal(c, c)) for c in unicodedata.normalize("NFKC", text[:200]).strip())
    found = _LOOSE.fullmatch(plain) if len(plain) <= MAX_VERSION else None
    if not found:
        return None
    core = ".".join(str(int(part or "0")) for part in found.groups()[:3])
    python = _PYTHON_SUFFIX.fullmatch(found[4])
    suffix = f"-{python[1].lower()}.{int(python[2])}" if python else found[4]
    return _strict(core + suffix) or _strict(core)


def _strict(text: str) -> Version | None:
    try:
        return Version.parse(text) if len(text) <= MAX_VERSION and text.isascii() and text.isprintable() else None
    except ValueError:
        return None


def _quote(text: str) -> str:
    return ascii(text if len(text) <= MAX_VERSION else f"{text[:MAX_VERSION]}...")


def _reason(text: str) -> str:
    parts = re.split(r"[-+]", text, maxsplit=1)[0].split(".")
    reasons = {
        "it is empty": not text,
        f"it has {len(text)} characters, at most {MAX_VERSION} are allowed": len(text) > MAX_VERSION,
        "only ASCII characters are allowed": not text.isascii(),
        "whitespace or a control character is in it": not text.isprintable() or " " in text,
        "versions here have no v": text[:1] in ("v", "V"),
        "a number has a leading zero": any(re.fullmatch(r"0[0-9]+", part) for part in re.split(r"[-.]", text)),
        f"a version has 3 numbers, this has {len(parts)}": "".join(parts).isdigit() and len(parts) != _NUMBERS,
        "SemVer 2.0.0 is MAJOR.MINOR.PATCH[-PRE][+BUILD]": True,
    }
    return next(reason for reason, holds in reasons.items() if holds)


def line_of(version: Version) -> Line:
    """Return the line a version is of."""
    return Line(version.major, version.minor)


def is_line(text: str) -> bool:
    """Whether the text is meant as a line, such as 0.7, and not as a version."""
    return text.count(".") == 1


def parse_line(text: str, *, version_too: bool = False) -> Line:
    """Read a line such as 0.7, with `version_too` also 0.7.3, which means its line; raise Usage otherwise."""
    found = _LINE.fullmatch(text) if len(text) <= MAX_VERSION else None
    if found:
        return Line(int(found[1]), int(found[2]))
    if version_too and text.count(".") > 1:
        return line_of(parse(text))
    near, problem = nearest(text), f"{_quote(text)} is no line: a line has two numbers, such as 0.7"
    raise Usage(problem, f"did you mean {line_of(near)}?" if near else "")


def next_version(released: Iterable[Version], bump: str, line: Line | None = None) -> Version:
    """Return the version after the highest one: `bump` is major, minor or patch (the newest line's, or `line`'s).

    Gaps stay gaps. A pre-release is not released, but what it announces is the next: after 0.7.0-rc.1 come
    patch 0.7.0 and minor 0.7.0. A minor is of the highest released major. Build metadata counts for nothing
    (SemVer 2.0.0, 10). On a line without versions the patch is 0, without any version the minor is 0.1.0
    and the major 1.0.0. Raise Usage for a patch without a line to be on, a line with another bump, another word.
    """
    versions = list(released)
    finals = [version for version in versions if not version.prerelease]
    if bump not in ("major", "minor", "patch"):
        raise Usage(f"{_quote(bump)} is no bump", "give major, minor or patch")
    if line and bump != "patch":
        raise Usage(f"the line {line} has only patches", f"leave the line out, or ask for a patch of {line}")
    newest = max(finals or versions, default=None, key=precedence)
    if bump == "patch":
        if not line and not newest:
            raise Usage("nothing is released, so there is no line to patch", "give a line, or ask for a minor")
        line = line or line_of(newest or Version(0))
        versions = [version for version in versions if line_of(version) == line]
        return max(versions, key=precedence).next_version("patch") if versions else Version(line.major, line.minor, 0)
    if bump == "minor" and newest:
        versions = [version for version in versions if version.major == newest.major]
    return max(versions, default=Version(0), key=precedence).next_version(bump)


def check_allowed(version: Version, released: Iterable[Version], *, skip: bool = False) -> None:
    """Raise when the version is not a right next one, with the nearest right one as the hint (F29).

    Conflict: it exists. Usage: not after everything of its line, over another version unless `skip`, or with build
    metadata, which no image tag can hold. The first of all is free.
    """
    versions = list(released)
    if version.build:
        raise Usage(f"{version}: no build metadata in a release", f"did you mean {version.replace(build=None)}?")
    on_line = [other for other in versions if line_of(other) == line_of(version)]
    right = right_version(version, versions)
    if version in on_line:
        raise Conflict(f"{version} exists already", f"the next one is {right}")
    if on_line and version < max(on_line):
        raise Usage(f"{version} is not after {max(on_line)}, the newest of its line", f"did you mean {right}?")
    final = version.finalize_version()
    if final < right or (final > right and not skip):
        hint = f"did you mean {right}?{' To leave it out all the same: --skip' if final > right else ''}"
        raise Usage(f"{version} does not come next", hint)


def right_version(version: Version, released: Iterable[Version]) -> Version:
    """Return the version that comes next where this one would: on its line, else in its major, else of all."""
    versions = list(released)
    same_major = [other for other in versions if other.major == version.major]
    on_line = [other for other in same_major if other.minor == version.minor]
    bump = "patch" if on_line else "minor" if same_major else "major"
    return next_version(on_line or same_major or versions, bump) if versions else version.finalize_version()


def released_versions(tags: Iterable[str]) -> list[Version]:
    """Return the versions among short tag names, lowest first; other names are left out."""
    return sorted((version for version in map(_strict, sorted(tags)) if version), key=precedence)


def newest_versions(tags: Iterable[str]) -> list[Version]:
    """Return those among short tag names that tell what comes next on a line to come, lowest first.

    They are of each major the versions of its newest line, and of those below it down to one that is released: of
    100,000 names no more are read as versions, which is what takes long.
    """
    begun: dict[str, list[str]] = {}
    for tag in tags:
        begun.setdefault(tag.rpartition(".")[0], []).append(tag)
    majors: dict[int, dict[int, list[str]]] = {}
    for begin, some in begun.items():
        if found := _LINE.match(begin):
            majors.setdefault(int(found[1]), {}).setdefault(int(found[2]), []).extend(some)
    kept: list[Version] = []
    for minors in majors.values():
        for minor in sorted(minors, reverse=True):
            kept += (versions := released_versions(minors[minor]))
            if any(not version.prerelease for version in versions):
                break
    return sorted(kept, key=precedence)


def precedence(version: Version) -> tuple[int, int, int, bool, Version]:
    """Return what a version is ordered by: comparing whole ones is slow, and 100,000 tags are not rare."""
    return version.major, version.minor, version.patch, not version.prerelease, version


def branch_name(line: Line, date: datetime.date) -> str:
    """Return the line's release branch of a day, which the caller reads once, in UTC (F23)."""
    return f"release-{line}-{date.year:04}{date.month:02}{date.day:02}"


def parse_branch(name: str) -> tuple[Line, datetime.date] | None:
    """Take a release branch's name apart; None when it is no such name."""
    found = _BRANCH.fullmatch(name) if len(name) <= MAX_REF else None
    if not found:
        return None
    major, minor, year, month, day = map(int, found.groups())
    try:
        return Line(major, minor), datetime.date(year, month, day)
    except ValueError:  # no such day
        return None


def check_ref_name(name: str) -> None:
    """Raise Usage unless Git and every shell can take the name, short or full (S3, git-check-ref-format(1))."""
    allowed = len(name) <= MAX_REF and _REF.fullmatch(name) and name not in ("HEAD", "@")
    parts = name.split("/")
    if not allowed or ".." in name or any(not p or p[0] == "." or p.endswith((".", ".lock")) for p in parts):
        raise Usage(f"{_quote(name)} is no name for a branch or tag here", "use ASCII letters, digits and . _ - /")


def check_commit_name(name: str) -> None:
    """Raise Usage unless it names a commit as people do: a branch, tag or sha, or HEAD; then `~2` or `^` (S3)."""
    ref = re.sub(r"(?:[~^][0-9]*)+\Z", "", name)
    if ref != "HEAD":
        check_ref_name(ref)


def check_sha(sha: str) -> None:
    """Raise Usage unless it is a full object name, 40 or 64 lower-case hex digits (S3)."""
    if not _SHA.fullmatch(sha):
        raise Usage(f"{_quote(sha)} is no full commit name", "give all 40 (or 64) lower-case hex digits")


def image_tags(template: str, version: Version, pythons: Sequence[str]) -> list[str]:
    """Return the image tags of a version, one for each Python in its order.

    Raise Usage for a template from which the version cannot be read back, and for tags that no registry takes
    (OCI distribution specification: at most 128 of ASCII letters, digits, `_`, `.`, `-`; so no build metadata).
    """
    unknown = sorted(set(re.findall(r"\{.*?\}", template)) - {"{python}", "{version}"})
    if unknown:
        raise Usage(f"the image tag template has an unknown {unknown[0]}", "it knows {python} and {version}")
    tags = [template.replace("{python}", python).replace("{version}", str(version)) for python in pythons]
    prefixes = [template.partition("{version}")[0].replace("{python}", python) for python in pythons]
    for tag, prefix in zip(tags, prefixes, strict=True):
        parsed = parse_image_tag(tag, [version])
        if not parsed or (parsed.prefix, str(parsed.version)) != (prefix, str(version)):
            raise Usage(f"{_quote(tag)} is no image tag that shows {version}", "set image.tags, such as x-{version}")
    if len(set(tags)) != len(pythons):
        raise Usage(f"{_quote(template)} gives the same image tag twice", "put {python} into image.tags")
    return tags


def parse_image_tag(tag: str, known: Iterable[Version] = ()) -> ImageTag | None:
    """Take an image tag apart; None when no version stands in it.

    The version is the first MAJOR.MINOR.PATCH that begins the tag or follows `-` or `_`. What follows its own `-`
    is build information, for the text alone cannot tell 0.7.2-nightly from a pre-release: the longest of the
    `known` versions that fits is taken first.
    """
    found = _IMAGE_VERSION.search(tag)
    if not found or len(tag) > MAX_IMAGE_TAG or not _IMAGE_TAG.fullmatch(tag) or not _strict(found[0]):
        return None
    rest = tag[found.start() :]
    fitting = [version for version in known if f"{rest}-".startswith(f"{version}-")]
    version = max(fitting, key=lambda version: len(str(version)), default=Version.parse(found[0]))
    _, dash, build = rest[len(str(version)) :].partition("-")
    return ImageTag(tag[: found.start()], version, build) if build or not dash else None
