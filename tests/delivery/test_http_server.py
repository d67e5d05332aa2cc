"""The server of packages over HTTP: what it gives away, to whom, in which ranges, and who only holds on."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
import ssl
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from edgekit.delivery.server import certify, serve_http
from edgekit.delivery.server.files import offered
from edgekit.delivery.server.http import application
from edgekit.packages.keys import file_key
from tests.delivery.transfers import DATA, LARGE, OTHER, tag

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")


def test_a_server_leaves_the_logging_of_others_alone(tmp_path):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.close = stream.close  # as some libraries' handlers do
    with serve_http(tmp_path):
        pass
    assert not stream.closed


def test_a_server_gives_away_packages_and_nothing_else(tmp_path):
    """Its folder may hold the key; and there are more ways to name a file than its name."""
    folder, secret = tmp_path / "files", tmp_path / "secret.suit"
    folder.mkdir()
    secret.write_text("secret")
    for name in (
        "release.pem",
        "release.key",
        "notes.txt",
        ".hidden.suit",
        "a.suit.part",
        "update",
    ):
        (folder / name).write_text("secret")
    (folder / "out.suit").symlink_to(secret)
    (folder / "key.suit").symlink_to(folder / "release.pem")
    (folder / "round.suit").symlink_to(folder / "round.suit")
    (folder / "folder.suit").mkdir()
    (folder / "large.suit").touch()
    os.truncate(folder / "large.suit", (16 << 20) + 1)
    os.mkfifo(folder / "pipe.suit")
    (folder / "2.suit").write_bytes(DATA)
    (folder / "latest.suit").symlink_to(folder / "2.suit")
    there = {"2.suit", "latest.suit"}
    assert set(offered(folder)) == there
    names = {p.name for p in folder.iterdir()} - there
    names |= {"no.suit", "../secret.suit", "%2e%2e%2fsecret.suit", "", "2.suit%00", "2.suit/"}
    with serve_http(folder) as url:
        for name in names:
            with pytest.raises(EdgekitError, match=r"404|307"):
                fetch_http(f"{url}/{name}", tmp_path / "a")
        for name in there:
            fetch_http(f"{url}/{name}", tmp_path / "a")
            assert (tmp_path / "a").read_bytes() == DATA
        (folder / "2.suit").write_bytes(OTHER)
        assert fetch_http(f"{url}/latest.suit", tmp_path / "a").path.read_bytes() == OTHER


# ------------------------------------------------------------------------------- clients that hold on


def closed_after(connection, seconds):
    """Seconds until the other side closes a connection that reads nothing but what is there."""
    start = time.monotonic()
    connection.settimeout(seconds)
    with suppress(ConnectionError):
        while connection.recv(1):
            pass
    return time.monotonic() - start


def silent(port, context):
    return socket.create_connection(("127.0.0.1", port))


def handshaken(port, context):
    return context.wrap_socket(silent(port, None), server_hostname="localhost")


def drip(port, context):
    s = handshaken(port, context)

    def run():
        with suppress(OSError):
            for byte in b"GET /update HTTP/1.1\r\nX: " + bytes(b"x" * 9_000):
                s.sendall(bytes([byte]))
                time.sleep(0.05)

    threading.Thread(target=run, daemon=True).start()
    return s


def body(port, context):
    s = handshaken(port, context)
    s.sendall(b"GET /update HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
    return s


@pytest.mark.parametrize("kind", [silent, handshaken, drip, body])
def test_a_client_that_only_holds_on_is_cut_and_others_are_served(tmp_path, kind):
    """Before the handshake, before the request, in the middle of it, and when it was answered."""
    certificate = certify(tmp_path, "web", "127.0.0.1")
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    tls = {"certificate": certificate, "key": tmp_path / "web.key"}
    with (
        serve_http(b"few bytes", timeout_s=0.5, connections=2, **tls) as url,
        kind(int(url.rpartition(":")[2]), context) as held,
    ):
        done = fetch_http(f"{url}/update", tmp_path / "a", ca=tmp_path / "ca.pem")
        assert closed_after(held, 5) < 3
    assert done.path.read_bytes() == b"few bytes"


def test_a_client_that_stops_reading_is_cut_and_a_slow_one_is_not(tmp_path):
    with serve_http(LARGE, timeout_s=0.4, min_bytes_per_s=1_000) as url:
        port = int(url.rpartition(":")[2])
        with silent(port, None) as stopped, socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            slow.connect(("127.0.0.1", port))
            for s in (stopped, slow):
                s.sendall(b"GET /update HTTP/1.1\r\nHost: x\r\n\r\n")
            for _ in range(40):
                assert slow.recv(40_000)
                time.sleep(0.04)
            came = 0
            with suppress(ConnectionError):
                while piece := stopped.recv(1 << 20):
                    came += len(piece)
            assert 0 < came < len(LARGE), "nobody cut it"
            assert slow.recv(40_000), "it was slow and steady"


def test_there_are_only_so_many_connections(tmp_path):
    with serve_http(DATA, connections=3) as url:
        where = ("127.0.0.1", int(url.rpartition(":")[2]))
        held = [socket.create_connection(where) for _ in range(3)]
        time.sleep(0.2)
        with socket.create_connection(where) as another:
            assert closed_after(another, 2) < 1
        held.pop().close()
        time.sleep(0.2)
        assert fetch_http(f"{url}/update", tmp_path / "a").path.read_bytes() == DATA
        for s in held:
            s.close()


@pytest.mark.parametrize("wrong", ["none", "other key", "no pem", "encrypted"])
def test_a_certificate_that_is_no_use_is_one_line(tmp_path, wrong):
    pair = {"certificate": certify(tmp_path, "web", "127.0.0.1"), "key": tmp_path / "web.key"}
    certify(tmp_path, "other", "127.0.0.1")
    if wrong == "none":
        pair["certificate"] = tmp_path / "none.pem"
    elif wrong == "other key":
        pair["key"] = tmp_path / "other.key"
    elif wrong == "no pem":
        pair["certificate"].write_bytes(b"x")
    else:
        file_key(tmp_path / "locked.pem", "a long passphrase", "ES256")
        pair["key"] = tmp_path / "locked.pem"
    with pytest.raises(EdgekitError, match="no TLS with") as error, serve_http(DATA, **pair):
        pass
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------- ranges


def ask(app, method="GET", **headers):
    """Status, body and headers of /update."""
    heads = {name.replace("_", "-"): value for name, value in headers.items()}

    async def run():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, "/update", headers=heads)

    answer = asyncio.run(run())
    return answer.status_code, answer.content, answer.headers


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 120), st.one_of(st.none(), st.integers(0, 120)), st.integers(1, 100))
def test_ranges_are_answered_as_another_server_answers_them(tmp_path_factory, first, last, size):
    """The oracle is starlette's own file response."""
    from starlette.applications import Starlette
    from starlette.responses import FileResponse
    from starlette.routing import Route

    assume(last is None or last >= first)
    file = tmp_path_factory.getbasetemp() / f"{size}"
    file.write_bytes(DATA[:size])
    theirs = Starlette(routes=[Route("/update", lambda _request: FileResponse(file))])
    span = f"bytes={first}-{'' if last is None else last}"
    ours, other = ask(application(DATA[:size]), range=span), ask(theirs, range=span)
    assert ours[0] == other[0]
    if ours[0] == 206:
        assert ours[1] == other[1] == DATA[:size][first : None if last is None else last + 1]
        assert ours[2]["content-range"] == other[2]["content-range"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"range": "bytes=10-19"}, 206),
        ({"range": "bytes=-7"}, 206),
        ({"range": "bytes=10-19", "if_range": tag(DATA)}, 206),
        ({"range": "bytes=10-19", "if_range": tag(OTHER)}, 200),
        ({"range": "bytes=10-19", "if_range": "W/" + tag(DATA)}, 200),
        ({"range": "bytes=10-19", "if_range": "Wed, 21 Oct 2026 07:28:00 GMT"}, 200),
        ({"range": "bytes=60000-"}, 416),
        ({"range": "bytes=60000-", "if_range": tag(OTHER)}, 200),
        ({"range": "bytes=-0"}, 416),
        ({"range": "bytes=19-10"}, 200),
        ({"range": "bytes=-"}, 200),
        ({"range": "bytes=0-1,5-6"}, 200),
        ({"range": "lines=0-1"}, 200),
        ({"range": "bytes=" + "9" * 400 + "-"}, 200),
        ({"if_none_match": tag(DATA)}, 304),
    ],
)
def test_a_range_only_if_it_is_still_the_same_file(headers, status):
    code, body, heads = ask(application(DATA), **headers)
    assert code == status
    assert heads["etag"] == tag(DATA)
    if status == 200:
        assert body == DATA
    if status == 206:
        first, _, rest = heads["content-range"].removeprefix("bytes ").partition("-")
        assert body == DATA[int(first) : int(rest.split("/")[0]) + 1]
    if status == 416:
        assert heads["content-range"] == "bytes */60000"
