"""Public bearing rigs fetched from their home pages: what is shown, resumed and refused."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.datasets import bearing_download, bearing_files, cached


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home page of a set on this machine, and an index that points to it."""
    served, asked = {"N402.mat": b"n" * 70_000, "I402.mat": b"i" * 100, "IB402.mat": b"x"}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Range")))
            body = served[self.path.rpartition("/")[2]]
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start:])

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    index = tmp_path / "index" / "hust"
    index.mkdir(parents=True)
    (index / "dataset.yaml").write_text(
        "title: A rig\nlicense: CC-TEST\nhomepage: http://home\nsources:\n  - type: http\n"
        f"    base_url: http://127.0.0.1:{server.server_port}/files/\n"
    )
    lock = [
        {"name": n, "size": len(b), "sha256": hashlib.sha256(b).hexdigest()}
        for n, b in served.items()
    ]
    (index / "files.lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(bearing_download, "fetch", lambda *_, **__: tmp_path / "index")
    yield served, asked
    server.shutdown()
    server.server_close()


def test_download_shows_the_licence_and_brings_pinned_files(home, tmp_path):
    served, asked = home
    said = []
    folder = bearing_download.download("hust", tmp_path, said.append)
    assert "CC-TEST" in said[0]
    assert "2 of 2" in said[0]
    assert {p.name: p.read_bytes() for p in folder.glob("*.mat")} == {
        n: served[n] for n in ("N402.mat", "I402.mat")
    }
    before = len(asked)
    assert bearing_download.download("hust", tmp_path, said.append) == folder
    assert len(asked) == before


def test_download_resumes_and_refuses_other_bytes(home, tmp_path):
    served, asked = home
    part = tmp_path / "bearing-hust" / "N402.mat.part"
    part.parent.mkdir()
    part.write_bytes(b"n" * 1_000)
    served["I402.mat"] = b"j" * 100
    with pytest.raises(EdgekitError, match=r"I402\.mat.*not the pinned file"):
        bearing_download.download("hust", tmp_path, lambda _: None)
    assert ("/files/N402.mat", "bytes=1000-") in asked
    assert (part.parent / "N402.mat").stat().st_size == 70_000
    assert not (part.parent / "I402.mat").exists()


def test_the_real_index_is_read():
    if cached("bearing-index") is None:
        pytest.skip("the index is not in the cache; fetch('bearing-index') brings it")
    for name in bearing_files.DATASETS:
        told = bearing_download.dataset_metadata(name)
        assert told["license"] != "not stated"
        assert len(told["files"]) > 9
        assert all(len(f["sha256"]) == 64 for f in told["files"])
