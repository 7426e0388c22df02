"""A provider that counts the requests that arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Provider:
    """Answers by path: `/429`, `/redirect` to `/`, `/close` with nothing, `/jobs` with a cap on jobs, `/slow` late, and 200."""

    def __init__(self) -> None:
        self.url = ""
        self.arrivals: list[str] = []
        self.has_arrivals = threading.Event()
        self.lock = threading.Lock()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # One write, so that nothing waits for an acknowledgement.

        def do_GET(self) -> None:
            with provider.lock:
                provider.arrivals.append(self.path)
            provider.has_arrivals.set()
            if self.path == "/close":
                self.close_connection = True
                return
            if self.path == "/slow":
                time.sleep(0.8)
            status, body = {"/429": (429, b"slow down"), "/jobs": (429, b"limit of 1 pending export jobs")}.get(
                self.path, (200, b"ok")
            )
            if self.path.startswith("/redirect"):
                status = 307
            self.send_response(status)
            if status == 307:
                self.send_header("Location", "/")
            if status == 429:
                self.send_header("Retry-After", "3")
            self.send_header("X-RateLimit-Limit", "166")
            self.send_header("X-RateLimit-Remaining", "100")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler


@contextmanager
def providing() -> Iterator[Provider]:
    """Runs a provider."""
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
