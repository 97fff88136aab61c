"""What GitHub refuses or tells apart, and a lenient stand-in would not."""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

from sandbox_client import Client
from scripted_run import Job

from release.sandbox.github.kept import Kept


def test_a_request_without_a_user_agent_is_refused(client: Client) -> None:
    connection = http.client.HTTPConnection(urlsplit(client.hub.url).netloc)
    connection.request("GET", "/api/v3/user", headers={"Authorization": f"Bearer {client.token}"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"make sure your request has a User-Agent header" in answer.read()
    connection.close()


def test_searches_have_a_limit_a_minute_of_their_own(client: Client) -> None:
    client.hub.settings.search_limit = 2
    first = client.ask("GET", "/search/issues", params={"q": "is:pr"})
    assert (first.headers["x-ratelimit-resource"], first.headers["x-ratelimit-remaining"]) == ("search", "1")
    client.get("/search/issues", q="is:pr")
    refused = client.ask("GET", "/search/issues", 403, params={"q": "is:pr"})
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert client.ask("GET", "").headers["x-ratelimit-resource"] == "core"


def test_a_qualifier_that_the_search_does_not_know_holds_for_nothing(client: Client) -> None:
    client.commit("topic")
    client.pull()
    assert client.get("/search/issues", q="is:pr head:topic")["total_count"] == 1
    assert "haed:" in client.get("/search/issues", 422, q="is:pr haed:topic")["errors"][0]["message"]


def test_an_open_pull_request_has_the_commit_that_merging_would_make(client: Client) -> None:
    head = client.commit("topic")
    opened = client.pull()
    assert (opened["mergeable"], opened["merge_commit_sha"]) == (None, None)
    client.get("pulls/1")
    read = client.get("pulls/1")
    assert read["mergeable"] is True
    trial = client.get("git/ref/pull/1/merge")["object"]["sha"]
    assert read["merge_commit_sha"] == trial
    parents = [each["sha"] for each in client.get(f"commits/{trial}")["parents"]]
    assert parents == [client.get("git/ref/heads/main")["object"]["sha"], head]
    client.commit("topic", text="other\n", start="topic")
    assert client.get("pulls/1")["merge_commit_sha"] is None


def test_jobs_of_one_name_have_numbers_of_their_own(client: Client) -> None:
    run = client.dispatch(inputs={"publish": "true"})["workflow_run_id"]
    client.hub.runs[run].work.jobs = jobs = [Job("same"), Job("same")]  # type: ignore[assignment]
    for job, conclusion in zip(jobs, ("success", "failure"), strict=True):
        job.end(conclusion)
    first, second = client.get(f"actions/runs/{run}/jobs")["jobs"]
    assert first["id"] != second["id"]
    assert [client.get(f"actions/jobs/{each['id']}")["conclusion"] for each in (first, second)] == [
        "success",
        "failure",
    ]


def test_a_comparison_has_250_commits_a_page_and_its_files_on_the_first(client: Client) -> None:
    client.git("checkout", "-q", "-B", "many", "origin/main")
    start = client.git("rev-parse", "HEAD").stdout.strip()
    stream = "".join(
        f"commit refs/heads/many\ncommitter a <a@b.c> {1_700_000_000 + at} +0000\ndata 1\nx\n"
        + (f"from {start}\n" if at == 0 else "")
        + f"M 644 inline f{at}\ndata 1\nx\n\n"
        for at in range(310)
    )
    (client.sandbox.work / "stream").write_text(stream)
    client.git("checkout", "-q", "--detach")
    client.git("-c", "alias.take=!git fast-import --quiet < stream", "take")
    client.git("push", "-q", "origin", "many")
    found = client.get("compare/main...many")
    assert (found["total_commits"], len(found["commits"]), len(found["files"])) == (310, 250, 300)
    more = client.get("compare/main...many", page=2)
    assert (len(more["commits"]), more["files"]) == (60, [])


def test_a_map_is_read_while_another_thread_writes() -> None:
    kept: Kept[int, int] = Kept()
    failed: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                for key, value in kept.items():
                    assert key == value
            except RuntimeError as error:
                failed.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2_000):
        kept[number] = number
        kept.pop(number - 50, None)
    done.set()
    reader.join()
    assert not failed
    before = kept.values()
    kept[-1] = -1
    assert -1 not in before
