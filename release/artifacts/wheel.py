"""A wheel's bytes, read and judged in memory, never unpacked (S6)."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import platform
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion
from packaging.version import Version as PythonVersion
from semver import Version

from release.errors import Failed, Usage

if TYPE_CHECKING:
    from packaging.tags import Tag
    from packaging.utils import BuildTag

MAX_WHEEL = 256 * 2**20
MAX_ENTRIES = 20_000
MAX_FILENAME = 255  # its tags multiply out
MAX_RATIO = 100  # deflate reaches 1,032, code and text some 3 to 10
MAX_TEXT = 8 * 2**20  # of METADATA, WHEEL, RECORD, entry_points.txt each
_SLACK = 2**20  # a small wheel may hold a large empty table
_PRE_RELEASE = re.compile(r"(?:alpha|beta|preview|pre|rc|dev|a|b|c)(?:\.?(?:0|[1-9][0-9]*))?", re.IGNORECASE)
_UNSAFE = re.compile(r"^/|^[A-Za-z]:|[\\\x00-\x1f\x7f]|(?:^|/)\.{0,2}(?:/|$)")
_HASHES = ("sha256", "sha384", "sha512")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, configparser.Error, csv.Error,
    ValueError, EOFError, NotImplementedError, OverflowError, RecursionError,
)  # fmt: skip  # what the standard library and packaging raise on hostile bytes


@dataclass(frozen=True)
class Wheel:
    """What a wheel says of itself, after all of it was checked."""

    filename: str
    name: str
    version: str
    entry_points: Mapping[str, str]  # of console_scripts
    sha256: str
    content: bytes = field(repr=False)
    python: str = ""  # the Pythons that it is for, as its metadata says it

    @property
    def installs_here(self) -> bool:
        """Whether this Python and machine are such as it is for."""
        from packaging.specifiers import SpecifierSet
        from packaging.tags import sys_tags

        *_, tags = _filename_parts(self.filename)
        here = SpecifierSet(self.python).contains(platform.python_version(), prereleases=True)
        return here and not tags.isdisjoint(sys_tags())


class _Wrong(Exception):
    pass


def python_version(version: Version) -> str:
    """Spell a version as Python packages do (PEP 440): 0.7.0-rc.1 is 0.7.0rc1.

    Raise Usage for what PEP 440 cannot say or sorts differently: a pre-release that is no alpha, beta, rc or dev
    with at most one number (it reads 0.7.0-1 as the release after 0.7.0), and some build metadata.
    """
    hint = "use a pre-release such as rc.1, and no build metadata"
    if version.prerelease and not _PRE_RELEASE.fullmatch(version.prerelease):
        raise Usage(f"{version}: a Python package cannot have the pre-release {version.prerelease} (PEP 440)", hint)
    try:
        return str(PythonVersion(str(version)))
    except InvalidVersion as error:
        raise Usage(f"{version}: no Python package can have this version (PEP 440)", hint) from error


def wheel_filename_matches(filename: str, package: str, version: Version) -> bool:
    """Tell whether a wheel's filename is of package and version, however spelled; raise as `python_version` does."""
    return wheel_version(filename, package) == PythonVersion(python_version(version))


def wheel_version(filename: str, package: str) -> PythonVersion | None:
    """Return the version that a wheel's filename names; None for what is no wheel of the package."""
    try:
        name, found, _, _ = _filename_parts(filename)
    except InvalidWheelFilename:
        return None
    return found if name == canonicalize_name(package) else None


