"""The one door to HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import FakeClock
from scripted import Reply, Scripted, scripted_server

from release.errors import Conflict, Failed, Unknown, Usage, Waiting
from release.git.remotes import api_url, serves, sign_in
from release.github.api import API_VERSIONS, Forbidden, GitHub
from release.github.http import BearerAuth, Http, check_url

TOKEN = "ghp_sandboxsecret"


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def github(server: Scripted, clock: FakeClock) -> GitHub:
    return GitHub(Http(clock), server.url, "acme/platform", TOKEN)


def test_f03_the_api_version_is_pinned(server: Scripted, github: GitHub) -> None:
    github.get("pulls")
    asked = server.asked[0]
    assert asked.path == "/repos/acme/platform/pulls"
    assert asked.headers["x-github-api-version"] == API_VERSIONS[0] == "2022-11-28"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


def test_f03_a_version_that_the_server_refuses_gives_way_to_the_other(server: Scripted, github: GitHub) -> None:
    words = b'{"message": "The API version \'2022-11-28\' is not supported. Supported versions: 2026-03-10."}'
    server.replies = [Reply(400, words), Reply()]
    github.send("POST", "pulls", {})
    github.get("pulls")
    versions = [each.headers["x-github-api-version"] for each in server.asked]
    assert versions == ["2022-11-28", "2026-03-10", "2026-03-10"]


def test_f03_what_is_refused_for_another_reason_is_not_sent_again(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(400, b'{"message": "Problems parsing JSON"}')]
    with pytest.raises(Failed, match="Problems parsing JSON"):
        github.send("POST", "pulls", {})
    assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [Reply(502), Reply(drop=True)])
def test_f01_a_write_is_sent_once_and_its_outcome_unknown(server: Scripted, github: GitHub, reply: Reply) -> None:
    server.replies = [reply]
    with pytest.raises(Unknown):
        github.send("POST", "actions/workflows/x.yaml/dispatches", {"ref": "main"})
    assert len(server.asked) == 1


def test_f02_a_write_that_was_never_sent_is_not_unknown(clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Failed, match=r"cannot be reached: NewConnectionError") as caught:
        GitHub(Http(clock), url, "acme/platform", TOKEN).send("POST", "pulls", {})
    assert caught.value.hint == "Check the network, then run the same again."


@pytest.mark.parametrize(
    "reply", [Reply(body=b'{"id": 1, "na'), Reply(502), Reply(drop=True)], ids=["half", "502", "cut"]
)
def test_f02_what_leaves_a_write_unknown_says_what_to_do(server: Scripted, github: GitHub, reply: Reply) -> None:
    """Half an answer is none, whatever its status: it was taken for a refusal, and the lease was let go."""
    server.replies = [reply]
    with pytest.raises(Unknown) as caught:
        github.answer("POST", "pulls", {})
    assert caught.value.hint


@pytest.mark.parametrize("body", [b'{"status": "ok"}', b'{"id": 1}'])
def test_an_answer_of_another_shape_is_told(server: Scripted, github: GitHub, body: bytes) -> None:
    """JSON with 200 that is not GitHub's ended in a traceback, or was taken for an empty list: there is no such run."""
    server.replies = [Reply(body=body)] * 4
    with pytest.raises(Failed, match=r"/pulls answered no list"):
        list(github.pages("pulls"))
    with pytest.raises(Failed, match=r"/runs answered without 'workflow_runs'"):
        list(github.pages("actions/runs", "workflow_runs"))
    with pytest.raises(Failed, match=r"/runs answered without 'workflow_runs'"):
        list(github.fresh_pages("actions/runs", "workflow_runs"))
    with pytest.raises(Unknown, match=r"/pulls answered without 'number'") as caught:
        _ = github.send("POST", "pulls", {})["number"]
    assert caught.value.hint


