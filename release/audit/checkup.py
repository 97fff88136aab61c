"""The doctor's checks of machine and token: each yields what is good, to be advised, or bad, with the fix."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime

from release.call.context import Context
from release.errors import Failed
from release.git.remotes import public_url, token
from release.git.repository import repository
from release.git.snapshot import trunk
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.events import check_token_starts_workflows
from release.settings import DEFAULTS

OLDEST_GIT, SSH_SIGNING = (2, 31), (2, 34)
KINDS = {
    "ghp_": "a personal access token (classic)",
    "github_pat_": "a fine-grained personal access token",
    "gho_": "an OAuth token, as gh has one",
    "ghs_": "an app's installation token",
    "ghu_": "an app's user token",
}
SCOPES = ("repo", "workflow")
FEW = 500  # requests: about what one coordinated release sends
SKEW = 60.0  # seconds; AWS refuses signatures 15 minutes off, dates on branches and waits go wrong before


@dataclass(frozen=True)
class Finding:
    """One line: `level` is good, advice or bad, `fix` the command or place that mends it."""

    name: str
    level: str
    says: str
    fix: str = ""


Check = Callable[["Context"], Iterator[Finding]]


def git_findings(context: Context) -> Iterator[Finding]:
    """Check that Git is new enough."""
    said = repository(context).git("version")
    numbers = tuple(int(number) for number in re.findall(r"[0-9]+", said)[:2])
    if numbers < OLDEST_GIT:
        yield Finding("git", "bad", said, "Install Git 2.31 or newer.")
    else:
        yield Finding("git", "good", said + ("" if numbers >= SSH_SIGNING else ", which checks no SSH signatures"))


def identity_findings(context: Context) -> Iterator[Finding]:
    """Check that Git knows who commits and tags."""
    name, email = _config(context, "user.name"), _config(context, "user.email")
    name, email = os.environ.get("GIT_COMMITTER_NAME", name), os.environ.get("GIT_COMMITTER_EMAIL", email)
    if name and email:
        yield Finding("identity", "good", f"{name} <{email}>")
    else:
        fix = "git config --global user.name NAME; git config --global user.email EMAIL"
        yield Finding("identity", "bad", "Git does not know who you are", fix)


def signing_findings(context: Context) -> Iterator[Finding]:
    """Check whether tags are signed, and that there is a key for it."""
    key, kind = _config(context, "user.signingKey"), _config(context, "gpg.format") or "openpgp"
    wanted = "true" in (_config(context, "tag.gpgSign"), _config(context, "commit.gpgSign"))
    if wanted and kind == "ssh" and not key and not _config(context, "gpg.ssh.defaultKeyCommand"):
        yield Finding("signing", "bad", "Git is set to sign with SSH but has no key", "git config user.signingKey FILE")
    elif wanted:
        yield Finding("signing", "good", f"Git signs ({kind})")
    else:
        yield Finding("signing", "advice", "tags are annotated, not signed", "git config tag.gpgSign true, or --sign")


def remote_findings(context: Context) -> Iterator[Finding]:
    """Check that the remote answers, over a protocol that proves who it is."""
    url = repository(context).remote_url
    shown, head = public_url(url), trunk_sha(context)
    protocol = url.partition("://")[0] if "://" in url else "ssh"
    if url != shown:
        fix = f"git remote set-url {repository(context).remote} {shown}"
        yield Finding("remote", "bad", "the remote's URL has a password in it", fix)
    if protocol == "git" or (protocol == "http" and not re.match(r"http://(127\.0\.0\.1|localhost)[:/]", url)):
        yield Finding("remote", "bad", f"{shown} is not encrypted", "Use https or ssh.")
    else:
        yield Finding("remote", "good", f"{shown} answers over {protocol}; {trunk(context)} is at {head[:9]}")
    if repository(context).is_shallow():
        fix = "Nothing breaks; picks and counts are quicker after: git fetch --unshallow"
        yield Finding("clone", "advice", "this clone is shallow", fix)


def token_findings(context: Context) -> Iterator[Finding]:
    """Check that the token is of use: its kind, its scopes, that it may push and starts workflows (F14)."""
    answer = github(context).answer("GET", "")
    if answer.status != 200:
        says = f"GitHub shows no {github(context).repository} to this token: {answer.status} {answer.problem}"
        yield Finding("token", "bad", says, "Give the token access to the repository, or set GITHUB_REPOSITORY.")
        return
    kind = next((kind for start, kind in KINDS.items() if token(context).startswith(start)), "a token of unknown kind")
    scopes = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    missing = [scope for scope in SCOPES if scopes and scope not in scopes]
    if missing:
        fix = "gh auth refresh --scopes repo,workflow"
        yield Finding("token", "bad", f"{kind} without the scope {', '.join(missing)}", fix)
    else:
        yield Finding("token", "good", kind + (f" with {', '.join(sorted(scopes))}" if scopes else ""))
    if not (answer.json().get("permissions") or {}).get("push"):
        fix = "Ask an administrator of the repository for write access."
        yield Finding("permission", "bad", f"this token may not push to {github(context).repository}", fix)
    else:
        yield Finding("permission", "good", f"may push to {github(context).repository}")
    check_token_starts_workflows(context)


def clock_findings(context: Context) -> Iterator[Finding]:
    """Check this machine's clock against GitHub's."""
    said = github(context).answer("GET", "/rate_limit").headers.get("date", "")
    skew = abs(context.clock.now() - parsedate_to_datetime(said).timestamp()) if said else 0.0
    if skew > SKEW:
        fix = "Set the clock: timedatectl set-ntp true"
        yield Finding("clock", "bad", f"this machine's clock is {skew:.0f} s off GitHub's", fix)
    else:
        yield Finding("clock", "good", "agrees with GitHub's")


def rate_limit_findings(context: Context) -> Iterator[Finding]:
    """Check that enough requests are left for a release."""
    core = github(context).get("/rate_limit")["resources"]["core"]
    says = f"{core['remaining']} of {core['limit']} requests left"
    if core["remaining"] < FEW:
        minutes = max(0.0, core["reset"] - context.clock.now()) / 60
        yield Finding("rate limit", "bad", says, f"Wait {minutes:.0f} minutes, or use another token.")
    else:
        yield Finding("rate limit", "good", says)


def settings_findings(context: Context) -> Iterator[Finding]:
    """List the settings that are not the defaults, and where each comes from."""
    for section, defaults in DEFAULTS.items():
        given = asdict(getattr(context.settings, section))
        for key, value in given.items():
            if value != defaults[key]:
                variable = f"INVOKE_{section}_{key}".upper()
                source = f"environment, {variable}" if variable in os.environ else "invoke.yaml"
                yield Finding("setting", "good", f"{section}.{key} = {_shown(key, value)} ({source})")


def _config(context: Context, key: str) -> str:
    try:
        return repository(context).git("config", "--get", key)
    except Failed:
        return ""


def _shown(key: str, value: object) -> str:
    """Return a setting's value; not that of one whose name says that it is a secret or may hold one (S1)."""
    return "(set)" if re.search("token|secret|password|webhook|url", key) and value else repr(value)
