from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from release.errors import Conflict, Usage
from release.versions import (
    ImageTag,
    Line,
    branch_name,
    check_allowed,
    check_commit_name,
    check_ref_name,
    check_sha,
    image_tags,
    is_line,
    line_of,
    nearest,
    newest_versions,
    next_version,
    parse,
    parse_branch,
    parse_image_tag,
    parse_line,
    released_versions,
    right_version,
)

TEMPLATE = "photon-py{python}-runner-{version}"
numbers = st.integers(0, 10**6)
identifiers = st.from_regex(r"[0-9A-Za-z-]{1,6}", fullmatch=True).filter(lambda text: text == "0" or text[0] != "0")
dotted = st.lists(identifiers, min_size=1, max_size=3).map(".".join)
finals = st.builds(Version, numbers, numbers, numbers)
pre_releases = st.builds(Version, numbers, numbers, numbers, st.none() | dotted)
any_versions = st.builds(Version, numbers, numbers, numbers, st.none() | dotted, st.none() | dotted)
small = st.builds(
    Version, st.integers(0, 2), st.integers(0, 3), st.integers(0, 3), st.sampled_from([None, "rc.1", "rc.2"])
)


def read(*texts: str) -> list[Version]:
    return [parse(text) for text in texts]


@given(any_versions)
def test_a_version_is_read_back_as_it_is_written(version: Version) -> None:
    assert str(parse(str(version))) == str(version)


@pytest.mark.parametrize(
    ("text", "reason", "near"),
    [
        ("v0.7.0", "no v", "0.7.0"),
        ("V0.7.0", "no v", "0.7.0"),
        ("0.07.0", "leading zero", "0.7.0"),
        ("0.7.0-01", "leading zero", "0.7.0"),
        ("0.7", "3 numbers, this has 2", "0.7.0"),
        ("1", "3 numbers, this has 1", "1.0.0"),
        ("0.7.0.1", "3 numbers, this has 4", "0.7.0"),
        ("0.7.0\n", "whitespace", "0.7.0"),
        (" 0.7.0", "whitespace", "0.7.0"),
        ("0.7.0\x00", "control", "0.7.0"),
        ("٠.٧.٠", "ASCII", "0.7.0"),
        ("０.７.０", "ASCII", "0.7.0"),
        ("0.7.0rc1", "SemVer", "0.7.0-rc.1"),
        ("0.7.0-", "SemVer", "0.7.0"),
        ("0.7.0+a+b", "SemVer", "0.7.0"),
        ("refs/tags/0.7.0", "SemVer", "0.7.0"),
        ("", "empty", ""),
        ("latest", "SemVer", ""),
        ("1." * 40 + "0", "at most 64", ""),
        ("0.7.0-" + "a" * 59, "at most 64", ""),
        ("9" * 5000, "at most 64", ""),
    ],
)
def test_s07_a_wrong_version_is_refused_with_its_reason_and_the_nearest_right_one(
    text: str, reason: str, near: str
) -> None:
    with pytest.raises(Usage) as refused:
        parse(text)
    assert reason in refused.value.problem
    assert refused.value.hint == (f"did you mean {near}?" if near else "")
    assert refused.value.problem.isascii()
    assert refused.value.problem.isprintable()


def test_s07_64_characters_are_allowed() -> None:
    text = "0.7.0-" + "a" * 58
    assert str(parse(text)) == text


@given(st.text(max_size=100) | st.from_regex(r"v?\d{1,3}(\.\d{1,3}){0,3}\S{0,5}"))
def test_s07_any_text_is_strict_semver_or_refused(text: str) -> None:
    near = nearest(text)
    assert not near or str(parse(str(near))) == str(near)
    if str(near) == text:
        assert str(parse(text)) == text
    else:
        with pytest.raises(Usage) as refused:
            parse(text)
        assert refused.value.hint == (f"did you mean {near}?" if near else "")


@given(numbers, numbers)
def test_a_line_is_read_back_and_ordered_by_number(major: int, minor: int) -> None:
    line = Line(major, minor)
    assert parse_line(str(line)) == line
    assert line < Line(major, minor + 1) < Line(major + 1, 0)
    assert line_of(Version(major, minor, 9)) == line != line_of(Version(major, minor + 1, 0))


