from __future__ import annotations

import base64
import hashlib
import random
import stat
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from release.artifacts.build import build_wheel
from release.artifacts.wheel import python_version, read_wheel, wheel_filename_matches
from release.errors import Failed, Usage
from release.versions import parse

NAME = "leptonai-0.7.0-py3-none-any.whl"
INFO = "leptonai-0.7.0.dist-info"
FILES = {
    "leptonai/__init__.py": b"version = '0.7.0'\n",
    f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: leptonai\nVersion: 0.7.0\nRequires-Python: >=3.8\n\nText: x\n",
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": b"[console_scripts]\nlep = leptonai.cli:lep\nLep: a = b\n\n[DEFAULT]\nx = y\n",
}


def row(name: str, body: bytes, algorithm: str = "sha256") -> str:
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, body).digest()).rstrip(b"=").decode()
    return f"{name},{algorithm}={digest},{len(body)}\n"


def packed(
    files: dict[str, bytes], record: str | None = None, info: str = INFO, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    rows = "".join(row(name, body) for name, body in files.items()) if record is None else record
    target = BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
        archive.writestr(f"{info}/RECORD", rows + f"{info}/RECORD,,\n")
    return target.getvalue()


def refused(content: bytes, reason: str, filename: str = NAME) -> None:
    with pytest.raises(Failed, match=f"'.*': .*{reason}") as failed:
        read_wheel(content, filename)
    assert failed.value.problem.isprintable()
    assert failed.value.hint


def test_a_sound_wheel_is_read() -> None:
    content = packed(FILES)
    wheel = read_wheel(content, NAME)
    assert (wheel.filename, wheel.name, wheel.version) == (NAME, "leptonai", "0.7.0")
    assert dict(wheel.entry_points) == {"lep": "leptonai.cli:lep", "Lep: a": "b"}
    assert wheel.sha256 == hashlib.sha256(content).hexdigest()


def test_what_is_optional_may_be_absent() -> None:
    files = {
        name: body.replace(b"Requires-Python: >=3.8\n", b"") for name, body in FILES.items() if "entry" not in name
    }
    wheel = read_wheel(packed(files), NAME)
    assert wheel.entry_points == {}


def test_names_tags_and_builds_are_compared_as_normalized() -> None:
    info = "Lepton_AI-0.7.0rc1.dist-info"
    files = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: Lepton.AI\nVersion: 0.7.0-rc.1\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.9\r\nTag: py2-none-any\r\nTag: py3-None-any\r\n",
    }
    wheel = read_wheel(packed(files, info=info), "lepton_ai-0.7.0rc1-2b-py2.py3-none-any.whl")
    assert (wheel.name, wheel.version) == ("Lepton.AI", "0.7.0-rc.1")


def test_folders_signatures_and_stronger_hashes_are_fine() -> None:
    record = "".join(row(name, body, "sha512") for name, body in FILES.items())
    read_wheel(packed({**FILES, "leptonai/": b"", f"{INFO}/RECORD.jws": b"{}"}, record), NAME)


@pytest.mark.parametrize(
    ("part", "old", "new", "reason"),
    [
        ("METADATA", b"Name: leptonai", b"Name: other", "METADATA says other"),
        ("METADATA", b"Version: 0.7.0", b"Version: 0.7.1", "METADATA says leptonai 0.7.1"),
        ("METADATA", b"Version: 0.7.0", b"Version: 0.7.0\nVersion: 0.7.0", "Invalid version"),
        ("METADATA", b"Version: 0.7.0", b"Version: latest", "Invalid version"),
        ("METADATA", b"Version: 0.7.0", b"Version: " + b"9" * 5000, "digits|invalid"),
        ("METADATA", b"Name: leptonai\n", b"", "METADATA says "),
        ("METADATA", b"Text", b"Text" * 3_000_000, "at most"),
        ("WHEEL", b"Tag: py3-none-any", b"Tag: py2-none-any", "WHEEL says the tags"),
        ("WHEEL", b"Tag: py3-none-any", b"", "WHEEL says the tags"),
        ("WHEEL", b"Tag: py3-none-any", b"Tag: py3-none-any\nTag: py2-none-any", "WHEEL says the tags"),
        ("WHEEL", b"Version: 1.0", b"Version: 2.0", "Wheel-Version"),
        ("WHEEL", b"Wheel-Version: 1.0\n", b"", "Wheel-Version"),
        ("WHEEL", b"Generator", b"\xff", "decode"),
        ("entry_points.txt", b"[DEFAULT]", b"[console_scripts]", "already exists"),
        ("entry_points.txt", b"[console_scripts]", b"lep", "section"),
    ],
)
def test_s06_what_the_wheel_says_of_itself_must_agree(part: str, old: bytes, new: bytes, reason: str) -> None:
    path = f"{INFO}/{part}"
    assert old in FILES[path]
    refused(packed({**FILES, path: FILES[path].replace(old, new)}, method=zipfile.ZIP_STORED), reason)


