"""Packages over HTTP: real servers, restarted, swapped and hostile."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgekit.assurance.relay import relay
from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from edgekit.delivery.server import certify, serve_http
from edgekit.delivery.server.files import offered
from edgekit.delivery.server.http import application
from edgekit.packages.keys import file_key

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

DATA, OTHER = random.Random(8).randbytes(60_000), random.Random(9).randbytes(60_000)
LARGE = random.Random(10).randbytes(15 << 20)  # more than the buffers between two programs hold


class Stop(Exception):
    """Whatever stops a program in the middle."""


def test_a_server_leaves_the_logging_of_others_alone(tmp_path):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.close = stream.close  # as some libraries' handlers do
    with serve_http(tmp_path):
        pass
    assert not stream.closed


def once(when, act):
    left = [when]

    def watch(there, _size):
        if left and there >= left[0]:
            left.clear()
            act()

    return watch


def stop():
    raise Stop


def tag(data):
    return f'"{hashlib.sha256(data).hexdigest()}"'


# ------------------------------------------------------------------------------- what should happen


def test_a_package_arrives_as_it_was_over_tls(tmp_path):
    certificate = certify(tmp_path, "web", "127.0.0.1")
    to = tmp_path / "a.suit"
    with serve_http(DATA, certificate=certificate, key=tmp_path / "web.key") as url:
        done = fetch_http(f"{url}/update", to, ca=tmp_path / "ca.pem")
        with pytest.raises(EdgekitError, match="certificate is not trusted") as error:
            fetch_http(f"{url}/update", tmp_path / "b")
    assert to.read_bytes() == DATA
    assert (done.received, done.repeated, done.interruptions) == (len(DATA), 0, 0)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("*.etag"))


def test_the_server_is_killed_and_starts_again(tmp_path):
    """A program of its own, ended in the middle and started again at the same port."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "update.suit").write_bytes(LARGE)
    program = (
        "import sys\nfrom pathlib import Path\nfrom edgekit.delivery.server import serve_http\n"
        f"with serve_http(Path(sys.argv[1]), port={port}): print('up', flush=True), sys.stdin.read()\n"
    )
    running = []

    def start():
        command = [sys.executable, "-c", program, str(tmp_path / "files")]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        assert running[-1].stdout.readline() == "up\n"

    def end():
        running[-1].kill()
        running[-1].wait()

    def restart():
        end()
        start()

    try:
        start()
        url, watch = f"http://127.0.0.1:{port}/update.suit", once(1 << 20, restart)
        done = fetch_http(url, tmp_path / "a", watch=watch)
    finally:
        end()
        for process in running:
            process.stdin.close()
            process.stdout.close()
    assert done.path.read_bytes() == LARGE
    assert done.interruptions >= 1
    assert (done.received, done.repeated, done.restarts) == (len(LARGE), 0, 0)


def test_a_lost_connection_and_a_file_that_changed_meanwhile(tmp_path):
    """The connection is cut again and again; at the third time there is another file."""
    files, cuts = {"update": LARGE}, []
    new = LARGE[::-1]
    with serve_http(files) as url, relay(int(url.rpartition(":")[2])) as wire:

        def watch(there, _size):
            if len(cuts) < 3 and there > (len(cuts) + 1) << 20:
                cuts.append(there)
                if len(cuts) == 3:
                    files["update"] = new
                wire.cut()

        done = fetch_http(f"http://127.0.0.1:{wire.port}/update", tmp_path / "a", watch=watch)
    assert done.path.read_bytes() == new
    assert done.restarts == 1
    assert done.interruptions >= 1


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


def test_no_server_and_no_address(tmp_path):
    with serve_http(DATA) as url:
        pass
    with pytest.raises(EdgekitError, match="too slow") as error:
        fetch_http(f"{url}/update", tmp_path / "a", timeout_s=0.3)
    assert "\n" not in str(error.value)
    for wrong in ("ftp://x/update", "http://[/"):
        with pytest.raises(EdgekitError):
            fetch_http(wrong, tmp_path / "a", timeout_s=0.3)


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


