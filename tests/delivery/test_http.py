"""Packages over HTTP: from real servers, restarted and swapped, and onto a disk that may be full."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from edgekit.assurance.relay import relay
from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from edgekit.delivery.server import certify, serve_http
from tests.delivery.transfers import DATA, LARGE, once

pytest.importorskip("httpx")
pytest.importorskip("uvicorn")


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
        url, watch = f"http://127.0.0.1:{port}/update.suit", once([1 << 20], restart)
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


def test_no_server_and_no_address(tmp_path):
    with serve_http(DATA) as url:
        pass
    with pytest.raises(EdgekitError, match="too slow") as error:
        fetch_http(f"{url}/update", tmp_path / "a", timeout_s=0.3)
    assert "\n" not in str(error.value)
    for wrong in ("ftp://x/update", "http://[/"):
        with pytest.raises(EdgekitError):
            fetch_http(wrong, tmp_path / "a", timeout_s=0.3)


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