def test_f02_a_post_that_writes_nothing_is_a_read(server: Scripted, github: GitHub, clock: FakeClock) -> None:
    server.replies = [Reply(502), Reply(drop=True), Reply(body=b'{"body": "notes"}')]
    assert github.send("POST", "releases/generate-notes", {}) == {"body": "notes"}
    assert clock.slept == [1, 2]


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_a_token_may_not_do_says_where_to_look(server: Scripted, github: GitHub, status: int, method: str) -> None:
    needs = {"x-accepted-github-permissions": "actions=read"}
    server.replies = [Reply(status, b'{"message": "Not for you"}', needs)]
    with pytest.raises(Failed, match="Not for you") as caught:
        github.send(method, "actions/runs", None)
    assert "inv release.doctor" in caught.value.hint
    assert "`permissions: actions: read`" in caught.value.hint


def test_what_is_refused_is_named_by_every_way_of_asking(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(403, b'{"message": "Not for you"}')]
    asks: dict[str, tuple[Callable[[str], object], ...]] = {
        "GET": (github.get, github.find, github.fresh, github.content, lambda path: list(github.pages(path))),
        "PUT": (lambda path: github.send("PUT", path),),
    }
    for method, ways in asks.items():
        for ask in ways:
            with pytest.raises(Failed) as caught:
                ask("actions/runs")
            assert caught.value.problem == f"GitHub: {method} actions/runs: 403 Not for you"
            assert isinstance(caught.value, Forbidden) == (method == "GET")
    with pytest.raises(Failed) as caught:
        github.upload(f"{server.url}/assets", "a.whl", b"", "application/zip")
    assert caught.value.problem == "GitHub: POST assets?name=a.whl: 403 Not for you"


@pytest.mark.parametrize("reply", [Reply(502), Reply(drop=True)])
def test_a_read_is_tried_again(server: Scripted, github: GitHub, clock: FakeClock, reply: Reply) -> None:
    server.replies = [reply, reply, Reply(body=b'{"number": 7}')]
    assert github.get("pulls/7") == {"number": 7}
    assert clock.slept == [1, 2]


