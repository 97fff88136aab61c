"""What a plan notes, holds a call against, and reads back from a file that anybody may have written."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from release.call import plan_file
from release.call.context import Context, Options
from release.call.ensure import ensure
from release.call.plan import LATER, Approved, Content, Draft, File, Objects
from release.call.report import Report
from release.errors import Conflict, Usage
from release.settings import Settings

NEW, OLD, MADE, OTHER, TREE = ("0" * 40, "a" * 40, "b" * 40, "c" * 40, "d" * 40)
DAY = date(2026, 11, 22)
MAIN, TAG, BRANCH = "refs/heads/main", "refs/tags/0.7.0", "refs/heads/image-0.7.0"


class Store:
    """Commits that are made later: MADE, as planned, and OTHER."""

    def file_id(self, name: str, path: str) -> str | None:
        return f"{path} in {name}"

    def holds(self, sha: str, content: Content) -> bool:
        return sha in (MADE, NEW[:-1] + "1") and content == Content(TREE, OLD, 1)


def call(plan: Any, **options: bool) -> Context:
    context = Context(Settings(), Report(stream=io.StringIO()), Options(yes=True, **options), plan=plan)
    context.doors[Objects] = Store()
    return context


def bump(sha: str | Content, **more: Any) -> dict[str, Any]:
    return {"bump": BRANCH, "commit": sha, **more}


def walk(context: Context, *steps: Mapping[str, Any]) -> None:
    for each in steps:
        state = "todo" if each.get("commit") == NEW else "done"
        context.plan.step(context.doors, "a step", state, lambda each=each: each)  # type: ignore[misc]


STEPS: tuple[dict[str, Any], ...] = (
    bump(Content(TREE, OLD, 1)),
    {
        "run": "sdk.yaml",
        "commit": NEW,
        "file": File(NEW, "sdk.yaml"),
        "inputs": {"is_release": True, "version": "0.7.0"},
    },
    {"merge": "image → main", "into": MAIN, "onto": OLD, "commit": Content()},
    {"tag": TAG, "commit": NEW},
    {"images": "lepton", "digests": {"one": LATER, "old": "sha256:1"}},
)
REAL: tuple[dict[str, Any], ...] = (
    bump(MADE),
    {
        "run": "sdk.yaml",
        "commit": MADE,
        "file": File(TREE, "sdk.yaml"),
        "inputs": {"is_release": True, "version": "0.7.0"},
    },
    {"merge": "image → main", "into": MAIN, "commit": MADE},
    {"tag": TAG, "commit": MADE},
)


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """A plan as its file says it, of STEPS."""
    draft = Draft(DAY)
    context = call(draft, dry=True)
    draft.about("repository", "lepton/lepton")
    draft.about("version", "0.7.0")
    draft.see(context.doors, "refs/tags/0.7.*", {})
    draft.see(context.doors, "refs/heads/main*", {MAIN: OLD})
    draft.see(context.doors, "images", {"one": "sha256:1"})
    walk(context, *STEPS)
    plan_file.save(draft, tmp_path / "plan.json", "release.minor", {"version": "", "image": True})
    return dict(json.loads((tmp_path / "plan.json").read_text()))


def test_what_nobody_can_know_is_noted_by_what_it_will_hold(document: dict[str, Any]) -> None:
    facts = [each["facts"] for each in document["steps"]]
    made = {"known": "later", "tree": TREE, "base": OLD, "commits": 1}
    assert facts[0]["commit"] == {**made, "by": f"bump {BRANCH}"}
    assert facts[1]["file"] == f"sdk.yaml in {TREE}"
    assert facts[2]["commit"] == facts[3]["commit"] == {**made, "by": "merge image → main"}
    assert facts[4]["digests"] == {"one": {"known": "later"}, "old": "sha256:1"}


def test_the_same_steps_are_right_planned_anew_and_made(document: dict[str, Any]) -> None:
    walk(call(Approved(document), dry=True), *STEPS)
    walk(call(Approved(document)), *REAL)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (bump(Content(TREE, OTHER, 1)), f"bump {BRANCH}: base: planned {OLD}, now {OTHER}"),
        (bump(Content(OTHER, OLD, 1)), f"bump {BRANCH}: tree: planned {TREE}, now {OTHER}"),
        (bump(Content(TREE, OLD, 2)), "commits: planned 1, now 2"),
        (bump(OTHER), f"commit: planned a new commit with tree {TREE[:12]} on {OLD[:12]}, now {OTHER}"),
        (
            {**STEPS[1], "inputs": {"is_release": False, "version": "0.7.0"}},
            "inputs: is_release: planned True, now False",
        ),
        ({**STEPS[1], "inputs": {"is_release": 1, "version": "0.7.0"}}, "inputs: is_release: planned True, now 1"),
        ({**STEPS[1], "inputs": {"version": "0.7.0"}}, "inputs: is_release: planned True, now nothing"),
        ({**STEPS[1], "inputs": {**STEPS[1]["inputs"], "more": "x"}}, "inputs: more: planned nothing, now x"),
        ({**STEPS[1], "file": File(OTHER, "sdk.yaml")}, f"file: planned sdk.yaml in {TREE}, now sdk.yaml in {OTHER}"),
        ({**STEPS[2], "onto": OTHER}, f"onto: planned {OLD}, now {OTHER}"),
        ({**STEPS[4], "digests": {"one": LATER, "old": "sha256:2"}}, "digests: old: planned sha256:1, now sha256:2"),
        ({"delete": BRANCH}, "the plan has no such step: a step"),
        ({"tag": "refs/tags/0.7.1", "commit": NEW}, "the plan has no such step: a step"),
    ],
)
def test_a_step_that_differs_is_refused(document: dict[str, Any], step: dict[str, Any], words: str) -> None:
    with pytest.raises(Conflict) as refused:
        walk(call(Approved(document), dry=True), step)
    assert refused.value.problem.endswith(words)
    assert refused.value.hint.startswith("Look at what changed; then plan anew: inv --dry")


def test_what_became_known_is_the_same_in_every_later_step(document: dict[str, Any]) -> None:
    """Another commit of the very same content is not the one that was merged."""
    twin = NEW[:-1] + "1"
    walk(call(Approved(document)), {"tag": TAG, "commit": twin})  # by itself it is right
    with pytest.raises(Conflict, match=f"tag {TAG}: commit"):
        walk(call(Approved(document)), *REAL[:3], {"tag": TAG, "commit": twin})


def test_what_the_tags_push_makes_is_not_there_before_the_tag(document: dict[str, Any]) -> None:
    there = {"images": "lepton", "digests": {"one": "sha256:9", "old": "sha256:1"}}
    walk(call(Approved(document)), *REAL, there)
    with pytest.raises(Conflict, match="digests: one: planned a new one, now sha256:9"):
        walk(call(Approved(document), dry=True), *STEPS[:4], there)


def test_what_a_plan_says_is_told_in_one_line(document: dict[str, Any]) -> None:
    document["seen"] = {"images": {"one": "sha256:1\n✔ all is well"}}
    context = call(Approved(document))
    with pytest.raises(Conflict) as refused:
        context.plan.see(context.doors, "images", {"one": "sha256:2"}, whole=False)
    assert refused.value.problem == "one: planned sha256:1 ✔ all is well, now sha256:2"


def test_a_bump_on_what_the_plan_made_is_told_by_its_tree(document: dict[str, Any]) -> None:
    """A call that has its picks by now makes one commit on top of those, not all of them on top of the old head."""
    walk(call(Approved(document)), bump(Content(TREE, MADE, 1)))
    for other in (Content(OTHER, MADE, 1), Content(TREE, OTHER, 1)):
        with pytest.raises(Conflict, match=f"bump {BRANCH}: "):
            walk(call(Approved(document)), bump(other))


def test_what_was_seen_is_the_same_or_made_by_the_plan(document: dict[str, Any]) -> None:
    context = call(Approved(document))
    see = context.plan.see
    see(context.doors, "refs/tags/0.7.*", {TAG: MADE})
    see(context.doors, "refs/heads/main*", {MAIN: MADE})
    see(context.doors, "refs/tags/0.6.*", {"refs/tags/0.6.9": OTHER})  # nothing rests on it
    see(context.doors, "images", {"one": "sha256:1", "new": "sha256:9"}, whole=False)
    see(context.doors, "images", {}, whole=False)
    for where, found, whole in (
        ("refs/tags/0.7.*", {TAG: OTHER}, True),
        ("refs/tags/0.7.*", {"refs/tags/0.7.1": MADE}, True),
        ("refs/heads/main*", {MAIN: OTHER}, True),
        ("refs/heads/main*", {}, True),
        ("images", {"one": "sha256:2"}, False),
    ):
        with pytest.raises(Conflict, match=r"planned .*, now "):
            see(context.doors, where, found, whole=whole)


def test_a_plan_is_of_one_repository_and_version(document: dict[str, Any]) -> None:
    plan = Approved(document)
    plan.about("version", "0.7.0")
    with pytest.raises(Conflict, match=r"version: planned 0\.7\.0, now 0\.8\.0"):
        plan.about("version", "0.8.0")
    with pytest.raises(Usage, match="the plan is one of lepton/lepton, and this is other/other"):
        plan.about("repository", "other/other")


def test_ensure_refuses_before_it_makes_and_proves_what_it_made(document: dict[str, Any]) -> None:
    made: list[str] = []

    def release(planned: Content, found: str) -> str:
        return ensure(
            call(Approved(document)), "the bump", find=lambda: next(iter(made), None), planned="",
            make=lambda: made.append(found), facts=lambda there: bump(there or planned),
        )  # fmt: skip

    with pytest.raises(Conflict, match="base: planned"):
        release(Content(TREE, OTHER, 1), MADE)
    assert made == []
    with pytest.raises(Conflict, match="commit: planned a new commit"):
        release(Content(TREE, OLD, 1), OTHER)
    made.clear()
    assert release(Content(TREE, OLD, 1), MADE) == release(Content(TREE, OLD, 1), MADE) == MADE


# --- the file ---


def written(tmp_path: Path, content: object) -> Path:
    file = tmp_path / "other.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


HOSTILE = {
    "no JSON": "{",
    "a list": [],
    "deep": "[" * 100_000,
    "huge": '"' + "x" * (8 * 2**20) + '"',
    "another tool's": {"schema": "terraform"},
    "a number for a schema": {"schema": 7},
    "a later form": {"schema": "urn:release-tasks:plan:v2"},
    "cut": {"schema": plan_file.SCHEMA},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plan_is_refused_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(Usage, match=r"is no plan|another form|no whole plan") as refused:
        plan_file.follow(written(tmp_path, HOSTILE[name]), "release.minor", {})
    assert "\n" not in refused.value.problem


@pytest.mark.parametrize(
    "change",
    [
        {"version": "0.7.0\n"}, {"task": "release.minor; rm -rf ~"},
        {"repository": None}, {"version": 7}, {"date": "yesterday"}, {"date": "20261122"}, {"flags": []}, {"seen": []},
        {"seen": {"refs": []}}, {"seen": {"refs": {"a": 1}}}, {"steps": {}}, {"steps": ["tag"]}, {"steps": [{}]},
        {"steps": [{"kind": "tag", "name": TAG, "state": "todo", "facts": []}]},
        {"steps": [{"kind": "tag", "name": TAG, "state": "todo", "facts": {"commit": [OLD]}}]},
        {"steps": [{"kind": "tag", "name": TAG, "state": "todo", "facts": {"commit": {**LATER, "tree": 7}}}]},
        {"steps": [{"kind": "tag", "name": TAG, "state": "todo", "facts": {"commit": {**LATER, "commits": 10**9}}}]},
    ],
)  # fmt: skip
def test_a_plan_of_other_types_is_refused(tmp_path: Path, document: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(Usage, match="is no whole plan: it was changed by hand, or cut"):
        plan_file.follow(written(tmp_path, {**document, **change}), "release.minor", {"version": "", "image": True})


@pytest.mark.parametrize(
    ("task", "flags", "words"),
    [
        ("release.major", {"version": "", "image": True}, "is a plan of release.minor, not of release.major"),
        ("release.minor", {"version": "0.8.0", "image": True}, "is a plan of 0.7.0, not of 0.8.0"),
        ("release.minor", {"version": "0.7.0.1", "image": True}, "is a plan of 0.7.0, not of 0.7.0.1"),
        ("release.minor", {"version": "", "image": False}, "was made with another --image"),
    ],
)
def test_a_plan_of_another_call_is_refused(
    tmp_path: Path, document: dict[str, Any], task: str, flags: dict[str, Any], words: str
) -> None:
    with pytest.raises(Usage, match=words):
        plan_file.follow(written(tmp_path, document), task, flags)


@pytest.mark.parametrize("version", ["", "0.7", "0.7.0"])
def test_its_own_call_is_taken_with_its_version_named_or_not(
    tmp_path: Path, document: dict[str, Any], version: str
) -> None:
    flags = {"version": version, "image": True}
    assert plan_file.follow(written(tmp_path, document), "release.minor", flags).day == DAY


def test_a_plan_is_written_over_a_plan_alone(tmp_path: Path, document: dict[str, Any]) -> None:
    plan_file.begin(written(tmp_path, document), DAY)
    plan_file.begin(tmp_path / "new.json", DAY)
    with pytest.raises(Usage, match="is no plan"):
        plan_file.begin(written(tmp_path, "from release import namespace\n"), DAY)
    with pytest.raises(Usage, match="cannot be written"):
        plan_file.save(Draft(DAY), tmp_path / "none" / "plan.json", "release.minor", {})
    with pytest.raises(Usage, match="cannot be read"):
        plan_file.follow(tmp_path / "none.json", "release.minor", {})
