"""The page: pure text first, then in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
import semver

from release.audit.page import WIDTH, Scale, html_text, page
from release.audit.status import PARTS, LineState, Overview, Part, Version
from release.github.runs import parse_time
from release.versions import Line

NOW = parse_time("2026-11-22T12:00:00Z").timestamp()
HOSTILE = 'release-0.7-20261101"><img src=x onerror="document.title=1"><script>document.title="owned"</script>\u202e'
CHROMIUM = shutil.which("chromium")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--enable-logging=stderr",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


def overview(branch: str = "release-0.7-20261101") -> Overview:
    out = {
        name: Part("out", at="2026-11-02T00:00:00Z", url=f"https://git.example/{number}")
        for number, name in enumerate(PARTS)
    }
    versions = [
        Version(
            semver.Version.parse("0.7.1"), "b" * 40, "2026-11-20T00:00:00Z", parts={**out, "wheel": Part("missing")}
        ),
        Version(semver.Version.parse("0.7.0"), "a" * 40, "2026-11-02T00:00:00Z", parts=out),
        Version(
            semver.Version.parse("0.6.0"), "c" * 40, "2026-09-02T00:00:00Z", parts={**out, "pull request": Part("none")}
        ),
    ]
    lines = [
        LineState(Line(0, 7), branch, "b" * 40, versions[0].version, 2, 5),
        LineState(Line(0, 6), "", "", versions[2].version),
    ]
    return Overview("acme/platform", "https://git.example/acme/platform", "main", NOW, lines, versions)


def made(found: Overview) -> str:
    return page(found, [("0.7.1: not out yet: wheel", "inv sdk.release --version 0.7.1")])


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_is_one_file_that_loads_nothing() -> None:
    tags = Tags(made(overview())).found
    assert not {"script", "iframe", "object", "img"} & {tag for tag, _ in tags}
    assert all(attributes.get("href") == "data:," for tag, attributes in tags if tag == "link")
    assert "url(" not in made(overview())
    assert "@import" not in made(overview())


def test_s04_names_from_outside_are_text() -> None:
    shown = made(overview(HOSTILE))
    tags = Tags(shown).found
    assert not {"script", "img"} & {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert "\u202e" not in shown
    assert "\\u202e" in shown
    assert html_text("a\x1b[31m<b>") == "a\\x1b[31m&lt;b&gt;"


def test_only_web_addresses_become_links() -> None:
    found = overview()
    found.versions[0] = Version(
        found.versions[0].version, "b" * 40, found.versions[0].at,
        parts={name: Part("out", url="javascript:alert(1)") for name in PARTS},
    )  # fmt: skip
    assert "javascript:" not in made(found)


def test_the_picture_is_to_scale() -> None:
    """0.7.0, 0.7.1 and now are 18 and 2.5 days apart, and so are their places."""
    places = [float(x) for x in re.findall(r'<circle cx="([0-9.]+)"', made(overview()))]
    first, second = places[:2]
    shown = re.search(r'class="trunk" [^>]*x2="([0-9.]+)"', made(overview()))
    assert shown
    end = float(shown[1])
    assert (end - second) / (second - first) == pytest.approx(2.5 / 18, rel=0.02)
    scale = Scale(parse_time("2026-01-01T00:00:00Z"), parse_time("2026-02-01T00:00:00Z"))
    assert scale.x(parse_time("2025-01-01T00:00:00Z")) == 90
    assert scale.x(parse_time("2027-01-01T00:00:00Z")) == WIDTH - 40


def test_versions_close_together_keep_their_labels_apart() -> None:
    found = overview()
    versions = [
        Version(semver.Version(0, 7, n), "a" * 40, f"2026-11-20T0{n}:00:00Z", parts=found.versions[1].parts)
        for n in range(9)
    ]
    shown = made(Overview(found.repository, found.url, found.trunk, found.at, found.lines[:1], versions))
    assert shown.count("<circle") == 9
    labels = re.findall(r'<text x="[0-9.]+" y="[0-9.]+">0\.7\.', shown)
    assert 2 <= len(labels) < 9


def test_dots_come_in_the_order_of_their_moments_wherever_they_were_made() -> None:
    found = overview()
    parts = found.versions[1].parts
    early = Version(semver.Version(0, 7, 0), "a" * 40, "2026-11-20T09:00:00+09:00", parts=parts)
    late = Version(semver.Version(0, 7, 1), "b" * 40, "2026-11-20T01:00:00-05:00", parts=parts)
    shown = made(Overview(found.repository, found.url, found.trunk, found.at, found.lines[:1], [late, early]))
    assert re.findall(r'<g class="tag out"><title>([0-9.]+),', shown) == ["0.7.0", "0.7.1"]


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")


def browse(tmp_path: Path, found: Overview, *flags: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "status.html"
    file.write_text(made(found), encoding="utf-8")
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *flags, file.as_uri()]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    return done


@needs_browser
@pytest.mark.slow
def test_a_browser_shows_it_and_a_hostile_branch_name_does_nothing(tmp_path: Path) -> None:
    done = browse(tmp_path, overview(HOSTILE), "--dump-dom")
    assert "CONSOLE" not in done.stderr
    assert "<title>Releases of acme/platform</title>" in done.stdout
    assert "owned" not in re.findall(r"<title>(.*?)</title>", done.stdout)[0]
    assert not {"script", "img"} & {tag for tag, _ in Tags(done.stdout).found}
    assert done.stdout.count("<circle") == 3


@needs_browser
@pytest.mark.parametrize("size", ["1200,900", "390,844"])
@pytest.mark.slow
def test_a_browser_draws_it_on_a_desk_and_on_a_phone(tmp_path: Path, size: str) -> None:
    picture = tmp_path / "status.png"
    done = browse(tmp_path, overview(), f"--screenshot={picture}", f"--window-size={size}")
    assert "CONSOLE" not in done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
