"""What is under the release prefix in S3: one version's wheel and its run, and all that has to stay as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import semver
from packaging.utils import canonicalize_name
from packaging.version import Version as PythonVersion

from release.artifacts.aws import Bucket, S3Object
from release.artifacts.wheel import (
    Wheel,
    file_names,
    python_version,
    read_wheel,
    wheel_filename_matches,
    wheel_version,
)
from release.call.context import Context
from release.call.ensure import perform
from release.call.plan import LATER
from release.errors import Conflict, Failed
from release.git.repository import repository
from release.git.snapshot import remote
from release.git.withdrawals import withdrawn_versions
from release.github.api import github
from release.github.dispatch import matching_runs, right_runs
from release.github.requests import Dispatch
from release.github.runs import Run, artifact_sha256, check_run, parse_time
from release.versions import Line

SHOWN = 10  # of what changed meanwhile
HIDDEN = "withdrawn/"  # the prefix of wheels that were taken out of people's sight
MARKER = ".withdrawn.json"  # what a withdrawn wheel's key ends in where it says why


def bucket(context: Context) -> Bucket:
    """Return the bucket that wheels are released to, opened once a call."""
    return context.once(bucket, lambda: Bucket(context.settings.sdk.bucket))


def s3_address(context: Context, key: str = "") -> str:
    """Return the key's address, or the release prefix's."""
    sdk = context.settings.sdk
    return f"s3://{sdk.bucket}/{key or sdk.prefix}"


def wheel_key(context: Context, version: semver.Version) -> str:
    """Return the wheel's key: the one below the prefix whose name is of package and version, else the usual name."""
    found, usual = _wheel_at(context, version, context.settings.sdk.prefix)
    return found or usual


def wheel_places(context: Context, version: semver.Version) -> tuple[str, str]:
    """Return the key that the wheel is released at, and the one that it is hidden at once withdrawn; it may be at any.

    The name is the wheel's that is there.
    """
    prefix = context.settings.sdk.prefix
    found, usual = _wheel_at(context, version, prefix)
    kept = "" if found else _wheel_at(context, version, HIDDEN)[0]
    name = (found or kept or usual).rpartition("/")[2]
    return f"{prefix}{name}", f"{HIDDEN}{name}"


def _wheel_at(context: Context, version: semver.Version, prefix: str) -> tuple[str, str]:
    """Return the key below the prefix whose name is of package and version, or nothing; and the usual one."""
    sdk = context.settings.sdk
    # Builders write the name as it is or normalized, and a listing knows no spelling but the one it is asked for.
    names = dict.fromkeys(name.replace("-", "_") for name in (canonicalize_name(sdk.wheel_name), sdk.wheel_name))
    starts = [f"{prefix}{name}-{python_version(version)}-" for name in names]
    keys = [each.key for start in starts for each in bucket(context).objects(start)]
    found = [key for key in keys if wheel_filename_matches(key.rpartition("/")[2], sdk.wheel_name, version)]
    if len(found) > 1:
        what = f"{len(found)} wheels of {version} are out: {', '.join(found)}"
        raise Conflict(what, "There must be one; find out who put the other there.")
    return found[0] if found else "", f"{starts[0]}py3-none-any.whl"


def released_wheel(context: Context, version: semver.Version) -> tuple[Wheel | None, str]:
    """Return the wheel under the release prefix, and its key; raise Conflict when it is not what it has to be."""
    key = wheel_key(context, version)
    there = bucket(context).read(key)
    if there is None:
        return None, key
    try:
        return stored_wheel(context, *there, version), key
    except Failed as error:
        hint = "A released file is never overwritten; take the next version."
        raise Conflict(f"{s3_address(context, key)}: {error.problem}", hint) from error


def stored_wheel(context: Context, stored: S3Object, content: bytes, version: semver.Version) -> Wheel:
    """Return the wheel in the object's bytes; raise Failed unless it is the version's, and as S3 stored it."""
    found = read_wheel(content, stored.key.rpartition("/")[2])
    check_wheel(context, found, version)
    if stored.sha256 not in ("", found.sha256):
        raise Failed(f"its bytes are sha256:{found.sha256[:12]}, S3 stored sha256:{stored.sha256[:12]}")
    return found


def wheel_before(context: Context, version: semver.Version) -> bytes | None:
    """Return the bytes of the highest good wheel below the version under the release prefix; None without one."""
    sdk, this = context.settings.sdk, PythonVersion(python_version(version))
    found = {wheel_version(each.key.rpartition("/")[2], sdk.wheel_name): each.key for each in _released(context)}
    lower = sorted((each for each in found if each and each < this), reverse=True)
    before = next((each for each in lower if _is_good(context, each)), None)
    there = bucket(context).read(found[before]) if before else None
    return there and there[1]


def _may_hide(context: Context, key: str) -> bool:
    """Whether a key's wheel may be gone: somebody withdrew its version, maybe while a run was followed."""
    version = wheel_version(key.rpartition("/")[2], context.settings.sdk.wheel_name)
    return version is not None and not _is_good(context, version)


def _is_good(context: Context, version: PythonVersion) -> bool:
    gone = withdrawn_versions(context, Line(version.major, version.minor))
    return version not in [PythonVersion(python_version(each)) for each in gone]


def _released(context: Context) -> list[S3Object]:
    return list(bucket(context).objects(context.settings.sdk.prefix))