def test_a_read_gives_up(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(drop=True)]
    with pytest.raises(Failed, match="does not answer"):
        github.get("pulls/7")
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("headers", "pauses"),
    [
        ({"Retry-After": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000100"}, [30]),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000100"}, [100]),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1799996400"}, [60]),  # told by another clock
        ({"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, [60]),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}, [30]),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_f19_a_limit_is_waited_out_as_it_says(
    server: Scripted, github: GitHub, clock: FakeClock, status: int, headers: dict[str, str], pauses: list[float]
) -> None:
    server.replies = [Reply(status, headers=headers), Reply()]
    github.get("pulls")
    assert clock.slept == pauses


def test_f19_a_limit_that_says_nothing_is_waited_60_seconds_and_doubling(server: Scripted, clock: FakeClock) -> None:
    limited = Reply(403, b'{"message": "You have exceeded a secondary rate limit"}')
    server.replies = [limited, limited, Reply(201)]
    github = GitHub(Http(clock), server.url, "acme/platform", TOKEN)
    github.send("POST", "pulls", {})
    assert clock.slept[-2:] == [60, 120]
    assert len(server.asked) == 3


def test_f19_a_long_limit_is_not_waited_for(server: Scripted, github: GitHub, clock: FakeClock) -> None:
    server.replies = [Reply(429, headers={"Retry-After": "3600"})]
    with pytest.raises(Waiting) as caught:
        github.get("pulls")
    assert caught.value.problem.endswith("/repos/acme/platform/pulls limits the rate for 3600 s")
    assert caught.value.hint == "Run the same again after that."
    assert clock.slept == []


@pytest.mark.parametrize("by", [-3600, 3600], ids=["back", "on"])
def test_f19_a_clock_that_is_set_meanwhile_keeps_no_write_waiting(
    server: Scripted, github: GitHub, clock: FakeClock, by: float
) -> None:
    github.send("POST", "pulls", {})
    clock.wrong = by
    github.send("POST", "pulls", {})
    assert clock.slept == [1]


def test_f19_writes_are_a_second_apart(server: Scripted, github: GitHub, clock: FakeClock) -> None:
    for _ in range(3):
        github.send("POST", "pulls", {})
    assert clock.slept == [1, 1]


def test_a_403_that_is_no_limit_is_a_refusal(server: Scripted, github: GitHub, clock: FakeClock) -> None:
    server.replies = [Reply(403, b'{"message": "Resource not accessible by integration"}')]
    with pytest.raises(Failed, match="Resource not accessible"):
        github.send("POST", "pulls", {})
    assert clock.slept == []


def test_s02_a_redirect_to_another_host_gets_no_credential(
    server: Scripted, github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login x password netrcsecret\ndefault login y password netrcsecret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    elsewhere = server.url.replace("127.0.0.1", "localhost") + "/signed"
    server.replies = [Reply(302, headers={"Location": elsewhere}), Reply(body=b"the log")]
    assert github.content("actions/jobs/1/logs") == b"the log"
    first, second = server.asked
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert second.path == "/signed"
    assert "authorization" not in second.headers


def test_s02_a_redirect_on_the_same_host_keeps_it(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(301, headers={"Location": "/repositories/1/pulls?state=all"}), Reply(body=b"[]")]
    assert github.get("pulls", state="all") == []
    assert server.asked[1].headers["authorization"] == f"Bearer {TOKEN}"
    assert server.asked[1].path == "/repositories/1/pulls?state=all", "what was asked for once is not added again"


def test_s02_a_write_is_never_redirected(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(307, headers={"Location": "/elsewhere"}), Reply()]
    with pytest.raises(Failed, match="has moved"):
        github.send("POST", "pulls", {})
    assert len(server.asked) == 1


def test_s02_redirects_end(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(302, headers={"Location": "/again"})]
    with pytest.raises(Failed, match="redirects without end"):
        github.get("pulls")
    assert len(server.asked) == 6


def test_s02_an_answer_without_end_is_cut_off(
    server: Scripted, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("release.github.http.SIZE_LIMIT", 1000)
    server.replies = [Reply(body=b"x" * 100_000)]
    with pytest.raises(Failed, match="more than"):
        github.content("actions/jobs/1/logs")


def test_s02_a_token_goes_over_https_alone() -> None:
    check_url("http://127.0.0.1:8000/api", credentialed=True)
    check_url("https://api.github.com", credentialed=True)
    for url in ("http://github.example", "https://user:secret@github.example", "ftp://127.0.0.1.example"):
        with pytest.raises(Usage) as caught:
            check_url(url, credentialed=True)
        assert "secret" not in str(caught.value.message)


def test_s01_the_token_is_in_no_text(server: Scripted, github: GitHub) -> None:
    assert TOKEN not in repr(BearerAuth(TOKEN))
    for reply in (Reply(502), Reply(422, b'{"message": "no"}'), Reply(401, b'{"message": "Bad credentials"}')):
        server.replies = [reply]
        with pytest.raises((Unknown, Failed, Waiting)) as caught:
            github.send("POST", "pulls", {})
        chain: BaseException | None = caught.value
        while chain is not None:
            assert TOKEN not in f"{chain!r} {chain} {getattr(chain, 'message', '')}"
            chain = chain.__cause__ or chain.__context__


REFUSED = Reply(401, b'{"message": "Bad credentials"}')


@pytest.mark.parametrize("ask", [GitHub.fresh, GitHub.get, GitHub.content])
def test_a_token_that_is_refused_is_said_by_every_way_of_asking(
    server: Scripted, github: GitHub, ask: Callable[[GitHub, str], object]
) -> None:
    server.replies = [REFUSED]
    with pytest.raises(Usage, match="GitHub refuses the token: Bad credentials") as caught:
        ask(github, "pulls")
    assert caught.value.hint == sign_in(server.url)


def test_a_token_that_ran_out_is_asked_for_anew_and_a_write_sent_once_with_it(
    server: Scripted, clock: FakeClock
) -> None:
    github = GitHub(Http(clock), server.url, "acme/platform", TOKEN, renew=lambda: "ghp_newer")
    server.replies = [Reply(), REFUSED, Reply(201), REFUSED]
    github.get("pulls")
    github.send("POST", "pulls", {})
    sent = [(each.method, each.headers["authorization"]) for each in server.asked]
    assert sent == [("GET", f"Bearer {TOKEN}"), ("POST", f"Bearer {TOKEN}"), ("POST", "Bearer ghp_newer")]
    with pytest.raises(Waiting, match="has run out") as caught:
        github.fresh("pulls")
    assert (caught.value.code, len(server.asked)) == (4, 4)
    assert "run the same again" in caught.value.hint


def test_s01_netrc_does_not_replace_the_token(
    server: Scripted, github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login y password netrcsecret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    github.get("pulls")
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_f26_all_pages_are_read(server: Scripted, github: GitHub) -> None:
    def page(first: int) -> bytes:
        return json.dumps({"jobs": list(range(first, first + 100))}).encode()

    link = {"Link": f'<{server.url}/repos/acme/platform/jobs?page=2>; rel="next", <{server.url}/x>; rel="last"'}
    server.replies = [Reply(body=page(0), headers=link), Reply(body=page(100))]
    assert list(github.pages("jobs", key="jobs")) == list(range(200))
    assert "per_page=100" in server.asked[0].path


def test_s02_a_next_page_on_another_host_is_not_asked_for(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(body=b"[1]", headers={"Link": '<http://localhost:1/x>; rel="next"'})]
    with pytest.raises(Failed, match="another host"):
        list(github.pages("pulls"))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "http://api.github.com/x",
        "https://api.github.com@evil.example/x",
        "https://github.com/x",
    ],
)
def test_f32_a_token_goes_to_no_address_that_an_answer_names_elsewhere(server: Scripted, address: str) -> None:
    github = GitHub(Http(FakeClock()), "https://api.github.com", "acme/platform", TOKEN)
    for ask in (github.get, github.content, lambda url: github.upload(url, "x", b"", "text/plain"), github.fresh):
        with pytest.raises(Failed, match="another host"):
            ask(address)
    assert github.url("https://uploads.github.com/x") == "https://uploads.github.com/x"


def test_an_unchanged_answer_costs_no_body(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(body=b'{"status": "queued"}', headers={"ETag": '"1"'}), Reply(304, b"")]
    assert [github.fresh("actions/runs/1") for _ in range(2)] == [{"status": "queued"}] * 2
    assert server.asked[1].headers["if-none-match"] == '"1"'


def test_f26_what_is_asked_for_again_and_again_comes_in_as_few_pages_as_can_be(
    server: Scripted, github: GitHub
) -> None:
    numbers = [{"id": each} for each in range(3)]
    pages = [json.dumps({"total_count": 3, "jobs": some}).encode() for some in (numbers[:2], numbers[2:])]
    server.replies = [Reply(body=page) for page in pages]
    assert list(github.fresh_pages("jobs", "jobs", filter="latest")) == numbers
    query = "filter=latest&per_page=100&page="
    assert [each.path for each in server.asked] == [f"/repos/acme/platform/jobs?{query}{page}" for page in (1, 2)]


def test_missing_is_404_alone(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(404, b'{"message": "Not Found"}'), Reply(403, b'{"message": "no"}')]
    assert github.find("releases/tags/0.7.0") is None
    with pytest.raises(Failed):
        github.find("releases/tags/0.7.0")


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_is_nothing_that_github_says(server: Scripted, github: GitHub, status: int) -> None:
    server.replies = [Reply(status, b"<p>Sign in</p>", {"Content-Type": "text/html; charset=utf-8"})]
    reads = (github.find, github.get, github.fresh, github.content, lambda path: list(github.pages(path)))
    for read in reads:
        with pytest.raises(Failed, match=f"answered {status} with a web page"):
            read("releases/tags/0.7.0")  # type: ignore[operator]
    with pytest.raises(Unknown, match="with a web page"):
        github.send("POST", "releases", {})


def test_a_conflict_is_told_apart(server: Scripted, github: GitHub) -> None:
    server.replies = [Reply(409, b'{"message": "Head branch was modified"}')]
    with pytest.raises(Conflict, match="Head branch was modified"):
        github.send("PUT", "pulls/1/merge", {})


def test_hosts_and_their_apis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    assert api_url("github.com") == "https://api.github.com"
    assert api_url("ghe.example") == "https://ghe.example/api/v3"
    assert sign_in("https://bot@ghe.example/api/v3") == sign_in("https://ghe.example/api/v3")
    assert serves("https://api.github.com", "github.com")
    assert serves("https://ghe.example/api/v3", "ghe.example")
    assert not serves("https://api.github.com", "github.com.evil.example")
    assert not serves("https://api.github.com", "gitlab.com")
