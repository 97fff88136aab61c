"""The filters of a list of runs."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import request

from .answers import Refused
from .running import Run


def is_asked(run: Run) -> bool:
    """Apply the filters of the query."""
    wanted = request.args
    facts = {
        "branch": run.ref_name,
        "event": run.start.event,
        "head_sha": run.start.sha,
        "actor": run.start.actor,
    }
    if any(key in wanted and wanted[key] != fact for key, fact in facts.items()):
        return False
    status = wanted.get("status")
    if status and status not in (run.work.status, run.work.conclusion):
        return False
    return "created" not in wanted or _created(wanted["created"], run.created_at)


def _created(expression: str, moment: datetime) -> bool:
    """Apply GitHub's date syntax: `>=DATE`, `<DATE`, `A..B`, `*..B`, `DATE`."""
    second = moment.replace(microsecond=0)
    if ".." in expression:
        first, last = expression.split("..", 1)
        return (first == "*" or second >= _moment(first)) and (last == "*" or second <= _moment(last, end=True))
    sign = expression[: len(expression) - len(expression.lstrip("<>="))]
    at = _moment(expression[len(sign) :], end=sign in ("<=", ">"))
    outcomes = {">=": second >= at, "<=": second <= at, ">": second > at, "<": second < at}
    return outcomes[sign] if sign else at <= second <= _moment(expression, end=True)


def _moment(text: str, end: bool = False) -> datetime:
    if len(text) == len("2026-01-01"):
        text += "T23:59:59" if end else "T00:00:00"
    try:
        # A plus sign in a query that was not quoted arrives as a space.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    except ValueError as error:
        raise Refused(422, "Invalid value for parameter 'created'") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
