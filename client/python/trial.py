"""Writes the code of the README as programs that run beside a server, into the directory that is named."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import indent

HERE = Path(__file__).parent

COUNTED = """\
calls = 0


def call_the_provider() -> None:
    global calls
    calls += 1


"""

COUNTED_AIO = """\
import asyncio

calls = 0


async def call_the_provider() -> None:
    global calls
    calls += 1


"""

PROVIDER = """\
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

arrivals: list[str] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        arrivals.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


provider = HTTPServer(("127.0.0.1", 0), Handler)
Thread(target=provider.serve_forever, daemon=True).start()
PROVIDER = f"http://127.0.0.1:{provider.server_port}/"
"""

CONNECTED = 'import apportion\n\nwith apportion.connect("{url}") as quota:\n'

# One at the end of a window may end before it is used.
LEASE = """\
    for _ in range(20):
        if calls == 0:
"""

SYNC = """\
from apportion import Quota, RefusedError


def sync_contacts(quota: Quota) -> None:
    try:
        while True:
            with quota.permit(max_wait=0):
                pass
    except RefusedError as refused:
        assert refused.reason == "WINDOW_EXHAUSTED", refused


"""


def programs(blocks: list[str], url: str) -> dict[str, str]:
    """Returns the programs by name."""
    simple, tasks, lease, http, tested = blocks
    connected = CONNECTED.format(url=url)
    http = http.replace('"https://api.example.com/contacts"', "PROVIDER")
    imports, *rest = http.split("\n\n", 1)
    return {
        "user_simple": COUNTED + simple + "assert calls == 1, calls\n",
        "user_tasks": COUNTED_AIO + with_main(tasks) + "asyncio.run(main())\nassert calls == 1, calls\n",
        "user_lease": COUNTED + connected + LEASE + indent(lease, " " * 12) + "assert 1 <= calls <= 100, calls\n",
        "user_http": imports
        + "\n"
        + PROVIDER
        + connected
        + indent("".join(rest), "    ")
        + "assert len(arrivals) == 1, arrivals\n",
        "user_tested": SYNC + tested + "\n\ntest_it_stops_when_the_budget_is_used_up()\n",
    }


def with_main(block: str) -> str:
    """Wraps what follows the imports of a block in a coroutine."""
    imports, body = block.split("\n\n", 1)
    return f"{imports}\n\n\nasync def main() -> None:\n{indent(body, '    ')}\n\n"


def main(directory: Path) -> None:
    """Writes them."""
    blocks = directory / "blocks"
    blocks.mkdir()
    subprocess.run([HERE / "../trial/blocks", HERE / "README.md", "python", blocks, "5"], check=True)
    texts = [file.read_text() for file in sorted(blocks.iterdir())]
    for name, text in programs(texts, os.environ["APPORTION_URL"]).items():
        (directory / f"{name}.py").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
