from __future__ import annotations

import pytest

from crossspace.errors import UsageError
from crossspace.serve.hosts import host_of, is_own
from crossspace.serve.settings import Settings

TALK = {"utterances": [{"text": "joy"}]}


def test_every_answer_forbids_requests_elsewhere(client):
    for path in ("/", "/v1/health", "/v1/model", "/nowhere", "/static/nothing.js", "/openapi.json"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
        assert not any("http" in sources or "*" in sources for sources in policy.values())
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


FOREIGN = (
    *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost", "localhost.", "localhos"),
    *("localhost@evil.example", "evil.example@localhost", "localhost:80@evil.example", "evil.example:80@localhost"),
    *("", " ", "localhost evil.example", "localhost,evil.example", "localhost/evil.example", "local_host"),
    *("[::1", "::1", "[::1]evil.example", "[::1].evil.example", "[::1]:", "[::2]", "[::ffff:127.0.0.1]", "[localhost]"),
    *("localhost:", "localhost:a", "localhost:80a", "localhost:0", "localhost:99999", "localhost:-1", "localhost:1:1"),
    *("127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1:\u0661", "loca\u017fhost", "\uff4cocalhost", "http://localhost"),
)  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_on_loopback_foreign_host_names_are_refused(client, host):
    headers = {"Host": host.encode("utf-8")}
    assert client.get("/v1/health", headers=headers).status_code == 403


def test_a_request_has_one_host(client):
    for hosts in ([], ["localhost", "localhost"], ["localhost", "evil.example"]):
        assert host_of(hosts) is None
    request = client.build_request("GET", "/v1/health", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert client.send(request).status_code == 403


@pytest.mark.parametrize("host", [h for h in FOREIGN if any(sign in h for sign in "@ /#,\u0661")])
def test_beyond_loopback_a_host_is_still_one_name(open_client, host):
    client = open_client(host="0.0.0.0")
    assert client.get("/v1/health", headers={"Host": host.encode("utf-8")}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "[0:0:0:0:0:0:0:1]"])
def test_names_of_this_computer_are_served(client, host):
    assert client.get("/v1/health", headers={"Host": host}).status_code == 200


def test_beyond_loopback_any_host_name_is_served(open_client):
    assert open_client(host="0.0.0.0").get("/v1/health", headers={"Host": "talk.example"}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:9", "http://[", "", "127.0.0.1:8000", "ftp://127.0.0.1:8000",
     "http://evil.example@127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000 ", "http://127.0.0.1",
     "http://127.0.0.1:8000.evil.example", "http://127.0.0.1:8000#evil", "http:/127.0.0.1:8000", "HTTP://127.0.0.1:8000"],
)  # fmt: skip
def test_requests_of_other_sites_are_refused(client, origin):
    response = client.post("/v1/predict", json=TALK, headers={"Origin": origin})
    assert response.status_code == 403 and response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://localhost", "localhost:80"), ("https://a.example", "a.example"), ("https://a.example", "a.example:443"),
     ("http://[::1]:8000", "[0::1]:8000"), ("http://localhost:9", "LOCALHOST:9")],
)  # fmt: skip
def test_an_origin_is_the_host_with_the_port_that_its_scheme_leaves_out(origin, host):
    assert is_own([origin], host_of([host]))
    assert not is_own([origin, origin], host_of([host])) and not is_own([origin], host_of(["other:1"]))


def test_requests_of_the_page_are_served(client):
    assert client.post("/v1/predict", json=TALK, headers={"Origin": "http://127.0.0.1:8000"}).status_code == 200


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer ", "Bearer other", "Basic s3cret", "Bearer s3cre", "Bearer \u00e9"]
)
def test_without_the_token_nothing_is_served_but_page_and_health(open_client, analyzer, shown):
    client = open_client(token="s3cret")
    headers = {} if shown is None else {"Authorization": shown.encode("latin-1")}
    for response in (
        client.get("/v1/model", headers=headers),
        client.post("/v1/predict", json=TALK, headers=headers),
        client.post("/v1/analyze", files={"transcript": ("a", b"ANN: joy")}, headers=headers),
    ):
        assert response.status_code == 401 and response.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/health", headers=headers).status_code == 200
    assert analyzer.seen == []


def test_with_the_token_everything_is_served(open_client):
    client = open_client(token="s3cret")
    assert client.get("/v1/model", headers={"Authorization": "Bearer s3cret"}).status_code == 200
    assert client.post("/v1/predict", json=TALK, headers={"authorization": "bearer s3cret"}).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"token": ""}, {"token": "a b"}, {"token": "\u00e9"}, {"port": 70000}, {"max_queue": 0}]
)
def test_settings_that_cannot_be_are_named(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Settings(**wrong)


def test_the_token_is_not_shown_by_accident():
    assert "s3cret" not in repr(Settings(token="s3cret"))
