"""Misbehaviour on purpose, and a log of what was asked."""

from __future__ import annotations

import time

import pytest
import requests
from sandbox_client import DISPATCH, Client


def test_f1_dispatch_is_done_and_its_answer_lost(client: Client) -> None:
    client.sandbox.github.faults.add("POST", r"/dispatches", status=502, after=True)
    body = {"ref": "main", "inputs": {"publish": "true"}}
    client.send("POST", DISPATCH, 502, body)
    assert len(client.hub.runs) == 1
    client.sandbox.github.faults.add("POST", r"/dispatches", status=502)
    client.send("POST", DISPATCH, 502, body)
    assert len(client.hub.runs) == 1
    sent = [request for request in client.sandbox.github.requests if request.path.endswith("/dispatches")]
    assert [request.body for request in sent] == [body, body]
    assert sent[0].headers["authorization"] == "Bearer ***"


def test_f8_connection_is_cut_with_the_push_done_or_not(client: Client) -> None:
    faults = client.sandbox.github.faults
    client.git("fetch", "-q")
    faults.add("POST", r"git-receive-pack", drop=True, after=True, times=None)
    assert client.git("push", "origin", "HEAD:refs/heads/landed", check=False).returncode != 0
    assert client.sandbox.bare.sha("landed")
    faults.clear()
    faults.add("POST", r"git-receive-pack", drop=True, times=None)
    assert client.git("push", "origin", "HEAD:refs/heads/lost", check=False).returncode != 0
    assert client.sandbox.bare.sha("lost") is None


def test_faults_delay_limit_and_let_somebody_come_between(client: Client) -> None:
    faults = client.sandbox.github.faults
    faults.add("GET", r"/user", status=429, headers={"Retry-After": "7"}, body={"message": "slow down"}, times=2)
    for _ in range(2):
        assert client.ask("GET", "/user", 429).headers["Retry-After"] == "7"
    client.get("/user")
    sha = client.sandbox.bare.sha("main") or ""
    faults.add("GET", r"/git/ref/", call=lambda: client.sandbox.bare.update_ref("refs/heads/between", sha), delay=0.05)
    started = time.monotonic()
    assert client.get("git/ref/heads/between")["object"]["sha"] == sha
    assert time.monotonic() - started >= 0.05
    faults.add("GET", r"/user", drop=True)
    with pytest.raises(requests.ConnectionError):
        client.get("/user")


def test_faults_change_what_a_real_answer_says(client: Client) -> None:
    faults = client.sandbox.github.faults
    faults.add("GET", r"/branches/main", change=lambda body: {**body, "name": "other"})
    faults.add("GET", r"/user", headers={"Date": "Sat, 01 Jan 2000 00:00:00 GMT"})
    assert [client.get("branches/main")["name"] for _ in range(2)] == ["other", "main"]
    assert client.ask("GET", "/user").headers["Date"].endswith("2000 00:00:00 GMT")