@pytest.mark.parametrize("text", ["0.7.3", "v0.7", "0.07", "0.7\n", "7", "", "٠.٧", "1." + "1" * 5000])
def test_a_wrong_line_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="is no line"):
        parse_line(text)


def test_a_version_stands_for_its_line_where_that_is_allowed() -> None:
    assert parse_line("0.7.3", version_too=True) == Line(0, 7) == line_of(parse("0.7.3"))
    with pytest.raises(Usage, match="no v"):
        parse_line("v0.7.3", version_too=True)
    with pytest.raises(Usage) as refused:
        parse_line("0.7.3")
    assert refused.value.hint == "did you mean 0.7?"


@pytest.mark.parametrize(
    ("released", "bump", "line", "expected"),
    [
        ("", "minor", "", "0.1.0"),
        ("", "major", "", "1.0.0"),
        ("", "patch", "0.7", "0.7.0"),
        ("0.6.0 0.7.0 0.7.4", "patch", "", "0.7.5"),
        ("0.6.0 0.6.9 0.7.0", "patch", "0.6", "0.6.10"),
        ("0.9.0 0.10.0", "minor", "", "0.11.0"),
        ("0.2.0 0.7.3", "minor", "", "0.8.0"),
        ("0.7.3 1.2.3", "minor", "", "1.3.0"),
        ("0.7.3 4.2.3", "major", "", "5.0.0"),
        ("0.7.0-rc.1", "patch", "", "0.7.0"),
        ("0.7.0-rc.1", "minor", "", "0.7.0"),
        ("0.7.0-rc.1", "major", "", "1.0.0"),
        ("0.6.0 0.7.0-rc.1", "patch", "", "0.6.1"),
        ("0.6.0 0.7.0-rc.1", "patch", "0.7", "0.7.0"),
        ("0.6.0 0.7.0-rc.1", "minor", "", "0.7.0"),
        ("0.6.0 0.6.1-rc.1", "minor", "", "0.7.0"),
        ("0.6.0 0.6.1-rc.1", "patch", "", "0.6.1"),
        ("0.6.0 1.0.0-rc.1", "minor", "", "0.7.0"),
        ("0.6.0 1.0.0-rc.1", "major", "", "1.0.0"),
        ("0.7.0-rc.9 0.7.0-rc.10", "patch", "0.7", "0.7.0"),
        ("0.7.0 0.7.0+build.5", "patch", "", "0.7.1"),
        ("0.7.1+build.5", "patch", "", "0.7.2"),
    ],
)
def test_the_next_version(released: str, bump: str, line: str, expected: str) -> None:
    on = parse_line(line) if line else None
    assert str(next_version(read(*released.split()), bump, on)) == expected


@given(st.lists(small), st.sampled_from(["major", "minor", "patch"]), st.sampled_from([None, Line(0, 1), Line(1, 2)]))
def test_the_next_version_is_a_free_release_after_its_line(
    released: list[Version], bump: str, line: Line | None
) -> None:
    if bump != "patch":
        line = None
    if bump == "patch" and not line and not released:
        return
    found = next_version(released, bump, line)
    assert not found.prerelease
    assert found not in released
    assert all(found > other for other in released if line_of(other) == line_of(found))
    check_allowed(found, [other for other in released if not line or line_of(other) == line])


@pytest.mark.parametrize(
    ("released", "bump", "line"),
    [([], "patch", None), ([], "build", None), (["0.7.0"], "minor", Line(0, 7)), (["0.7.0"], "", None)],
)
def test_a_bump_that_means_nothing_is_refused(released: list[str], bump: str, line: Line | None) -> None:
    with pytest.raises(Usage):
        next_version(read(*released), bump, line)


@pytest.mark.parametrize(
    ("version", "released"),
    [
        ("0.7.0", ""),
        ("3.1.4", ""),
        ("0.7.1", "0.7.0"),
        ("0.6.4", "0.6.3 0.7.0"),
        ("0.8.0", "0.7.3"),
        ("0.8.0-rc.1", "0.7.3"),
        ("0.8.0-rc.2", "0.7.3 0.8.0-rc.1"),
        ("0.8.0", "0.7.3 0.8.0-rc.1"),
        ("1.0.0", "0.7.3"),
        ("0.8.0", "0.7.3 1.0.0"),
    ],
)
def test_a_right_version_is_allowed(version: str, released: str) -> None:
    check_allowed(parse(version), read(*released.split()))


