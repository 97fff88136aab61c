"""Runs, their jobs, logs and artifacts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from sandbox_client import Client
from scripted_run import ScriptedRun, scripted

from release.sandbox.github.records import TOKEN


def test_runs_are_filtered_and_paged(client: Client) -> None:
    for _ in range(5):
        client.dispatch(inputs={"publish": "true"})
    answer = client.ask("GET", "actions/runs?per_page=2&page=2")
    assert len(answer.json()["workflow_runs"]) == 2
    links = list(answer.links.values())
    assert {link["rel"] for link in links} == {"prev", "next", "last", "first"}
    last = client.ask("GET", next(link["url"] for link in links if link["rel"] == "last"))
    assert len(last.json()["workflow_runs"]) == 1

    def count(**filters: str) -> int:
        return int(client.get("actions/runs", **filters)["total_count"])

    assert count(status="success") == count(actor="releaser") == count(created=">=2026-01-01") == 5
    assert count(created="2020-01-01..2099-01-01") == count(created="<2099-01-01T00:00:00Z") == 5
    assert count(status="failure") == count(actor="nobody") == count(created=">2099-01-01") == 0
    assert count(event="push") == count(head_sha="0" * 40) == count(created="2020-01-01") == 0


def test_f26_jobs_are_paged_by_hundred_at_most(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(True, **{f"job-{n}": "success" for n in range(130)}))
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    first = client.get(f"actions/runs/{run}/jobs", per_page=500)
    second = client.get(f"actions/runs/{run}/jobs", per_page=100, page=2)
    assert (first["total_count"], len(first["jobs"]), len(second["jobs"])) == (130, 100, 30)


def test_run_answers_not_modified_until_something_happens(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(ends=False))
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    first = client.ask("GET", f"actions/runs/{run}")
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = client.ask("GET", f"actions/runs/{run}", 304, headers=tag)
    assert unchanged.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]
    work = client.hub.runs[run].work
    assert isinstance(work, ScriptedRun)
    work.begin()
    assert client.ask("GET", f"actions/runs/{run}", 200, headers=tag).json()["status"] == "in_progress"


def test_s2_log_is_on_another_host_and_must_not_get_the_token(client: Client) -> None:
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    job = client.get(f"actions/runs/{run}/jobs")["jobs"][0]
    place = client.ask("GET", f"actions/jobs/{job['id']}/logs", 302).headers["Location"]
    assert place.startswith("http://localhost:")
    assert client.session.get(place, timeout=5).text == "build: success\n"
    assert client.session.get(place, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5).status_code == 400
    assert len(client.hub.leaks) == 1
    client.get("actions/jobs/1/logs", 404)


def test_artifact_is_listed_and_sent_from_another_host(client: Client, tmp_path: Path) -> None:
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w") as archive:
        archive.writestr("a.whl", "bytes")
    work = client.hub.runs[run].work
    assert isinstance(work, ScriptedRun)
    work.artifacts["wheel"] = tmp_path / "wheel.zip"
    [found] = client.get(f"actions/runs/{run}/artifacts", name="wheel")["artifacts"]
    assert client.get("actions/artifacts")["total_count"] == 1
    assert client.get(f"actions/artifacts/{found['id']}") == found
    place = client.ask("GET", f"actions/artifacts/{found['id']}/zip", 302).headers["Location"]
    with zipfile.ZipFile(io.BytesIO(client.session.get(place, timeout=5).content)) as archive:
        assert archive.read("a.whl") == b"bytes"


def test_failed_jobs_run_again_as_another_attempt(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(build="success", test="failure"))
    number = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    assert client.get(f"actions/runs/{number}")["conclusion"] == "failure"
    work = client.hub.runs[number].work
    assert isinstance(work, ScriptedRun)
    work.conclusions["test"] = "success"
    client.send("POST", f"actions/runs/{number}/rerun-failed-jobs", 201)
    again = client.get(f"actions/runs/{number}")
    assert (again["run_attempt"], again["conclusion"]) == (2, "success")
    assert client.get(f"actions/runs/{number}/attempts/1")["conclusion"] == "failure"
    latest = client.get(f"actions/runs/{number}/jobs")["jobs"]
    every = client.get(f"actions/runs/{number}/jobs", filter="all")["jobs"]
    assert ([job["run_attempt"] for job in latest], len(every)) == ([2, 2], 4)
    first = client.get(f"actions/runs/{number}/attempts/1/jobs")["jobs"]
    assert [job["conclusion"] for job in first] == ["success", "failure"]
    assert client.get(f"actions/jobs/{first[1]['id']}")["conclusion"] == "failure"
    client.send("POST", f"actions/runs/{number}/cancel", 409)


def test_run_is_cancelled(client: Client) -> None:
    client.sandbox.github.use_runner(scripted(ends=False))
    number = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    client.send("POST", f"actions/runs/{number}/rerun-failed-jobs", 403)
    client.send("POST", f"actions/runs/{number}/cancel", 202)
    assert client.get(f"actions/runs/{number}")["conclusion"] == "cancelled"
