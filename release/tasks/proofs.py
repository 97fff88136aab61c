"""What is out: release.verify, status, notes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import release
from release import audit, git, github
from release.call.ensure import save_file
from release.call.task import task
from release.call.texts import amount
from release.errors import Conflict, Usage

if TYPE_CHECKING:
    from release.audit.receipt import Statement
    from release.audit.status import Overview
    from release.call.context import Context
    from release.git.withdrawals import Withdrawal
    from release.github.releases import GitHubRelease


@task(writes=("attach",), reads=True)
def verify(
    context: Context, version: str = "", name: str = "", receipt: str = "", attach: bool = False, shared: bool = False
) -> Statement:
    """Prove a finished release from outside, a line a proof.

    Example: inv release.verify --version 0.7.0 --receipt 0.7.0.json
    """
    wanted = git.choice.tagged_version(context, version)
    expected = audit.expected.expected_state(context, wanted, name, shared)
    proofs = audit.proofs.proofs_of(context, expected)
    audit.proofs.show_proofs(context, proofs)
    made = audit.receipt.receipt_of(context, expected, proofs)
    changed = audit.receipt.file_differences(Path(receipt), made) if receipt else []
    for line in changed:
        context.report.step("failed", f"since {receipt}: {line}")
    audit.proofs.check_proofs(wanted, proofs)
    if changed:
        raise Conflict(f"changed since {receipt}: {amount(len(changed), 'thing')}", "Find out who changed them.")
    if receipt:
        audit.receipt.keep_receipt(context, Path(receipt), made)
    if attach:
        audit.receipt.attach_receipt(context, github.releases.needed_release(context, wanted), made)
    return made


@task(reads=True, waits=True)
def status(context: Context, line: str = "", last: int = 5, html: str = "", watch: bool = False) -> Overview:
    """Show every line, what of each version is out, what not.

    Example: inv release.status --line 0.7 --last 3 --html status.html
    """
    if last < 1:
        raise Usage(f"--last {last} shows nothing", "Give 1 or more.")
    chosen = release.versions.parse_line(line, version_too=True) if line else None
    found = audit.overview.overview(context, chosen, last)
    if context.report.json:
        audit.status.emit_status(context, found)
    else:
        audit.status.print_status(context, found)
    if html:
        save_file(context, f"page {html}", Path(html), audit.page.page(found, audit.status.hints(found)))
    if watch:
        audit.status.watch_status(context, lambda: audit.overview.overview(context, chosen, last))
    return found


@task(writes=True, announces=True)
def withdraw(
    context: Context, version: str = "", reason: str = "", hide: bool = False, undo: bool = False
) -> Withdrawal | None:
    """Take a version back; it loses nothing, --undo restores.

    Example: inv release.withdraw --version 0.7.1 --reason "it deletes jobs"
    """
    wanted = git.choice.chosen_version(context, version)
    if undo and (reason or hide):
        raise Usage("--undo takes neither --reason nor --hide", f"inv release.withdraw --version {wanted} --undo")
    if undo:
        audit.withdrawal.restore(context, wanted)
        return None
    found: Withdrawal = audit.withdrawal.withdraw(context, wanted, reason, hide)
    context.report.line(f"Release the next: inv release.patch --line {release.versions.line_of(wanted)}")
    return found


@task(writes=True)
def notes(context: Context, version: str = "", publish: bool = False) -> GitHubRelease:
    """Draft the GitHub Release; --publish publishes it.

    Example: inv release.notes --version 0.7.0
    """
    wanted = git.choice.chosen_version(context, version)
    git.tags.needed_tag(context, wanted)
    draft = audit.receipt.draft_release(context, wanted)
    return audit.receipt.publish_release(context, wanted, draft) if publish else draft