@pytest.mark.parametrize(
    ("version", "released", "kind", "near"),
    [
        ("0.7.0", "0.7.0 0.7.2", Conflict, "0.7.3"),
        ("0.7.0", "0.7.0+build", Conflict, "0.7.1"),
        ("0.7.1", "0.7.0 0.7.2", Usage, "0.7.3"),
        ("0.7.5", "0.7.0", Usage, "0.7.1"),
        ("0.7.0-rc.1", "0.7.0", Usage, "0.7.1"),
        ("0.7.0-rc.1", "0.6.0 0.7.0-rc.2", Usage, "0.7.0"),
        ("0.9.0", "0.7.3", Usage, "0.8.0"),
        ("0.9.0-rc.1", "0.7.3", Usage, "0.8.0"),
        ("0.8.1", "0.7.3", Usage, "0.8.0"),
        ("0.8.1", "0.7.3 0.8.0-rc.1", Usage, "0.8.0"),
        ("0.5.0", "0.4.0 0.7.3", Usage, "0.8.0"),
        ("2.0.0", "0.7.3", Usage, "1.0.0"),
        ("1.1.0", "0.7.3", Usage, "1.0.0"),
        ("0.8.0+build", "0.7.3", Usage, "0.8.0"),
    ],
)
def test_a_wrong_next_version_is_refused_with_the_nearest(
    version: str, released: str, kind: type[Usage], near: str
) -> None:
    with pytest.raises(kind) as refused:
        check_allowed(parse(version), read(*released.split()))
    assert type(refused.value) is kind
    assert near in re.split("[ ?]", refused.value.hint)


@pytest.mark.parametrize(
    ("version", "released"),
    [("0.7.5", "0.7.0"), ("0.7.5-rc.1", "0.7.0"), ("0.9.0", "0.7.3"), ("3.0.0", "0.7.3"), ("1.4.2", "1.3.0")],
)
def test_f29_a_version_may_leave_others_out_on_purpose(version: str, released: str) -> None:
    with pytest.raises(Usage, match="does not come next") as refused:
        check_allowed(parse(version), read(*released.split()))
    assert "--skip" in refused.value.hint
    check_allowed(parse(version), read(*released.split()), skip=True)


@pytest.mark.parametrize(
    ("version", "released"),
    [("0.7.2", "0.7.5"), ("0.7.1-rc.1", "0.7.1"), ("0.6.0", "0.5.0 0.7.0"), ("2.0.0", "1.0.0 3.0.0")],
)
def test_f29_no_version_comes_before_one_of_its_kind(version: str, released: str) -> None:
    with pytest.raises(Usage) as refused:
        check_allowed(parse(version), read(*released.split()), skip=True)
    assert "--skip" not in refused.value.hint


@given(numbers, numbers, st.dates())
def test_a_branch_name_is_read_back(major: int, minor: int, date: datetime.date) -> None:
    assert parse_branch(branch_name(Line(major, minor), date)) == (Line(major, minor), date)


def test_f23_a_release_branch_has_its_line_and_its_day() -> None:
    assert branch_name(Line(0, 7), datetime.date(2026, 11, 2)) == "release-0.7-20261102"


@pytest.mark.parametrize(
    "name",
    [
        "release-0.25.4",
        "release-0.16.0-x",
        "release-0.7-2026112",
        "release-0.7-202611022",
        "release-0.7-20261302",
        "release-0.7-20260229",
        "release-0.7-00000101",
        "release-0.07-20261102",
        "release-0.7-20261102\n",
        "release-0.7-٢٠٢٦١١٠٢",
        "x-release-0.7-20261102",
        "refs/heads/release-0.7-20261102",
        f"release-{'1' * 5000}.7-20261102",
        "release-0.7",
        "",
    ],
)
def test_f23_other_branches_are_no_release_branches(name: str) -> None:
    assert parse_branch(name) is None


def test_released_versions_are_sorted_and_other_tags_left_out() -> None:
    tags = ["0.10.0", "0.9.0", "v0.8.0", "0.7", "nightly", "0.9.0-rc.10", "0.9.0-rc.9", "0.9.0\n", "0.9.1+a", "٠.٧.٠"]
    assert [str(version) for version in released_versions(tags)] == [
        "0.9.0-rc.9", "0.9.0-rc.10", "0.9.0", "0.9.1+a", "0.10.0",
    ]  # fmt: skip


