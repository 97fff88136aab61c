"""What a machine and a repository need: release.doctor, init."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import audit, git, github
from release.call.ensure import ensure
from release.call.task import task
from release.errors import Conflict, Failed

if TYPE_CHECKING:
    from pathlib import Path

    from release.audit.fit import Finding
    from release.call.context import Context


@task(reads=True)
def doctor(context: Context) -> list[Finding]:
    """Say whether this machine and token can release.

    Example: inv release.doctor
    """
    found = audit.checkup.findings(context)
    for each in found:
        context.report.step(
            STATUS[each.level], f"{each.name:12} {each.says}", check=each.name, level=each.level, fix=each.fix
        )
        if each.fix and not context.report.json:
            context.report.line(f"  {each.fix}")
    bad = [each for each in found if each.level == "bad"]
    if bad:
        names = ", ".join(dict.fromkeys(each.name for each in bad))
        fixes = "\n".join(f"{each.name}: {each.says}\n  {each.fix}" for each in bad)
        raise Failed(f"in the way of a release: {names}", fixes)
    return found


STATUS = {"good": "holds", "advice": "note", "bad": "failed"}


@task(writes=True)
def init(context: Context, force: bool = False, check: bool = False, protect: bool = False) -> list[Path] | list[str]:
    """Write tasks.py, settings and workflows; or protect.

    Example: inv release.init
    """
    if protect:
        return audit.safeguards.protect(context)
    texts = audit.starter.starter_files(context)
    root = git.repository.repository(context).root
    if check:
        audit.starter.check_files(context, root, texts)
        return []
    other = [
        path for path, text in texts.items() if (root / path).exists() and audit.starter.file_text(root / path) != text
    ]
    if other and not force:
        raise Conflict(f"not written over: {', '.join(other)}", "Compare them, or write over them: --force")
    for path, text in texts.items():
        ensure(
            context,
            f"{path} written",
            find=lambda path=path, text=text: root / path if audit.starter.file_text(root / path) == text else None,  # type: ignore[misc]
            make=lambda path=path, text=text: audit.starter.write_file(root / path, text),  # type: ignore[misc]
            planned=root / path,
        )
    context.report.line('Then: git add -A && git commit -m "Release with Invoke tasks" && git push; inv release.doctor')
    context.report.line("On GitHub: the environment release with its reviewers and the secret RELEASE_TOKEN,")
    context.report.line("the variables RELEASE_ROLE and AWS_REGION.")
    return [root / path for path in texts]


@task(writes=True)
def approve(
    context: Context, run: str = "", environment: str = "", comment: str = "", reject: bool = False, version: str = ""
) -> list[str]:
    """Review a run that waits for a person; say who may.

    Example: inv release.approve --run 123
    """
    found = github.approvals.waiting_run(context, run, version)
    if found is None:
        context.report.step("note", f"no run{f' of {version}' if version else ''} waits for approval")
        return []
    return github.approvals.review_run(context, found, environment, comment, reject=reject)
