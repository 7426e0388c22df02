"""A small service that calls a provider through httpx, with a permit for each request: `python examples/service.py`.

It needs a server (`apportion serve`) and a provider, whose URLs are the two arguments.
"""

from __future__ import annotations

import argparse

import httpx

import apportion
import apportion.httpx


def main() -> None:
    """Sends requests, and says how they were answered."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--apportion", default="http://127.0.0.1:7420")
    parser.add_argument("--provider", default="http://127.0.0.1:8080/contacts")
    parser.add_argument("--team", default="")
    parser.add_argument("--requests", type=int, default=100)
    arguments = parser.parse_args()
    answers: dict[int, int] = {}
    with apportion.connect(arguments.apportion, team=arguments.team, caller="example-python") as quota:
        transport = apportion.httpx.PermitTransport(quota)
        with httpx.Client(transport=transport) as client:
            for _ in range(arguments.requests):
                status = client.get(arguments.provider).status_code
                answers[status] = answers.get(status, 0) + 1
    for status, count in sorted(answers.items()):
        print(f"{count} answers with status {status}")


if __name__ == "__main__":
    main()