def lost_files(context: Context, version: semver.Version, wheel: Wheel) -> list[str]:
    """Return the files that the wheel before had, the tag still has, and this one has not."""
    before, tagged = wheel_before(context, version), remote(context).tag(str(version))
    lost = set(file_names(before or b"")) - set(file_names(wheel.content))
    if not (lost and tagged):
        return []
    repo, path = repository(context), context.settings.sdk.path
    repo.need_commit(tagged.sha)
    sources = repo.git("ls-tree", "-r", "--name-only", "-z", tagged.sha, "--", path).split("\0")
    return sorted(name for name in lost if any(f"/{source}".endswith(f"/{name}") for source in sources))


def check_wheel(context: Context, found: Wheel, wanted: semver.Version | None) -> None:
    """Raise Failed unless the wheel is of the settings' package, has their command, and is of the version, if given."""
    sdk = context.settings.sdk
    if wanted and not wheel_filename_matches(found.filename, sdk.wheel_name, wanted):
        what = f"the wheel is {found.name} {found.version}, not {sdk.wheel_name} {python_version(wanted)}"
        raise Failed(what, "Build it at its tag, with the tag fetched.")
    if sdk.command and sdk.command not in found.entry_points:
        raise Failed(f"the wheel {found.filename} has no command {sdk.command}", "Set sdk.command in invoke.yaml.")


def object_fingerprints(context: Context) -> dict[str, str]:
    """Return a print of every object under the release prefix, by key, all pages: its ETag and when it was made.

    What says that a wheel is withdrawn is none that has to stay.
    """
    listed = (each for each in _released(context) if not each.key.endswith(MARKER))
    return {each.key: f"{each.etag} of {each.modified:%Y-%m-%d %H:%M:%S} UTC" for each in listed}


def check_unchanged(before: Mapping[str, str], after: Mapping[str, str], where: str) -> None:
    """Raise Conflict, naming them, when something that was there before is another or gone; what is new may be."""
    changed = [name for name, old in before.items() if after.get(name) != old]
    if changed:
        listed = [f"{name}: was {before[name]}, is {after.get(name, 'gone')}" for name in changed[:SHOWN]]
        what = f"{len(changed)} of {len(before)} in {where} changed meanwhile:"
        shown = "\n".join([what, *listed, *(["…"] if len(changed) > SHOWN else [])])
        hint = "What is released is never overwritten: find out who did that before anything else is released."
        raise Conflict(shown, hint)


def prove_wheel_run(context: Context, version: semver.Version, finished: Run, request: Dispatch) -> Wheel | None:
    """Return the wheel that is out, or None in a dry run.

    Raises unless the run did all its jobs, made that wheel, and changed nothing else there (F20).
    """
    if finished.status != "completed":  # a dry run's: planned, or looked at once
        address = s3_address(context, wheel_key(context, version))
        perform(context, f"wheel {address}", lambda: None, None, {"wheel": address, "sha256": LATER})
        return None
    check_run(context, finished, request)
    # A wheel that was there before is another right run's, and a build need not give the same bytes twice.
    was_out = wheel_key(context, version) in request.before
    found, key = prove_wheel(context, version, list(right_runs(context, request)) if was_out else [finished])
    after = object_fingerprints(context)
    stay = {name: was for name, was in request.before.items() if name in after or not _may_hide(context, name)}
    check_unchanged(stay, after, s3_address(context))
    made = bucket(context).object(key)
    if key not in request.before and made and made.modified < parse_time(finished.created_at):
        what = f"the wheel is from {made.modified:%Y-%m-%d %H:%M:%S} UTC, older than run {finished.id}"
        raise Conflict(what, f"That run did not make it. Look: {finished.url}")
    return found


def check_wheel_origin(context: Context, version: semver.Version, request: Dispatch) -> None:
    """Raise Conflict when the wheel is out though no run of its tag shows that may have made it (F20)."""
    # A key that is taken by something else is not for us.
    there, key = released_wheel(context, version)
    if there and not matching_runs(github(context), request):
        what = f"{s3_address(context, key)} exists already, and no run of {request.workflow} at its tag made it"
        raise Conflict(what, "Do not install it: find out who put it there, then take the next version.")


def prove_wheel(context: Context, version: semver.Version, made: Sequence[Run]) -> tuple[Wheel, str]:
    """Return the wheel that is out and its key, compared with what the runs kept; raise Failed when there is none."""
    found, key = released_wheel(context, version)
    place = s3_address(context, key)
    if found is None:
        again = " --again" if made else ""
        raise Failed(f"{place} is not there", f"Release it: inv sdk.release --version {version}{again}")
    _check_origin(context, found, made)
    context.report.step("holds", f"wheel {place}  sha256:{found.sha256}", key=key, sha256=found.sha256)
    context.report.record(wheel_key=key, wheel_sha256=found.sha256)
    return found, key


def _check_origin(context: Context, found: Wheel, made: Sequence[Run]) -> None:
    """Raise Conflict when the runs kept another wheel of that name; say so where nothing they kept can be read."""
    kept: dict[str, Run] = {}  # by the SHA-256 of what each built
    reason = "no run of its tag shows any more"
    for each in made:
        try:
            kept[artifact_sha256(github(context), each.id, found.filename)] = each
        except Failed as error:
            reason = error.problem
    if not kept:
        context.report.step("note", f"what the run built cannot be compared: {reason}")
    elif found.sha256 not in kept:
        sha256, run = next(iter(kept.items()))
        what = f"the wheel that is out is sha256:{found.sha256[:12]}, but run {run.id} built sha256:{sha256[:12]}"
        raise Conflict(what, f"Do not install it. Find out who put it there. Look: {run.url}")
