"""Pull requests: found or opened, merged as reviewed once its base's checks passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from history import write_commit
from outside import everything, remote_refs, writes

from release.call.context import Context
from release.call.flags import PickRequest
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting
from release.git.refs import RemoteRef
from release.git.snapshot import remote
from release.github.api import github
from release.github.pulls import PullRequest, merge_pull_request, open_pull_request, pulls_of
from release.picks import request as picks_request
from release.sandbox import Sandbox
from release.sandbox.github.rules import protect, unprotect
from release.sandbox.github.state import Hub, add_check, add_review, add_status
from release.tasks import image, picks, pipelines
from release.versions import parse

pytestmark = pytest.mark.usefixtures("doubles")

CONFIG = "sdk/leptonai/config.py"
VERSION = parse("0.7.0")
MAIN = "refs/heads/main"


class Events(FakeClock):
    """Time that has something happen at given moments."""

    def __init__(self, *events: tuple[float, Callable[[], object]]) -> None:
        super().__init__()
        self.begin, self.events = self.time, list(events)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        while self.events and self.time - self.begin >= self.events[0][0]:
            self.events.pop(0)[1]()


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=Events(), timeout=600)


@pytest.fixture
def head(sandbox: Sandbox) -> RemoteRef:
    """A branch with a bump in it, on the remote."""
    text = 'BASE_IMAGE_VERSION = "{}"'.format
    sha = write_commit(sandbox, "image-0.7.0", CONFIG, text("0.6.2"), text("0.7.0"), "Use image 0.7.0")
    return RemoteRef("refs/heads/image-0.7.0", sha, sha)


@pytest.fixture
def hub(sandbox: Sandbox) -> Hub:
    return sandbox.github.hub


def opened(context: Context, base: str = "main") -> PullRequest:
    sha = remote(context).head_sha("image-0.7.0") or ""
    return open_pull_request(
        context, RemoteRef("refs/heads/image-0.7.0", sha, sha), base, "Use image 0.7.0", "Sets it."
    )


def require(hub: Hub, *names: str, strict: bool = False) -> None:
    checks = [{"context": name} for name in names]
    rule = {"required_status_checks": checks, "strict_required_status_checks_policy": strict}
    protect(hub, MAIN, required_status_checks=rule)


def merges(sandbox: Sandbox) -> int:
    return sum(each.endswith("/merge") for each in writes(sandbox))


def at(context: Context, *events: tuple[float, Callable[[], object]]) -> None:
    clock = context.clock
    assert isinstance(clock, Events)
    clock.begin, clock.events = clock.time, list(events)


def refused(context: Context, pull: PullRequest, sha: str) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        merge_pull_request(context, pull, sha)
    return caught.value


# --- found or opened ---


def test_f17_one_that_is_open_is_adopted(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    first = opened(context)
    other = again(context)
    assert opened(other).number == first.number == other.report.facts["pr_number"]
    assert sum(each.endswith("/pulls") for each in writes(sandbox)) == 1


def test_f17_one_that_somebody_opened_in_the_same_moment_is_adopted(
    sandbox: Sandbox, context: Context, head: RemoteRef
) -> None:
    """GitHub says 422 "A pull request already exists": the look that follows finds it."""
    sandbox.github.faults.add("GET", r"/pulls\?", status=200, body=[])
    first = opened(context)
    sandbox.github.faults.add("GET", r"/pulls\?", status=200, body=[])
    assert opened(again(context)).number == first.number
    assert len(sandbox.github.hub.pulls) == 1


def test_f17_a_lost_answer_opens_no_second_one(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    sandbox.github.faults.add("POST", r"/pulls\?", status=502, after=True)
    assert opened(context).number == 1
    assert len(sandbox.github.hub.pulls) == 1


def test_f17_one_that_was_merged_at_an_older_commit_of_its_branch_is_left_alone(
    sandbox: Sandbox, context: Context, head: RemoteRef
) -> None:
    """A pick that was reverted and is made again has the same branch name: its pull request is another one."""
    first = merge_pull_request(context, opened(context), head.sha)
    assert opened(again(context)).number == first.number
    write_commit(sandbox, "image-0.7.0", CONFIG, "0.7.0", "0.7.1", "Use another")
    assert opened(again(context)).number == first.number + 1


def test_f18_a_release_branch_is_never_a_head(sandbox: Sandbox, context: Context) -> None:
    with pytest.raises(Usage, match=r"release-0\.6-20260901 is a release branch"):
        open_pull_request(context, RemoteRef("refs/heads/release-0.6-20260901", "", ""), "main", "No", "No")
    assert writes(sandbox) == []


# --- merged as reviewed ---


def test_f15_the_merge_sends_the_head(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    merged = merge_pull_request(context, opened(context), head.sha)
    asked = next(each for each in sandbox.github.requests if each.method == "PUT")
    assert asked.body == {"sha": head.sha, "merge_method": "merge"}
    assert merged.merge_sha == remote_refs(sandbox)[MAIN]
    merge_pull_request(again(context), merged, head.sha)
    assert merges(sandbox) == 1


def test_f15_a_head_that_moved_is_a_conflict(sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub) -> None:
    pull = opened(context)
    other = hub.bare.git("commit-tree", f"{head.sha}^{{tree}}", "-p", head.sha, text="Other").strip()

    def move() -> None:
        hub.pulls[1].head_sha = other

    sandbox.github.faults.add("PUT", "/merge", call=move)
    error = refused(context, pull, head.sha)
    assert (type(error), merges(sandbox)) == (Conflict, 1)
    assert f"is at {other[:9]}, not at {head.sha[:9]}" in error.problem
    assert pull.url in error.hint
    assert isinstance(refused(again(context), pull, head.sha), Conflict)
    assert merges(sandbox) == 1


def test_f15_a_base_that_moved_is_tried_again(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    body = {"message": "Base branch was modified. Review and try the merge again."}
    sandbox.github.faults.add("PUT", "/merge", status=405, body=body, times=2)
    assert merge_pull_request(context, opened(context), head.sha).merged
    assert merges(sandbox) == 3


def test_f15_a_base_that_keeps_moving_is_left_for_later(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    body = {"message": "Base branch was modified. Review and try the merge again."}
    sandbox.github.faults.add("PUT", "/merge", status=405, body=body, times=None)
    assert isinstance(refused(context, opened(context), head.sha), Waiting)
    assert merges(sandbox) == 5


def test_a_lost_answer_to_the_merge_is_looked_into(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    sandbox.github.faults.add("PUT", "/merge", status=502, after=True)
    assert merge_pull_request(context, opened(context), head.sha).merged
    assert merges(sandbox) == 1


def test_f37_what_was_written_may_show_some_seconds_later(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    faults = sandbox.github.faults
    faults.add("GET", r"/pulls\?", status=200, body=[], times=3)
    pull = opened(context)
    before = github(context).get(f"pulls/{pull.number}")
    faults.add("PUT", "/merge", call=lambda: faults.add("GET", r"/pulls/1\?", change=lambda _: before, times=3))
    assert merge_pull_request(context, pull, head.sha).merged
    assert [each.rpartition("/")[2] for each in writes(sandbox)] == ["pulls", "merge"]


@pytest.mark.parametrize("allowed", ["squash", "rebase"])
@pytest.mark.parametrize("by", ["repository", "rule"])
def test_the_method_is_one_that_is_allowed(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub, allowed: str, by: str
) -> None:
    if by == "rule":
        protect(hub, MAIN, pull_request={"allowed_merge_methods": [allowed]})
    else:
        hub.settings.allow_merge_commit = False
        hub.settings.allow_squash_merge = allowed == "squash"
    assert merge_pull_request(context, opened(context), head.sha).merged
    asked = next(each for each in sandbox.github.requests if each.method == "PUT")
    assert asked.body["merge_method"] == allowed


def test_every_rule_and_the_repository_has_a_say_in_the_method(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    """GitHub may have several rules of a type in force: a second one counts as much as the first."""
    protect(hub, MAIN, pull_request={"allowed_merge_methods": ["merge", "squash", "rebase"]})
    protect(hub, MAIN, pull_request={"allowed_merge_methods": ["merge", "squash"]}, required_linear_history={})
    assert merge_pull_request(context, opened(context), head.sha).merged
    asked = next(each for each in sandbox.github.requests if each.method == "PUT")
    assert asked.body["merge_method"] == "squash"


def no_way_to_merge(hub: Hub, ref: str) -> None:
    protect(hub, ref, pull_request={"allowed_merge_methods": ["merge", "squash"]}, required_linear_history={})
    hub.settings.allow_squash_merge = False


@pytest.mark.parametrize("begin", ["image.release", "image.pr", "release.minor", "release.pick"])
def test_where_no_method_is_left_nothing_is_written(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub, begin: str
) -> None:
    picked = PickRequest(pr=("14",), via_pr=True)
    no_way_to_merge(hub, "refs/heads/release-0.6-20260901" if begin == "release.pick" else MAIN)
    before = everything(sandbox)
    tasks: dict[str, Callable[[], object]] = {
        "image.release": lambda: image.release(context, "0.7.0"),
        "image.pr": lambda: image.pr(context, "0.7.0", merge=True),
        "release.minor": lambda: pipelines.minor(context, "0.7.0"),
        "release.pick": lambda: picks.pick(context, line="0.6", wanted=picked),
    }
    with pytest.raises(Failed, match="leave no way to merge a pull request") as caught:
        tasks[begin]()
    assert "/settings/rules" in caught.value.hint
    assert everything(sandbox) == before


def test_rules_are_read_once_for_a_whole_backport(sandbox: Sandbox, context: Context) -> None:
    picks.pick(context, line="0.6", wanted=PickRequest(pr=("14",), via_pr=True))
    assert sum("/rules/branches/" in each.path for each in sandbox.github.requests) == 1
    assert merges(sandbox) == 1


@pytest.mark.parametrize("sha", ["f" * 40, ""])
def test_a_commit_that_github_does_not_know_is_in_no_pull_request(context: Context, sha: str) -> None:
    assert pulls_of(context, sha) == []


# --- in words ---


def draft(hub: Hub) -> None:
    hub.pulls[1].draft = True


def close(hub: Hub) -> None:
    hub.pulls[1].state = "closed"


def queue(hub: Hub) -> None:
    protect(hub, MAIN, merge_queue={})


def approval(hub: Hub) -> None:
    protect(hub, MAIN, pull_request={"required_approving_review_count": 1})


def changes(hub: Hub) -> None:
    add_review(hub, hub.pulls[1], "CHANGES_REQUESTED")


def behind(hub: Hub) -> None:
    sha = hub.bare.git("commit-tree", f"{MAIN}^{{tree}}", "-p", str(hub.head("main")), text="Newer").strip()
    hub.bare.update_ref(MAIN, sha)
    require(hub, strict=True)


def conflict(hub: Hub) -> None:
    blob = hub.bare.git("hash-object", "-w", "--stdin", text='BASE_IMAGE_VERSION = "9"\n').strip()
    listed = hub.bare.git("ls-tree", "-r", MAIN).splitlines()
    lines = [f"100644 blob {blob}\tsdk/leptonai/config.py" if line.endswith("config.py") else line for line in listed]
    index = str(hub.folder / "conflict-index")
    hub.bare.git("update-index", "--index-info", text="\n".join(lines) + "\n", GIT_INDEX_FILE=index)
    tree = hub.bare.git("write-tree", GIT_INDEX_FILE=index).strip()
    sha = hub.bare.git("commit-tree", tree, "-p", str(hub.head("main")), text="Other").strip()
    hub.bare.update_ref(MAIN, sha)


STANDS: dict[str, tuple[Callable[[Hub], None], type[ReleaseError], str]] = {
    "draft": (draft, Waiting, "pull request #1 is a draft"),
    "closed": (close, Conflict, "pull request #1 was closed without merging"),
    "f16 merge queue": (queue, Waiting, "pull request #1 has to go through the merge queue of main"),
    "approval": (approval, Waiting, "pull request #1 waits for approval"),
    "changes": (changes, Waiting, "pull request #1 waits for approval"),
    "behind": (behind, Failed, "pull request #1 is behind main, which wants it up to date"),
    "conflict": (conflict, Conflict, "pull request #1 conflicts with main"),
}


@pytest.mark.parametrize("stands", STANDS)
def test_what_stands_against_a_merge_is_said_in_words(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub, stands: str
) -> None:
    prepare, kind, words = STANDS[stands]
    pull = opened(context)
    prepare(hub)
    before = hub.head("main")
    error = refused(context, pull, head.sha)
    assert (type(error), error.problem.partition(":")[0]) == (kind, words)
    assert pull.url in error.hint
    assert hub.head("main") == before


def test_f16_a_merge_queue_is_seen_before_a_merge_is_tried(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    queue(hub)
    assert refused(context, opened(context), head.sha).code == 4
    assert merges(sandbox) == 0


def test_a_merge_that_github_never_works_out_is_unknown(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    pull = opened(context)
    sandbox.github.faults.add("GET", r"/pulls/1\?", change=lambda body: body | {"mergeable": None}, times=None)
    begin = context.clock.monotonic()
    error = refused(context, pull, head.sha)
    assert isinstance(error, Unknown)
    assert error.problem == "GitHub does not say whether pull request #1 merges"
    assert error.hint == "Run the same again."
    assert context.clock.monotonic() - begin >= 30
    assert merges(sandbox) == 0


def test_f15_a_policy_is_never_tried_again(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    body = {"message": "Merge commits must be signed by the king."}
    sandbox.github.faults.add("PUT", "/merge", status=405, body=body, times=None)
    error = refused(context, opened(context), head.sha)
    assert isinstance(error, Failed)
    assert "signed by the king" in error.problem
    assert merges(sandbox) == 1


def test_the_same_again_goes_on_once_it_is_approved(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    approval(hub)
    pull = opened(context)
    assert refused(context, pull, head.sha).code == 4
    add_review(hub, hub.pulls[1])
    unprotect(hub)
    assert merge_pull_request(again(context), pull, head.sha).merged


# --- required checks ---


def test_required_checks_are_waited_for_statuses_and_check_runs(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    require(hub, "build", "legacy/ci")
    pull = opened(context)
    add_check(hub, head.sha, "build", status="in_progress")
    add_check(hub, head.sha, "not required", "failure")
    add_status(hub, head.sha, "pending", "legacy/ci")
    at(
        context,
        (30, lambda: add_check(hub, head.sha, "build", "neutral")),
        (60, lambda: add_status(hub, head.sha, "success", "legacy/ci")),
    )
    assert merge_pull_request(context, pull, head.sha).merged
    assert merges(sandbox) == 1
    asked = next(each for each in sandbox.github.requests if each.method == "PUT")
    assert asked.body["merge_method"] == "merge", "no rule of these is against it"
    assert "legacy/ci  in progress" in printed(context)
    assert "legacy/ci  success" in printed(context)


@pytest.mark.parametrize("state", ["failure", "timed_out", "cancelled"])
def test_a_required_check_that_failed_fails(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub, state: str
) -> None:
    require(hub, "build")
    pull = opened(context)
    add_check(hub, head.sha, "build", state)
    error = refused(context, pull, head.sha)
    assert error.problem.startswith(f"checks of pull request #1 at {head.sha[:9]} failed:")
    assert f"build: {state.replace('_', ' ')}" in error.problem
    assert pull.url in error.hint
    assert (error.code, merges(sandbox)) == (1, 0)


@pytest.mark.slow
def test_a_check_that_nothing_reports_is_named_after_two_minutes(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    require(hub, "build", "renamed long ago")
    pull = opened(context)
    add_check(hub, head.sha, "build", "success")
    said: dict[int, bool] = {}
    words = "renamed long ago is expected, never reported"
    at(
        context,
        *((moment, lambda moment=moment: said.update({moment: words in printed(context)})) for moment in (110, 150)),
    )
    error = refused(context, pull, head.sha)
    assert said == {110: False, 150: True}
    assert printed(context).count(words) == 1
    assert isinstance(error, Waiting)
    assert "renamed long ago (expected)" in error.problem
    assert merges(sandbox) == 0


def test_checks_of_a_base_protected_the_older_way_count_too(
    sandbox: Sandbox, context: Context, head: RemoteRef, hub: Hub
) -> None:
    pull = opened(context)
    add_check(hub, head.sha, "older", "failure")
    body: dict[str, Any] = github(context).get("branches/main")
    body["protection"] = {
        "enabled": True,
        "required_status_checks": {"enforcement_level": "everyone", "contexts": ["older"], "checks": []},
    }
    sandbox.github.faults.add("GET", "/platform/branches/main", status=200, body=body)
    assert "older: failure" in refused(context, pull, head.sha).problem


def test_a_dry_run_reads_and_merges_nothing(sandbox: Sandbox, context: Context, head: RemoteRef) -> None:
    pull = opened(context)
    before = writes(sandbox)
    dry = again(context, dry=True)
    merge_pull_request(dry, pull, head.sha)
    assert "merge pull request #1" in printed(dry)
    assert writes(sandbox) == before


def test_f03_the_newer_version_of_the_api_alone_tells_a_merge_too(context: Context, head: RemoteRef, hub: Hub) -> None:
    hub.settings.versions = ("2026-03-10",)
    merged = merge_pull_request(context, opened(context), head.sha)
    assert "merge_commit_sha" not in github(context).get(f"pulls/{merged.number}")
    assert merged.merge_sha == hub.head("main")
    assert [each.merge_sha for each in pulls_of(context, head.sha)] == [merged.merge_sha]
    assert picks_request.pull_request_shas(context, str(merged.number), RemoteRef(MAIN, merged.merge_sha, "")) == [
        merged.merge_sha
    ]
