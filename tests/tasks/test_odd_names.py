"""Names that other people gave to branches and tags: reading them stops no task."""

from __future__ import annotations

import pytest
from outside import git, remote_refs
from typed import typing_in

from release.sandbox import Sandbox

ODD = ("@someone/topic", "tick`s", "no\u00a0break", "überall", "$(x)", "-dash", "release-0.6-@", "x" * 220)
READING = (
    ("release.status",),
    ("release.next",),
    ("release.check", "--version", "0.7.0"),
    ("--dry", "release.notes", "--version", "0.6.1"),
    ("release.verify", "--version", "0.6.1"),
    ("release.doctor",),
    ("release.pick", "--candidates", "--line", "0.6"),
    ("--dry", "release.branch"),
    ("--dry", "release.minor"),
    ("--dry", "release.patch", "--line", "0.6"),
    ("--dry", "release.component", "--name", "web"),
    ("--dry", "sdk.release", "--version", "0.6.1"),
)


@pytest.mark.slow
def test_s03_odd_names_of_others_are_read_and_left_alone(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = typing_in(sandbox, monkeypatch, capsys)
    before = {call: typed(*call) for call in READING}
    sha = sandbox.bare.sha("main") or ""
    for name in ODD:
        for kind in ("heads", "tags"):
            sandbox.bare.update_ref(f"refs/{kind}/{name}", sha)
    sandbox.bare.update_ref("refs/tags/0.6.9`", sha)
    git(sandbox.work, "fetch", "-q", "--tags", "origin")
    git(sandbox.work, "checkout", "-q", "-B", "@someone/topic", "origin/main")
    refs = remote_refs(sandbox)
    for call in READING:
        assert typed(*call).code == before[call].code, call
    assert remote_refs(sandbox) == refs
