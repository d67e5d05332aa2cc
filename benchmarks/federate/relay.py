"""Between SuperNodes and their SuperLink: a server with its certificate that passes all on and keeps it."""

from __future__ import annotations

import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from edgekit.federate.deployment import certificates
from edgekit.federate.flower import MetricRecord

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Relay:
    """Listens at `port`, before the SuperLink of `folder` at `to`; `up` are (path, body) of all requests."""

    def __init__(self, folder: Path, to: int):
        self.up: list[tuple[str, bytes]] = []
        client = ssl.create_default_context(cafile=str(folder / certificates.CA))
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                relay.up.append((self.path, body))
                onward = http.client.HTTPSConnection("127.0.0.1", to, context=client, timeout=60)
                try:
                    kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
                    onward.request("POST", self.path, body, kept)
                    answer = onward.getresponse()
                    content, status, headers = answer.read(), answer.status, answer.getheaders()
                except OSError:
                    content, status, headers = b"", 502, []
                finally:
                    onward.close()
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / certificates.CERTIFICATE, folder / certificates.KEY)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]

    def __enter__(self) -> Relay:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    def objects(self) -> list[bytes]:
        """The content of all objects that clients sent: arrays, records, messages."""
        from flwr.proto.message_pb2 import PushObjectRequest

        return [
            PushObjectRequest.FromString(body).object_content
            for path, body in self.up
            if path.endswith("push-object")
        ]


def names(objects: list[bytes]) -> tuple[set[str], set[str]]:
    """(kinds of objects, names of metrics) among what clients sent."""
    kinds, metrics = set(), set()
    for content in objects:
        kind = content.split(b" ", 1)[0].decode()
        kinds.add(kind)
        if kind == MetricRecord.__qualname__:
            metrics |= set(MetricRecord.inflate(content))
    return kinds, metrics
