"""What a release tool asks of GitHub, by PyGithub (https://github.com/PyGithub/PyGithub), of the sandbox's GitHub."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from client_world import DISPATCHED, client_world
from sources import package

from release.sandbox import Sandbox

Calls = dict[str, Callable[[], Any]]
NOT_OURS = {"download_asset": "PyGithub leaves an Enterprise Server's own host for no redirect"}


def cases() -> Iterator[tuple[str, str]]:
    """Make each call once; those that need something make it first."""
    sys.path.append(str(package("PyGithub==2.10.0")))
    github: Any = importlib.import_module("github")
    with client_world() as sandbox:
        hub = github.Github(
            base_url=sandbox.github.api_url, auth=github.Auth.Token(os.environ["GITHUB_TOKEN"]), retry=None,
            seconds_between_requests=0, seconds_between_writes=0,
        )  # fmt: skip
        repo = hub.get_repo(sandbox.github.hub.full_name)
        for group in (reads, git_calls, checks, pulls, releases, actions):
            for name, call in group(hub, repo, sandbox).items():
                yield name, NOT_OURS.get(name) or _fault(call)


def _fault(call: Callable[[], Any]) -> str:
    try:
        found = call()
        if type(found).__name__ == "PaginatedList":
            list(found)
    except Exception as error:  # noqa: BLE001 # whatever it raises is what is told
        return f"FALSE: {type(error).__name__}: {error}"
    return ""


def reads(hub: Any, repo: Any, sandbox: Sandbox) -> Calls:
    """Who asks, what the repository is, and its files."""
    return {
        "get_user": lambda: hub.get_user().login,
        "get_user of a name": lambda: hub.get_user("reviewer").name,
        "get_rate_limit": lambda: hub.get_rate_limit().resources.core.remaining,
        "get_repo": lambda: hub.get_repo(repo.full_name).default_branch,
        "search_issues": lambda: hub.search_issues(f"repo:{repo.full_name} is:pr"),
        "get_branches": repo.get_branches,
        "get_branch": lambda: repo.get_branch("main").commit.sha,
        "get_tags": repo.get_tags,
        "get_commits": repo.get_commits,
        "get_commits of a path": lambda: repo.get_commits(sha="main", path="README.md"),
        "get_commit": lambda: repo.get_commit("main").files,
        "get_commit.get_pulls": lambda: repo.get_commit("topic").get_pulls(),
        "compare": lambda: repo.compare("main", "topic").ahead_by,
        "get_contents": lambda: repo.get_contents("README.md").decoded_content,
        "get_contents of the root": lambda: [each.path for each in repo.get_contents("")],
        "get_contents of a folder": lambda: repo.get_contents(".github/workflows", ref="main"),
        "get_dir_contents": lambda: repo.get_contents(".github"),
        "get_readme": lambda: repo.get_readme().decoded_content,
        "get_archive_link": lambda: repo.get_archive_link("zipball", "main"),
        "get_collaborator_permission": lambda: repo.get_collaborator_permission("releaser"),
        "get_labels": repo.get_labels,
        "edit": lambda: repo.edit(delete_branch_on_merge=False),
    }  # fmt: skip


def git_calls(_hub: Any, repo: Any, sandbox: Sandbox) -> Calls:
    """Git's objects and refs, and files by commits."""
    head = repo.get_branch("main").commit.sha
    element = importlib.import_module("github").InputGitTreeElement
    tree = repo.create_git_tree([element("new.txt", "100644", "blob", content="new\n")], repo.get_git_tree("main"))
    commit = repo.create_git_commit("New", tree, [repo.get_git_commit(head)])
    tag = repo.create_git_tag("9.0.0", "words", commit.sha, "commit")
    repo.create_git_ref("refs/heads/work", head)
    return {
        "get_git_ref": lambda: repo.get_git_ref("heads/main").object.sha,
        "get_git_matching_refs": lambda: repo.get_git_matching_refs("tags/"),
        "get_git_refs": repo.get_git_refs,
        "get_git_tree": lambda: repo.get_git_tree("main", recursive=True).tree,
        "get_git_commit": lambda: repo.get_git_commit(head).message,
        "get_git_tag": lambda: repo.get_git_tag(tag.sha).tagger.name,
        "get_git_blob": lambda: repo.get_git_blob(repo.get_contents("README.md").sha).content,
        "create_git_blob": lambda: repo.create_git_blob("text", "utf-8").sha,
        "create_git_ref": lambda: repo.create_git_ref("refs/tags/9.0.0", tag.sha).ref,
        "GitRef.edit": lambda: repo.get_git_ref("heads/work").edit(commit.sha),
        "create_file": lambda: repo.create_file("made.txt", "Make", "one", branch="work")["commit"].sha,
        "update_file": lambda: repo.update_file(
            "made.txt", "Change", "two", repo.get_contents("made.txt", "work").sha, "work"
        ),
        "delete_file": lambda: repo.delete_file(
            "made.txt", "Delete", repo.get_contents("made.txt", "work").sha, "work"
        ),
        "merge": lambda: repo.merge("work", "topic").sha,
        "GitRef.delete": lambda: repo.get_git_ref("heads/work").delete(),
    }


