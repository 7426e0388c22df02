"""A small service that calls a provider through httpx, with a permit for each attempt: `python examples/service.py`."""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections import Counter

import httpx

import apportion
import apportion.httpx

PAUSE_S = 0.02
"""How long a worker rests after each response."""
MAX_WAIT_S = 30


class Schedule:
    """Says how many requests are still to be sent, and until when. For any number of workers."""

    def __init__(self, requests: int | None, end: float | None) -> None:
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._left = requests
        self._end = end

    def goes_on(self) -> bool:
        """Whether another request is to be sent."""
        with self._lock:
            if self.stopped.is_set() or self._left == 0 or (self._end is not None and time.time() >= self._end):
                return False
            if self._left is not None:
                self._left -= 1
            return True


class Output:
    """Prints each request at once as JSON, or counts them for the end."""

    def __init__(self, *, is_json: bool) -> None:
        self.counts: Counter[str] = Counter()
        self._is_json = is_json
        self._lock = threading.Lock()

    def add(self, issued: float, status: int, error: str = "", *, is_refused: bool = False) -> None:
        """Adds a request that was issued then. Without a response its status is 0."""
        took_us = round((time.time() - issued) * 1e6)
        with self._lock:
            if self._is_json:
                line = {"at_ns": round(issued * 1e9), "took_us": took_us, "status": status}
                print(json.dumps(line | ({"error": error} if error else {})), flush=True)
            elif error:
                self.counts[f"{'not sent' if is_refused else 'without an answer'}: {error}"] += 1
            else:
                self.counts[f"answers with status {status}"] += 1


def work(client: httpx.Client, provider: str, schedule: Schedule, output: Output) -> None:
    """Sends requests one after the other. The client waits for their permits."""
    while schedule.goes_on():
        issued = time.time()
        try:
            output.add(issued, client.get(provider).status_code)
        except apportion.ClosedError:
            return
        except apportion.RefusedError as refused:
            output.add(issued, 0, refused.reason, is_refused=True)
        except apportion.AcquireError as error:
            output.add(issued, 0, type(error).__name__, is_refused=True)
        except httpx.HTTPError as error:
            output.add(issued, 0, f"{type(error).__name__}: {error}")
        schedule.stopped.wait(PAUSE_S)


def run(options: argparse.Namespace, schedule: Schedule, output: Output) -> None:
    """Runs the workers until the schedule ends, or is stopped."""
    quota = apportion.connect(options.apportion, workspace=options.workspace, team=options.team, caller=options.caller)
    transport = apportion.httpx.PermitTransport(quota.prefetch(max_wait=MAX_WAIT_S))
    with httpx.Client(transport=transport, headers={"X-Team": options.team}, timeout=30) as client:
        arguments = (client, options.provider, schedule, output)
        workers = [threading.Thread(target=work, args=arguments) for _ in range(options.workers)]
        with quota:  # Its end gives everything back, and fails those that still wait.
            for worker in workers:
                worker.start()
            for worker in workers:
                while worker.is_alive() and not schedule.stopped.is_set():
                    worker.join(0.1)
        for worker in workers:
            worker.join()


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apportion", default="http://127.0.0.1:7420", help="where Apportion listens")
    parser.add_argument("--workspace", default="")
    parser.add_argument("--team", default="")
    parser.add_argument("--caller", default="example-python", help="the name of this service")
    parser.add_argument("--provider", default="http://127.0.0.1:8080/contacts", help="what is called")
    parser.add_argument("--workers", type=int, default=1, help="how many requests are in flight at most")
    parser.add_argument("--requests", type=int, help="end after that many (default 100, unless --seconds is given)")
    parser.add_argument("--seconds", type=float, help="end after that long")
    parser.add_argument("--start-at", type=float, help="when to start, in Unix seconds")
    parser.add_argument("--json", action="store_true", help="print a line for each request")
    options = parser.parse_args()
    if options.requests is None and options.seconds is None:
        options.requests = 100
    return options


def main() -> None:
    """Sends requests, and says how they were answered."""
    options = parse()
    start = time.time() if options.start_at is None else options.start_at
    schedule = Schedule(options.requests, None if options.seconds is None else start + options.seconds)
    output = Output(is_json=options.json)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: schedule.stopped.set())
    schedule.stopped.wait(max(start - time.time(), 0))
    run(options, schedule, output)
    for what, count in sorted(output.counts.items()):
        print(count, what)


if __name__ == "__main__":
    main()
