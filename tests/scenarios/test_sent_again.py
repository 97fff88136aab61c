"""Writes whose answer is lost and that the client below, Git or botocore, sends once more: done, whatever it met."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import again, printed
from doubles import Doubles, wheel
from outside import git, peeled, remote_refs
from werkzeug.wrappers import Response

from release.artifacts.image_release import bump_apart
from release.call.context import Context
from release.errors import Conflict
from release.git.choice import chosen_version
from release.github.pulls import delete_branch
from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET
from release.tasks import image, lines, sdk

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "release/leptonai-0.7.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def doubles(sandbox: Sandbox) -> Doubles:
    return Doubles(sandbox)


@pytest.fixture
def twice(sandbox: Sandbox) -> list[int]:
    """Let each push arrive twice, the first answer lost; returns the statuses of those first answers.

    That is what curl does, Git's client below, on a connection that was in use and ends without an answer.
    """
    whole, lost = sandbox.github.front.application, list[int]()

    def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("git-receive-pack"):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            first = {**environ, "wsgi.input": BytesIO(body)}
            lost.append(Response.from_app(whole, first, buffered=True).status_code)
            environ["wsgi.input"] = BytesIO(body)
        return whole(environ, start_response)

    sandbox.github.front.application = _answer
    return lost


def test_f34_branch_and_tag(sandbox: Sandbox, context: Context, twice: list[int]) -> None:
    """10-10: the second push met the first one's ref: "somebody pushed meanwhile", exit 3."""
    cut = lines.branch(context, "0.7.0")
    found = lines.tag(again(context), "0.7.0")
    assert twice == [200, 200]
    assert peeled(sandbox, "0.7.0") == found.sha
    assert remote_refs(sandbox)[cut.name] == cut.sha


def test_f34_a_bump_on_a_branch_that_is_there(sandbox: Sandbox, context: Context, twice: list[int]) -> None:
    git(sandbox.work, "switch", "-qc", "my-image")
    git(sandbox.work, "push", "-q", str(sandbox.bare.path), "my-image")
    found = image.bump(context, "0.7.0")
    assert twice == [200]
    assert remote_refs(sandbox)["refs/heads/my-image"] == found.sha == git(sandbox.work, "rev-parse", "HEAD")


def test_f34_a_deletion(sandbox: Sandbox, context: Context, twice: list[int]) -> None:
    head = bump_apart(context, chosen_version(context, "0.7.0"))
    late = again(context)
    delete_branch(late, head)
    assert twice == [200, 200]
    assert head.name not in remote_refs(sandbox)
    assert "✔ branch image-0.7.0 deleted" in printed(late)


def test_f34_a_wheel(sandbox: Sandbox, context: Context, tmp_path: Path) -> None:
    """10-10: the PUT that botocore sent again ended in 412, exit 3, though our bytes were there."""
    assert sandbox.cloud
    path = tmp_path / KEY.rpartition("/")[2]
    path.write_bytes(wheel("0.7.0"))
    sandbox.cloud.faults.add("PUT", KEY, status=503, after=True)
    sdk.publish(context, str(path))
    assert sum(each.method == "PUT" for each in sandbox.cloud.requests if KEY in each.path) == 2
    assert sandbox.cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == wheel("0.7.0")
    sdk.publish(again(context), str(path))


def test_f34_somebody_elses_bytes_stay_a_conflict(sandbox: Sandbox, context: Context, tmp_path: Path) -> None:
    assert sandbox.cloud
    path = tmp_path / KEY.rpartition("/")[2]
    path.write_bytes(wheel("0.7.0"))
    other = lambda: sandbox.cloud.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"other")  # noqa: E731
    sandbox.cloud.faults.add("PUT", f"{KEY}$|{KEY}\\?", call=other)
    with pytest.raises(Conflict, match="other bytes"):
        sdk.publish(context, str(path))
    assert sandbox.cloud.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"other"
