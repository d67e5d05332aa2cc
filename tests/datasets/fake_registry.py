"""A package registry on this machine, with the faults that networks have."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edgekit.datasets.sources import Source


@dataclass
class Registry:
    """What the fake registry serves, how it misbehaves, and what was asked of it."""

    files: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    cut: list[int] = field(default_factory=list)  # bytes after which each next download breaks
    ranges: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    endpoint: str = ""

    def downloads(self) -> list[str | None]:
        """The Range header of each request for a file."""
        return [span for path, span in self.requests if path.startswith("/files/")]


@pytest.fixture
def registry():
    state = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.requests.append((self.path, self.headers.get("Range")))
            if self.path.startswith("/simple/"):
                return self.page()
            body = state.files.get(self.path.rpartition("/")[2])
            if body is None:
                return self.send_error(404)
            return self.body(body)

        def page(self):
            name = self.path.strip("/").split("/")[1]
            if name != "bearing-data":
                return self.send_error(404)
            files = [
                {
                    "filename": file,
                    "url": f"{state.endpoint}../files/{file}",
                    "hashes": {"sha256": state.digests.get(file, hashlib.sha256(data).hexdigest())},
                    "size": len(data),
                }
                for file, data in state.files.items()
            ]
            page = {
                "meta": {"api-version": "1.1"},
                "name": name,
                "files": files,
                "versions": ["1.0"],
            }
            reply = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            return self.wfile.write(reply)

        def body(self, body: bytes):
            start = 0
            if state.ranges and (span := self.headers.get("Range")):
                start = int(span.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    return self.send_error(416)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            rest = body[start:]
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: state.cut.pop(0)] if state.cut else rest)
            return None

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.endpoint = f"http://127.0.0.1:{server.server_port}/simple/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


def tarball(members: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    """A `.tar.gz` of the given members; a TarInfo goes in as it is (a link, say)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                file.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def pin(data: bytes, file: str = "bearing_data-1.0.tar.gz", **other) -> Source:
    """A source pinned to exactly these bytes."""
    values = {
        "package": "bearing-data",
        "version": "1.0",
        "file": file,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "folder": "bearing_data-1.0/data",
        "members": ("*.bin",),
        "licence": "CC0 of the test",
        "credit": "The Tester",
    }
    return Source("rig", **(values | other))