def file_names(content: bytes) -> list[str]:
    """Return the names of a wheel's files, but what describes the wheel; none of bytes that are no archive."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return [name for name in archive.namelist() if not name.partition("/")[0].endswith((".dist-info", ".data"))]
    except _BROKEN:
        return []


def read_wheel(content: bytes, filename: str) -> Wheel:
    """Read a wheel after checking it whole; raise Failed with what is wrong.

    Checked are the limits, every entry's name and hash, and that filename, METADATA, WHEEL and RECORD agree
    (the binary distribution format of the Python packaging specifications).
    """
    try:
        return _read(content, filename)
    except (_Wrong, *_BROKEN) as error:
        reason = " ".join(str(error).split())[:200]
        raise Failed(f"the wheel {filename[:MAX_FILENAME]!a}: {reason}", "do not install it; build it again") from error


def _read(content: bytes, filename: str) -> Wheel:
    from packaging.metadata import parse_email  # some 20 ms: who asks for a version's spelling alone need not wait

    name, version, _, tags = _filename_parts(filename)
    _check_size(content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        _check_entries(archive, len(content))
        folder = _dist_info(archive)
        _check_record(archive, f"{folder}/RECORD")
        metadata, _ = parse_email(_text(archive, f"{folder}/METADATA"))
        _check_tags(_text(archive, f"{folder}/WHEEL"), {str(tag) for tag in tags})
        scripts = _scripts(archive, f"{folder}/entry_points.txt")
    python = metadata.get("requires_python", "")
    said = [metadata.get("name", ""), metadata.get("version", "")]
    stem = folder.removesuffix(".dist-info").partition("-")[::2]
    for where, (its_name, its_version) in {"METADATA": said, folder: stem}.items():
        if canonicalize_name(its_name) != name or PythonVersion(its_version) != version:
            raise _Wrong(f"{where} says {its_name} {its_version}")
    return Wheel(filename, said[0], said[1], scripts, hashlib.sha256(content).hexdigest(), content, python)


def _filename_parts(filename: str) -> tuple[str, PythonVersion, BuildTag, frozenset[Tag]]:
    if len(filename) > MAX_FILENAME or "/" in filename or not filename.isascii():
        raise InvalidWheelFilename("its filename is too long, has a folder or is not ASCII")
    return parse_wheel_filename(filename)


def _check_size(content: bytes) -> None:
    if len(content) > MAX_WHEEL:
        raise _Wrong(f"it has {len(content)} bytes, at most {MAX_WHEEL} are read")
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:  # before zipfile makes an object of each
        raise _Wrong(f"it has more than {MAX_ENTRIES} entries")
    if not content.startswith(b"PK\x03\x04"):
        raise _Wrong("it does not begin as a zip archive")


def _check_entries(archive: zipfile.ZipFile, size: int) -> None:
    entries = archive.infolist()
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename  # zipfile cuts `filename` at a NUL
        if _UNSAFE.search(name.removesuffix("/")):
            raise _Wrong(f"the entry {name!a} leads out of it or is not plain")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _Wrong(f"the entry {name!a} is a symbolic link")
        if entry.filename in seen:
            raise _Wrong(f"the entry {name!a} is there twice")
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _Wrong(f"the entry {name!a} is encrypted or not deflated")
        seen.add(entry.filename)
    if sum(entry.compress_size for entry in entries) > size:
        raise _Wrong("its entries overlap")
    if sum(entry.file_size for entry in entries) > size * MAX_RATIO + _SLACK:
        raise _Wrong(f"unpacked it would be more than {MAX_RATIO} times as large")


def _dist_info(archive: zipfile.ZipFile) -> str:
    found = {name.partition("/")[0] for name in archive.namelist()}
    folders = sorted(folder for folder in found if folder.endswith(".dist-info"))
    if len(folders) != 1:
        raise _Wrong(f"it has {len(folders)} .dist-info folders, not one")
    return folders[0]


def _text(archive: zipfile.ZipFile, path: str) -> str:
    try:
        entry = archive.getinfo(path)
    except KeyError as error:
        raise _Wrong(f"it has no {path}") from error
    if entry.file_size > MAX_TEXT:
        raise _Wrong(f"{path} has {entry.file_size} bytes, at most {MAX_TEXT} are read")
    return archive.read(entry).decode()


def _check_record(archive: zipfile.ZipFile, path: str) -> None:
    recorded: dict[str, tuple[str, str]] = {}
    for row in csv.reader(StringIO(_text(archive, path), newline="")):
        if len(row) != 3 or row[0] in recorded:
            raise _Wrong(f"RECORD has a wrong or repeated row {row[:1]!a}")
        recorded[row[0]] = (row[1], row[2])
    files = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
    unsigned = {path, f"{path}.jws", f"{path}.p7s"}
    alone = min((files.keys() ^ recorded.keys()) - unsigned, default=None)
    if alone is not None:
        raise _Wrong(f"{alone!a} is not in {'RECORD' if alone in files else 'the archive'}")
    for name in sorted(files.keys() - unsigned):
        _check_hash(archive, files[name], *recorded[name])


def _check_hash(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, recorded: str, size: str) -> None:
    algorithm, _, expected = recorded.partition("=")
    if algorithm not in _HASHES:
        raise _Wrong(f"RECORD has no strong hash of {entry.filename!a}")
    with archive.open(entry) as stream:
        digest = hashlib.new(algorithm)
        while chunk := stream.read(2**16):
            digest.update(chunk)
    found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    if found != expected or size not in ("", str(entry.file_size)):
        raise _Wrong(f"{entry.filename!a} is not what RECORD says")


def _check_tags(text: str, tags: set[str]) -> None:
    fields = [line.partition(":")[::2] for line in text.splitlines()]
    version = [value.strip() for key, value in fields if key == "Wheel-Version"]
    if len(version) != 1 or not version[0].startswith("1."):
        raise _Wrong("WHEEL names no Wheel-Version 1")
    said = {value.strip().lower() for key, value in fields if key == "Tag"}  # written out, one by one
    if said != tags:
        raise _Wrong(f"WHEEL says the tags {sorted(said)!a:.200}")


def _scripts(archive: zipfile.ZipFile, path: str) -> dict[str, str]:
    if path not in archive.namelist():
        return {}
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    parser.read_string(_text(archive, path))
    return dict(parser["console_scripts"]) if parser.has_section("console_scripts") else {}