# ------------------------------------------------------------------------------- two at a time


def test_two_downloads_into_one_file_do_not_mix(tmp_path):
    """Of two files, at once, again and again: one comes after the other, and it is one of the two."""
    files = {"a": LARGE[: 1 << 20], "b": LARGE[1 << 20 : 2 << 20]}
    said = []

    def get(url):
        for _ in range(4):
            said.append(fetch_http(url, tmp_path / "x").size)
            assert (tmp_path / "x").read_bytes() in files.values()

    with serve_http(files) as url:
        both = [threading.Thread(target=get, args=(f"{url}/{name}",)) for name in "ab" * 2]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert said == [1 << 20] * 16
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_what_changed_on_the_disk_is_no_success(tmp_path):
    """Without a SHA-256 to compare with, at least the size tells."""

    def spoil(_there, _size):
        os.truncate(tmp_path / "a.part", 10)

    answer = ALL.replace(tag(OTHER).encode(), b'"1"')
    says = "10 bytes are there, 60,000 came"
    with hostile(answer) as (url, _), pytest.raises(EdgekitError, match=says):
        fetch_http(url, tmp_path / "a", watch=once(60_000, lambda: spoil(0, 0)))
    assert not list(tmp_path.iterdir())


def test_an_answer_that_may_end_anywhere_is_refused(tmp_path):
    with hostile(head("200 OK") + DATA[:500]) as (url, _):
        with pytest.raises(EdgekitError, match="neither how long"):
            fetch_http(url, tmp_path / "a")
        sha256 = hashlib.sha256(DATA[:500]).digest()
        assert fetch_http(url, tmp_path / "a", digest=sha256).size == 500


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


# ------------------------------------------------------------------------------- hostile servers


