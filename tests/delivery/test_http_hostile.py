"""Packages over HTTP from servers that break off, lie, dawdle or never end."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from tests.delivery.transfers import DATA, OTHER, once, tag

pytest.importorskip("httpx")


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


def test_what_changed_on_the_disk_is_no_success(tmp_path):
    """Without a SHA-256 to compare with, at least the size tells."""

    def spoil(_there, _size):
        os.truncate(tmp_path / "a.part", 10)

    answer = ALL.replace(tag(OTHER).encode(), b'"1"')
    says = "10 bytes are there, 60,000 came"
    with hostile(answer) as (url, _), pytest.raises(EdgekitError, match=says):
        fetch_http(url, tmp_path / "a", watch=once([60_000], lambda: spoil(0, 0)))
    assert not list(tmp_path.iterdir())


def test_an_answer_that_may_end_anywhere_is_refused(tmp_path):
    with hostile(head("200 OK") + DATA[:500]) as (url, _):
        with pytest.raises(EdgekitError, match="neither how long"):
            fetch_http(url, tmp_path / "a")
        sha256 = hashlib.sha256(DATA[:500]).digest()
        assert fetch_http(url, tmp_path / "a", digest=sha256).size == 500