def checks(_hub: Any, repo: Any, sandbox: Sandbox) -> Calls:
    """What is said of a commit."""
    commit = repo.get_commit("topic")
    check = repo.create_check_run("lint", commit.sha, status="in_progress")
    return {
        "create_status": lambda: commit.create_status("success", "https://ci.example/1", "words", "ci"),
        "get_combined_status": lambda: commit.get_combined_status().state,
        "get_statuses": commit.get_statuses,
        "create_check_run": lambda: (
            repo.create_check_run(
                "docs", commit.sha, conclusion="success", output={"title": "T", "summary": "S"}
            ).conclusion
        ),
        "CheckRun.edit": lambda: check.edit(conclusion="failure"),
        "get_check_run": lambda: repo.get_check_run(check.id).name,
        "CheckRun.get_annotations": check.get_annotations,
        "get_check_runs": commit.get_check_runs,
        "get_check_runs of a name": lambda: commit.get_check_runs(check_name="lint"),
        "get_check_suites": commit.get_check_suites,
    }


def pulls(_hub: Any, repo: Any, sandbox: Sandbox) -> Calls:
    """Pull requests, their labels, comments and reviews."""
    pull = repo.create_pull(base="main", head="topic", title="Topic", body="Words")
    comment = pull.create_issue_comment("Words")
    label = repo.create_label("backport", "ff0000", "words")
    return {
        "get_pulls": lambda: repo.get_pulls(state="open", base="main", head=f"{repo.owner.login}:topic"),
        "get_pull": lambda: repo.get_pull(pull.number).mergeable,
        "PullRequest.edit": lambda: pull.edit(title="Topic again"),
        "PullRequest.get_commits": pull.get_commits,
        "PullRequest.get_files": pull.get_files,
        "PullRequest.create_review": lambda: pull.create_review(body="Well", event="COMMENT"),
        "PullRequest.get_reviews": pull.get_reviews,
        "PullRequest.get_comments": pull.get_comments,
        "create_review_request": lambda: pull.create_review_request(reviewers=["reviewer"]),
        "add_to_labels": lambda: pull.add_to_labels("backport", "other"),
        "set_labels": lambda: pull.set_labels("backport", "urgent"),
        "get_labels of it": pull.get_labels,
        "remove_from_labels": lambda: pull.remove_from_labels("urgent"),
        "delete_labels": pull.delete_labels,
        "as_issue": lambda: pull.as_issue().title,
        "get_issue": lambda: repo.get_issue(pull.number).edit(labels=["backport"]),
        "get_issues": lambda: repo.get_issues(state="all"),
        "get_issue_comments": pull.get_issue_comments,
        "IssueComment.edit": lambda: comment.edit("Other words"),
        "IssueComment.delete": comment.delete,
        "get_label": lambda: repo.get_label("backport").color,
        "Label.edit": lambda: label.edit("backport", "00ff00"),
        "Label.delete": label.delete,
        "update_branch": lambda: _behind(repo, pull),
        "is_merged": pull.is_merged,
        "PullRequest.merge": lambda: repo.get_pull(pull.number).merge(merge_method="squash").sha,
        "close": lambda: repo.create_pull(base="main", head="other", title="Other").edit(state="closed"),
    }