@given(st.lists(any_versions))
def test_released_versions_sort_as_semver_does(found: list[Version]) -> None:
    assert released_versions(map(str, found)) == sorted(found)


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "0.7.0",
        "0.7.0-rc.1+x",
        "release-0.7-20261102",
        "refs/tags/0.7.0",
        "feature/a_b",
        "deps/npm/@types/node-1",
    ],
)
def test_s03_good_ref_names_pass(name: str) -> None:
    check_ref_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "-x", "--upload-pack=x", "+main", "@", "HEAD", "a..b", "a/.b", ".a", "a//b", "/a", "a/", "a.", "a./b",
        "a.lock", "a.lock/b", "a@{1}", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\n", "a\x7f", "ä", "a;b",
        "$(a)", "x" * 201,
    ],
)  # fmt: skip
def test_s03_names_that_git_or_a_shell_reads_otherwise_are_refused(name: str) -> None:
    with pytest.raises(Usage):
        check_ref_name(name)


@pytest.mark.parametrize("size", [40, 64])
def test_s03_full_shas_pass(size: int) -> None:
    check_sha("0f" * (size // 2))


@pytest.mark.parametrize("sha", ["", "0f" * 19, "0f" * 21, "0F" * 20, "0f" * 20 + "\n", "0g" * 20, "٠" * 40, "HEAD"])
def test_s03_other_shas_are_refused(sha: str) -> None:
    with pytest.raises(Usage):
        check_sha(sha)


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(Usage, match=r"unknown \{variant\}"):
        image_tags("x-{variant}-{version}", parse("0.7.2"), ["3.7"])


def test_image_tags_are_one_for_each_python() -> None:
    tags = image_tags(TEMPLATE, parse("0.7.2"), ["3.7", "3.11"])
    assert tags == ["photon-py3.7-runner-0.7.2", "photon-py3.11-runner-0.7.2"]


@pytest.mark.parametrize(
    ("template", "version", "pythons"),
    [
        ("x-{variant}-{version}", "0.7.2", ["3.7"]),
        ("x-{python!r}-{version}", "0.7.2", ["3.7"]),
        ("x-{python}", "0.7.2", ["3.7"]),
        ("x{version}", "0.7.2", ["3.7"]),  # the prefix could be a part of it
        ("v{version}", "0.7.2", ["3.7"]),
        ("{python}.{version}", "0.7.2", ["3.7"]),
        ("{python}-{version}", "0.7.2", ["3.7.1"]),
        ("{python}-{version}", "0.7.2", ["0.7.2"]),
        ("x-{version}", "0.7.2", ["3.7", "3.8"]),
        ("x-{version}", "0.7.2+build", ["3.7"]),
        (".x-{version}", "0.7.2", ["3.7"]),
        ("x/{version}", "0.7.2", ["3.7"]),
        ("x:{version}", "0.7.2", ["3.7"]),
        ("x" * 123 + "-{version}", "0.7.2", ["3.7"]),
        ("x-{version}\n", "0.7.2", ["3.7"]),
    ],
)
def test_a_template_without_a_clear_version_is_refused(template: str, version: str, pythons: list[str]) -> None:
    with pytest.raises(Usage):
        image_tags(template, parse(version), pythons)


@given(pre_releases, st.sampled_from(["3.7", "3.11"]), st.sampled_from(["", "nightly", "20261122", "rc.1-x"]))
def test_an_image_tag_is_read_back(version: Version, python: str, build: str) -> None:
    [tag] = image_tags(TEMPLATE, version, [python])
    tag += f"-{build}" if build else ""
    parsed = parse_image_tag(tag, [version.finalize_version(), version])
    assert parsed == ImageTag(f"photon-py{python}-runner-", version, build)
    assert str(parsed) == tag


@pytest.mark.parametrize(
    ("tag", "prefix", "version", "build"),
    [
        ("photon-py3.11-runner-0.7.2", "photon-py3.11-runner-", "0.7.2", ""),
        ("photon-py3.11-runner-0.7.2-nightly", "photon-py3.11-runner-", "0.7.2", "nightly"),
        ("photon-rocm-py3.11-runner-0.20.3", "photon-rocm-py3.11-runner-", "0.20.3", ""),
        ("0.7.2", "", "0.7.2", ""),
        ("x_0.7.2", "x_", "0.7.2", ""),
        ("0.7.2-1.2.3", "", "0.7.2", "1.2.3"),
        ("0.7.2-rc.1", "", "0.7.2", "rc.1"),  # the text alone cannot tell
    ],
)
def test_an_image_tag_taken_apart(tag: str, prefix: str, version: str, build: str) -> None:
    assert parse_image_tag(tag) == ImageTag(prefix, parse(version), build)


@pytest.mark.parametrize(
    "tag",
    [
        "latest",
        "v0.7.2",
        "x0.7.2",
        "x-0.7",
        "x-0.7.2.1",
        "x-00.7.2",
        "x-0.7.2_1",
        "x-0.7.2-",
        "-0.7.2",
        "x-0.7.2\n",
        "",
    ],
)
def test_a_tag_without_a_clear_version_is_none(tag: str) -> None:
    assert parse_image_tag(tag) is None
    assert parse_image_tag(f"x-{'1' * 61}.0.0") is None


def test_known_versions_decide_what_is_a_pre_release() -> None:
    known = read("0.7.2", "0.7.2-rc.1")
    assert parse_image_tag("x-0.7.2-rc.1-nightly", known) == ImageTag("x-", parse("0.7.2-rc.1"), "nightly")
    assert parse_image_tag("x-0.7.2-rc.10", known) == ImageTag("x-", parse("0.7.2"), "rc.10")


# --- what is said, word for word: it is what people act on ---

RIGHT_REF = "use ASCII letters, digits and . _ - /"
RIGHT_SHA = "give all 40 (or 64) lower-case hex digits"
KNOWN = [Version.parse(text) for text in ("0.6.1", "0.6.2", "0.7.0")]
SAID: dict[str, tuple[Callable[[], object], str, str]] = {
    "bump": (lambda: next_version(KNOWN, "x"), "'x' is no bump", "give major, minor or patch"),
    "line bump": (
        lambda: next_version(KNOWN, "minor", Line(0, 7)),
        "the line 0.7 has only patches",
        "leave the line out, or ask for a patch of 0.7",
    ),
    "no line": (
        lambda: next_version([], "patch"),
        "nothing is released, so there is no line to patch",
        "give a line, or ask for a minor",
    ),
    "build": (
        lambda: check_allowed(Version.parse("0.8.0+x"), KNOWN),
        "0.8.0+x: no build metadata in a release",
        "did you mean 0.8.0?",
    ),
    "exists": (
        lambda: check_allowed(Version.parse("0.6.2"), KNOWN), "0.6.2 exists already", "the next one is 0.6.3",
    ),
    "before": (
        lambda: check_allowed(Version.parse("0.6.0"), KNOWN),
        "0.6.0 is not after 0.6.2, the newest of its line",
        "did you mean 0.6.3?",
    ),
    "beyond": (
        lambda: check_allowed(Version.parse("0.6.4"), KNOWN),
        "0.6.4 does not come next",
        "did you mean 0.6.3? To leave it out all the same: --skip",
    ),
    "behind": (
        lambda: check_allowed(Version.parse("0.5.0"), KNOWN), "0.5.0 does not come next", "did you mean 0.8.0?",
    ),
    "not ascii": (
        lambda: parse("0.7.٠"), "'0.7.\\u0660' is no version: only ASCII characters are allowed", "did you mean 0.7.0?",
    ),
    "V": (lambda: parse("V0.7.0"), "'V0.7.0' is no version: versions here have no v", "did you mean 0.7.0?"),
    "anything": (lambda: parse("a"), "'a' is no version: SemVer 2.0.0 is MAJOR.MINOR.PATCH[-PRE][+BUILD]", ""),
    "half a line": (
        lambda: parse_line("0.x", version_too=True), "'0.x' is no line: a line has two numbers, such as 0.7",
        "did you mean 0.0?",
    ),
    "line": (lambda: parse_line("x"), "'x' is no line: a line has two numbers, such as 0.7", ""),
    "ref": (lambda: check_ref_name("a b"), "'a b' is no name for a branch or tag here", RIGHT_REF),
    "long ref": (
        lambda: check_ref_name("x" * 201), f"'{'x' * 64}...' is no name for a branch or tag here", RIGHT_REF,
    ),
    "commit": (lambda: check_commit_name("-x~2"), "'-x' is no name for a branch or tag here", RIGHT_REF),
    "sha": (lambda: check_sha("abc"), "'abc' is no full commit name", RIGHT_SHA),
    "no tag": (
        lambda: image_tags("x-{variant}-{version}", KNOWN[0], ["3.11"]),
        "the image tag template has an unknown {variant}",
        "it knows {python} and {version}",
    ),
    "unread tag": (
        lambda: image_tags("1.2.3-{version}", KNOWN[0], ["3.11"]),
        "'1.2.3-0.6.1' is no image tag that shows 0.6.1",
        "set image.tags, such as x-{version}",
    ),
    "same tag": (
        lambda: image_tags("x-{version}", KNOWN[0], ["3.10", "3.11"]),
        "'x-{version}' gives the same image tag twice",
        "put {python} into image.tags",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_a_refusal_says_what_is_wrong_and_what_is_right(case: str) -> None:
    call, problem, hint = SAID[case]
    with pytest.raises((Usage, Conflict)) as refused:
        call()
    assert (refused.value.problem, refused.value.hint) == (problem, hint)


def test_the_longest_names_and_lines_are_allowed() -> None:
    assert parse_image_tag(f"{'x' * 122}-0.7.0")
    check_ref_name("x" * 200)
    assert parse_line(f"{'9' * 62}.0") == Line(int("9" * 62), 0)
    number = "9" * (200 - len("release-.0-20261122"))
    assert parse_branch(f"release-{number}.0-20261122") == (Line(int(number), 0), datetime.date(2026, 11, 22))


@pytest.mark.parametrize("name", ["HEAD", "HEAD~2", "HEAD^", "main~1^2", "0.7.0", "release-0.7-20261122", "0f" * 20])
def test_s03_commits_as_people_name_them_pass(name: str) -> None:
    check_commit_name(name)


@pytest.mark.parametrize("name", ["HEAD:x", "main..x", "--all", "~1", "main~x", "HEADS~ 1"])
def test_s03_other_names_of_commits_are_refused(name: str) -> None:
    with pytest.raises(Usage):
        check_commit_name(name)


@pytest.mark.parametrize(("text", "meant"), [("0.7", True), ("0.7.0", False), ("7", False), ("", False)])
def test_a_line_is_told_from_a_version(text: str, meant: bool) -> None:
    assert is_line(text) is meant


VERSION_TEXTS = st.builds(
    lambda major, minor, patch, rc: f"{major}.{minor}.{patch}{rc}",
    *(st.integers(0, 3) for _ in range(3)),
    st.sampled_from(["", "", "-rc.1", "-rc.2", "+build"]),
)


@given(st.sets(st.one_of(VERSION_TEXTS, st.sampled_from(["v1.2.3", "1.2", "01.2.3", "nightly", "1.2.3/x", ""]))))
def test_what_comes_next_on_a_new_line_is_told_by_the_newest_versions_alone(names: set[str]) -> None:
    every, newest = released_versions(names), newest_versions(names)
    assert set(newest) <= set(every)
    finals = [[each for each in versions if not each.prerelease] for versions in (every, newest)]
    assert finals[0][-1:] == finals[1][-1:]
    bumps = ("major", "minor", "patch") if every else ("major", "minor")
    assert [next_version(newest, bump) for bump in bumps] == [next_version(every, bump) for bump in bumps]
    assert [next_version(finals[1], bump) for bump in bumps[:2]] == [
        next_version(finals[0], bump) for bump in bumps[:2]
    ]
    for major, minor in product(range(5), range(5)):
        if (version := Version(major, minor, 0)) and not any(line_of(each) == line_of(version) for each in every):
            assert right_version(version, newest) == right_version(version, every)


def test_of_many_versions_those_of_the_newest_lines_alone_are_read() -> None:
    names = [f"{major}.{minor}.{patch}" for major, minor, patch in product(range(2), range(50), range(9))]
    assert newest_versions([*names, "1.50.0-rc.1"]) == released_versions(
        [*(each for each in names if each.startswith(("0.49.", "1.49."))), "1.50.0-rc.1"]
    )