@pytest.mark.parametrize("part", ["METADATA", "WHEEL"])
def test_s06_a_missing_part_is_named(part: str) -> None:
    refused(packed({name: body for name, body in FILES.items() if part not in name}), f"has no {INFO}/{part}")


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("leptonai-0.7.1-py3-none-any.whl", "METADATA says leptonai 0.7.0"),
        ("other-0.7.0-py3-none-any.whl", "METADATA says leptonai 0.7.0"),
        ("leptonai-0.7.0-py2-none-any.whl", "WHEEL says"),
        ("leptonai-0.7.0.tar.gz", "filename"),
        ("leptonai-v-py3-none-any.whl", "filename"),
        ("release/leptonai-0.7.0-py3-none-any.whl", "filename"),
        (f"leptonai-0.7.0-py3{'.a' * 200}-none-any.whl", "filename is too long"),
        ("", "filename"),
    ],
)
def test_s06_the_filename_must_agree(filename: str, reason: str) -> None:
    refused(packed(FILES), reason, filename)


def test_s06_one_dist_info_folder_and_the_right_one() -> None:
    refused(packed({**FILES, "other-1.0.dist-info/METADATA": b""}), "2 .dist-info")
    refused(packed({}, info="x"), "0 .dist-info")
    other = "leptonai-0.7.1.dist-info"
    moved = {name.replace(INFO, other): body for name, body in FILES.items()}
    refused(packed(moved, info=other), "0.7.1.dist-info says")


def test_s06_record_must_hold_every_file_with_its_hash() -> None:
    good = "".join(row(name, body) for name, body in FILES.items())
    init = row("leptonai/__init__.py", FILES["leptonai/__init__.py"])
    for change, reason in {
        "": "not in RECORD",
        row("leptonai/__init__.py", b"version = '0.7.1'\n"): "not what RECORD says",
        init.replace(",18", ",19"): "not what RECORD says",
        row("leptonai/__init__.py", FILES["leptonai/__init__.py"], "md5"): "no strong hash",
        "leptonai/__init__.py,,\n": "no strong hash",
        init + init: "repeated row",
        init + "leptonai/gone.py,sha256=x,1\n": "not in the archive",
        init + "one,two\n": "wrong or repeated row",
        init + '"' + "x" * 200_000 + '",,\n': "field larger",
    }.items():
        assert init in good
        refused(packed(FILES, good.replace(init, change)), reason)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/x",
        "//x",
        "a//x",
        "./x",
        "a/./x",
        "a/..",
        "..",
        "C:/x",
        "c:x",
        "a\\x",
        "..\\x",
        "a\nx",
        "\x7f",
    ],
)
def test_s06_an_entry_that_leads_out_is_refused(name: str) -> None:
    refused(packed({**FILES, name: b"x"}), "leads out")


def test_s06_a_name_cut_by_a_nul_is_refused() -> None:
    refused(packed({**FILES, "leptonai/aZb": b"x"}).replace(b"leptonai/aZb", b"leptonai/a\0b"), "leads out")


@pytest.mark.parametrize("name", ["leptonai/link", f"{INFO}/METADATA"])
def test_s06_a_link_is_refused(name: str) -> None:
    content = packed({**FILES, name: b"../../etc/passwd"})
    entry = content.rindex(name.encode()) - 46  # its header in the central directory (APPNOTE.TXT 4.3.12)
    link = struct.pack("<I", (stat.S_IFLNK | 0o777) << 16)
    refused(content[: entry + 38] + link + content[entry + 42 :], "is a symbolic link")


def test_s06_duplicate_entries_are_refused() -> None:
    twin = packed({**FILES, "leptonai/__jnit__.py": b"import os"}).replace(b"__jnit__", b"__init__")
    refused(twin, "is there twice")


def test_s06_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    refused(packed({**FILES, "zeros": b"\0" * 20_000_000}), "times as large")


def test_s06_a_bomb_of_overlapping_entries_is_refused() -> None:
    """Many entries of the central directory point at one local file."""
    content = packed({"blob0000": random.Random(7).randbytes(9000), **FILES})
    start, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    first = content[start : content.index(b"PK\x01\x02", start + 4)]
    copies = b"".join(first.replace(b"0000", b"%04d" % number) for number in range(20))
    tail = struct.pack("<HHIIH", 20, 20, len(copies), start, 0)
    refused(content[:start] + copies + content[end : end + 8] + tail, "overlap")