def _behind(repo: Any, pull: Any) -> bool:
    repo.create_file("later.txt", "Go on", "later", branch="main")
    return bool(pull.update_branch())


def releases(_hub: Any, repo: Any, sandbox: Sandbox) -> Calls:
    """Releases and their files."""
    draft = repo.create_git_release("1.0.0", "1.0.0", "Words", draft=True, target_commitish="main")
    asset = draft.upload_asset(str(sandbox.work / "README.md"), name="a.txt", content_type="text/plain")
    return {
        "generate_release_notes": lambda: repo.generate_release_notes("1.0.0").body,
        "get_releases": repo.get_releases,
        "get_release by its number": lambda: repo.get_release(draft.id).draft,
        "upload_asset": lambda: draft.upload_asset(str(sandbox.work / "README.md"), name="b.txt"),
        "get_assets": draft.get_assets,
        "ReleaseAsset.update_asset": lambda: asset.update_asset("c.txt", "words"),
        "get_release_asset": lambda: repo.get_release_asset(asset.id).digest,
        "download_asset": lambda: asset.download_asset(str(sandbox.folder / "asset")),
        "update_release": lambda: draft.update_release("1.0.0", "More words", draft=False),
        "get_release by its tag": lambda: repo.get_release("1.0.0").title,
        "get_latest_release": lambda: repo.get_latest_release().tag_name,
        "create_git_tag_and_release": lambda: repo.create_git_tag_and_release(
            "1.1.0", "words", "1.1.0", "Words", repo.get_branch("main").commit.sha, "commit"
        ),
        "delete_asset": lambda: repo.get_release_asset(asset.id).delete_asset(),
        "delete_release": lambda: repo.get_release("1.0.0").delete_release(),
    }


def actions(_hub: Any, repo: Any, sandbox: Sandbox) -> Calls:
    """Workflows and their runs."""
    workflow = repo.get_workflow("build.yaml")
    workflow.create_dispatch("main", {"publish": "true"})
    run = repo.get_workflow_runs()[0]
    job = run.jobs()[0]
    return {
        "get_workflows": repo.get_workflows,
        "create_dispatch": lambda: workflow.create_dispatch("main", {"publish": "true"}),
        "create_repository_dispatch": lambda: _dispatched(repo),
        "Workflow.get_runs": lambda: workflow.get_runs(event="workflow_dispatch", branch="main"),
        "get_workflow_runs": lambda: repo.get_workflow_runs(head_sha=run.head_sha, status="completed"),
        "get_workflow_run": lambda: repo.get_workflow_run(run.id).conclusion,
        "WorkflowRun.jobs": run.jobs,
        "get_workflow_job": lambda: repo.get_workflow_run(run.id).jobs("all"),
        "logs_url": lambda: run._requester.requestJsonAndCheck("GET", f"{run.logs_url}"),
        "WorkflowJob.logs_url": job.logs_url,
        "WorkflowRun.get_artifacts": run.get_artifacts,
        "get_artifacts": lambda: [each.name for each in repo.get_artifacts("dist")],
        "get_artifact": lambda: repo.get_artifact(run.get_artifacts()[0].id).archive_download_url,
        "WorkflowRun.rerun": run.rerun,
        "rerun_failed_jobs": run.rerun_failed_jobs,
        "WorkflowRun.cancel": run.cancel,
        "WorkflowRun.delete": run.delete,
    }


def _dispatched(repo: Any) -> None:
    before = repo.get_workflow_runs(event="repository_dispatch").totalCount
    repo.create_repository_dispatch(DISPATCHED, {"version": "1.0.0"})
    assert repo.get_workflow_runs(event="repository_dispatch").totalCount == before + 1, "no run began"
