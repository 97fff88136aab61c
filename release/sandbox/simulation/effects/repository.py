"""git: what it answers about the commit; what it would push is listed."""

from __future__ import annotations

from release.sandbox.git import GitError
from release.sandbox.simulation.shell import Command, Result
from release.sandbox.simulation.unknown import is_known, shown, unknown
from release.sandbox.simulation.work import NO_TAG, CommitTree, Work

RELEASING = ("create", "upload", "edit", "delete", "delete-asset")  # what gh writes of a Release
_READING = {
    "rev-parse": ("--short", "--verify"),
    "describe": ("--tags", "--always", "--exact-match", "--long"),
    "log": ("-1",),
    "show": ("-s", "--no-patch"),
    "rev-list": ("--count", "-1"),
}


def git(work: Work, command: Command) -> Result:
    """Answer what Git would say about the commit that is checked out, or list what it would do."""
    words = command.words[1:]
    while words[:1] in (["-C"], ["-c"]) and len(words) > 2:
        words = words[2:]
    if not words:
        return Result(0)
    if words[0] in _READING and isinstance(work.files.tree, CommitTree):
        return _answer(work, command, words)
    if words == ["branch", "--show-current"]:
        return Result(0, work.machine.run.ref.removeprefix("refs/heads/"))
    work.git_token |= words[0] in ("config", "remote") or "://" in command.words[-1]
    if words[0] == "push" and not work.git_token:
        work.machine.check_grant("contents", "Permission to the repository denied to github-actions[bot].")
    work.tell(command.line, shown(f"git {' '.join(words[:4])}"), "listed")
    return Result(None if words[0] in ("diff", "ls-remote", "show-ref", "rev-parse") else 0, unknown(command.label))


def _answer(work: Work, command: Command, words: list[str]) -> Result:
    name, rest = words[0], words[1:]
    if name == "rev-parse" and "--abbrev-ref" in rest:
        ref = work.machine.run.ref
        return Result(0, ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else "HEAD")
    if name == "rev-parse" and rest == ["--show-toplevel"]:
        return Result(0, str(work.machine.workspace))
    flags = [word for word in rest if word.startswith("-")]
    targets = [word for word in rest if not word.startswith("-")] or ["HEAD"]
    known = all(word in _READING[name] or word.startswith(_VALUED) for word in flags)
    if not known or targets not in (["HEAD"], ["@"]) or not is_known(" ".join(words)):
        return Result(None, unknown(command.label))
    if name == "describe" and work.checkout_tag:
        return _describe(work, command, flags)
    try:
        return Result(0, work.means.bare.git(name, *flags, work.sha))
    except GitError:
        return Result(128)


_VALUED = ("--abbrev=", "--short=", "--format=", "--pretty=", "--date=", "--match=", "--exclude=")


def _describe(work: Work, command: Command, flags: list[str]) -> Result:
    """Describe a commit where one tag at most is seen: the run's own."""
    if work.checkout_tag != NO_TAG:
        return Result(0, work.checkout_tag)
    return Result(0, work.means.bare.git("rev-parse", "--short", work.sha)) if "--always" in flags else Result(128)


def gh_release(work: Work, command: Command) -> Result:
    """Say what `gh release` would write; raises `ActionFailed` where the job's own token may not."""
    token = command.state.text("GH_TOKEN") or command.state.text("GITHUB_TOKEN") or ""
    what = shown(" ".join(command.words[:4]))
    if not token and not work.opaque:
        work.tell(command.line, f"{what}: in a job gh takes its token from GH_TOKEN, which is not set", "untold")
        return Result(_NO_TOKEN)
    if token == work.machine.contexts["github"]["token"]:
        work.machine.check_grant("contents", "HTTP 403: Resource not accessible by integration")
    work.tell(command.line, what, "listed")
    return Result(0)


_NO_TOKEN = 4  # what gh exits with