@contextmanager
def hostile(*turns):
    """A server that answers its n-th connection with `turns[n]` (the last for all that follow): bytes, or
    an iterator of bytes that is sent as fast as it gives them. Yields its URL and the requests it got."""
    listening, requests, done = socket.create_server(("127.0.0.1", 0)), [], threading.Event()

    def one(s, turn):
        with s, suppress(OSError):
            requests.append(s.recv(65_536).decode())
            for data in [turn] if isinstance(turn, bytes) else turn(done):
                s.sendall(data)
            s.shutdown(socket.SHUT_WR)

    def run():
        with suppress(OSError):
            for n in range(100):
                s, _ = listening.accept()
                turn = turns[min(n, len(turns) - 1)]
                threading.Thread(target=one, args=(s, turn), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/update", requests
    finally:
        done.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def head(status, *lines):
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


HALF = head("200 OK", f"ETag: {tag(DATA)}", "Content-Length: 60000") + DATA[:30_000]


def rest(etag, first=30_000, total=60_000, body=DATA[30_000:]):
    span = f"Content-Range: bytes {first}-59999/{total}"
    return head("206 Partial Content", f"ETag: {etag}", span, f"Content-Length: {len(body)}") + body


ALL = head("200 OK", f"ETag: {tag(OTHER)}", "Content-Length: 60000") + OTHER


def test_a_transfer_that_breaks_off_is_resumed_with_its_etag(tmp_path):
    with hostile(HALF, rest(tag(DATA))) as (url, requests):
        done = fetch_http(url, tmp_path / "a")
    assert done.path.read_bytes() == DATA
    assert (done.received, done.interruptions, done.repeated) == (60_000, 1, 0)
    assert "range: bytes=30000-" in requests[1].lower()
    assert f"if-range: {tag(DATA)}" in requests[1].lower()


@pytest.mark.parametrize(
    "wrong",
    [
        rest(tag(OTHER), body=OTHER[30_000:]),  # as a server does that does not know If-Range
        rest(tag(DATA), first=20_000),
        rest(tag(DATA), total=70_000),
        head("206 Partial Content", f"ETag: {tag(DATA)}", "Content-Length: 5") + b"hello",
        head("416 Range Not Satisfiable", "Content-Length: 0"),
    ],
)
def test_a_part_of_another_file_is_never_mixed_in(tmp_path, wrong):
    with hostile(HALF, wrong, ALL) as (url, requests):
        done = fetch_http(url, tmp_path / "a")
    assert done.path.read_bytes() == OTHER
    assert "range:" not in requests[2].lower()
    assert done.restarts == 1


def test_a_server_that_lies_about_its_etag(tmp_path):
    """The old ETag on the new file's bytes: the sum does not fit, and nothing is kept."""
    lie, says = rest(tag(DATA), body=OTHER[30_000:]), "not the file that was asked for"
    with hostile(HALF, lie) as (url, _), pytest.raises(EdgekitError, match=says):
        fetch_http(url, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_a_server_that_always_sends_parts(tmp_path):
    with hostile(rest(tag(DATA))) as (url, _), pytest.raises(EdgekitError, match="too often"):
        fetch_http(url, tmp_path / "a")


def _chunks(done):
    yield head("200 OK", "Transfer-Encoding: chunked")
    while not done.is_set():
        yield b"4000\r\n" + bytes(0x4000) + b"\r\n"


def test_endless_data(tmp_path):
    with hostile(_chunks) as (url, _), pytest.raises(EdgekitError, match="does not end"):
        fetch_http(url, tmp_path / "a", limit=300_000)
    assert (tmp_path / "a.part").stat().st_size <= 300_000


def test_more_than_is_allowed_is_not_begun(tmp_path):
    with hostile(HALF) as (url, _), pytest.raises(EdgekitError, match="59,999 are allowed"):
        fetch_http(url, tmp_path / "a", limit=59_999)
    assert not list(tmp_path.iterdir())


def _drip(data, each):
    def turn(done):
        for i in range(0, len(data), each):
            yield data[i : i + each]
            if done.wait(0.05):
                return

    return turn


@pytest.mark.parametrize(
    "turn",
    [
        _drip(HALF, 1),  # the headers byte by byte: no single read ever times out
        lambda done: (b"", HALF[:3_000], *_drip(HALF[3_000:], 1)(done)),
        lambda done: iter([b""] if done.wait(5) else []),
        _drip(head("200 OK", "Transfer-Encoding: chunked") + b"1;" + b"x" * 9_000, 1),
    ],
    ids=["headers", "body", "silence", "chunk extension"],
)
def test_a_server_that_is_too_slow(tmp_path, turn):
    with hostile(turn) as (url, _), pytest.raises(EdgekitError, match="too slow"):
        fetch_http(url, tmp_path / "a", min_bytes_per_s=10_000, timeout_s=0.6)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (head("302 Found", "Location: http://127.0.0.1:1/x", "Content-Length: 0"), "302"),
        (head("200 OK", "Content-Encoding: gzip", "Content-Length: 5") + b"hello", "coding"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "too slow"),
    ],
)
def test_a_server_that_says_something_else(tmp_path, answer, says):
    with hostile(answer) as (url, _), pytest.raises(EdgekitError, match=says) as error:
        fetch_http(url, tmp_path / "a", timeout_s=0.4)
    assert "\n" not in str(error.value)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgekit.delivery.http.sync", full)
    with serve_http(DATA) as url, pytest.raises(EdgekitError, match="No space left"):
        fetch_http(f"{url}/update", tmp_path / "a")
    assert not list(tmp_path.iterdir()), "the disk is still full"


@pytest.mark.parametrize("record", ["", "{}", '{"url": 1, "etag": 2, "size": 3}', "[]", '"x"'])
def test_a_spoilt_record_is_not_believed(tmp_path, record):
    (tmp_path / "a.part").write_bytes(b"of something else")
    (tmp_path / "a.etag").write_text(record)
    with serve_http(DATA) as url:
        assert fetch_http(f"{url}/update", tmp_path / "a").resumed_bytes == 0
    assert (tmp_path / "a").read_bytes() == DATA