def test_s06_a_lie_about_the_size_is_refused() -> None:
    content = packed({**FILES, "zeros": bytes(999_999)})
    for lie in (10, 999_998, 1_000_000):
        refused(content.replace(struct.pack("<I", 999_999), struct.pack("<I", lie)), "CRC|EOF|not what RECORD")


def test_s06_too_many_entries_and_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed(FILES)
    monkeypatch.setattr("release.artifacts.wheel.MAX_ENTRIES", 4)
    refused(content, "more than 4 entries")
    monkeypatch.setattr("release.artifacts.wheel.MAX_WHEEL", len(content) - 1)
    refused(content, "bytes, at most")


def test_s06_other_compressions_encryption_and_other_files_are_refused() -> None:
    refused(packed(FILES, method=zipfile.ZIP_BZIP2), "not deflated")
    refused(packed(FILES, method=zipfile.ZIP_LZMA), "not deflated")
    content = bytearray(packed(FILES))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(content), "encrypted")
    refused(b"#!/bin/sh\n" + packed(FILES), "does not begin")
    refused(b"", "does not begin")
    refused(packed(FILES)[:-30], "not a zip")
    refused(b"PK\x03\x04" + b"\0" * 100, "not a zip")


def test_s06_damaged_wheels_never_pass_as_another_and_never_crash() -> None:
    chance = random.Random(7)
    content = packed(FILES)
    sound = read_wheel(content, NAME)
    for _ in range(3000):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        try:
            wheel = read_wheel(bytes(damaged), NAME)
        except Failed:
            continue
        assert (wheel.entry_points, wheel.version) == (sound.entry_points, sound.version)


@pytest.mark.parametrize(
    ("version", "python"),
    [
        ("0.7.0", "0.7.0"),
        ("0.7.0-rc.1", "0.7.0rc1"),
        ("0.7.0-rc1", "0.7.0rc1"),
        ("0.7.0-rc", "0.7.0rc0"),
        ("0.7.0-alpha.2", "0.7.0a2"),
        ("0.7.0-beta.0", "0.7.0b0"),
        ("0.7.0-dev.3", "0.7.0.dev3"),
        ("0.7.0+build.5", "0.7.0+build.5"),
        ("10.20.30", "10.20.30"),
    ],
)
def test_a_version_as_python_spells_it(version: str, python: str) -> None:
    assert python_version(parse(version)) == python


@pytest.mark.parametrize(
    "version",
    [
        "0.7.0-1",
        "0.7.0-post.1",
        "0.7.0-nightly",
        "0.7.0-rc.1.dev.2",
        "0.7.0-rc.1.2",
        "0.7.0-rc-1",
        "0.7.0-x.1",
        "0.7.0+a--b",
    ],
)
def test_a_version_that_python_cannot_spell_is_refused(version: str) -> None:
    with pytest.raises(Usage, match="PEP 440"):
        python_version(parse(version))


@given(st.tuples(*[st.integers(0, 99)] * 3), st.sampled_from([None, "alpha.1", "beta.2", "rc.3"]), st.integers(0, 9))
def test_a_wheel_filename_matches_its_own_version_alone(
    core: tuple[int, int, int], pre: str | None, other: int
) -> None:
    version = Version(*core, pre)
    filename = f"lepton_ai-{python_version(version)}-py3-none-any.whl"
    assert wheel_filename_matches(filename, "Lepton.AI", version)
    assert not wheel_filename_matches(filename, "lepton", version)
    assert not wheel_filename_matches(filename, "lepton-ai", version.replace(minor=core[1] + 1 + other))
    assert not wheel_filename_matches(filename, "lepton-ai", version.replace(prerelease="rc.99"))


@pytest.mark.parametrize(
    "filename", ["", "x.whl", "leptonai-0.7.0.tar.gz", "release/" + NAME, NAME + "\n", "leptonai-v-py3-none-any.whl"]
)
def test_other_filenames_do_not_match(filename: str) -> None:
    assert not wheel_filename_matches(filename, "leptonai", parse("0.7.0"))


def test_s12_a_build_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a-secret")
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (tmp_path / "pyproject.toml").write_text(f'{backend}[project]\nname = "x"\nversion = "1"\n')
    (tmp_path / "backend.py").write_text("import os\nraise SystemExit(f\"token: {os.environ.get('GITHUB_TOKEN')}\")\n")
    with pytest.raises(Failed, match="token: None"):
        build_wheel(tmp_path, tmp_path / "out")
