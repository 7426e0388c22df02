"""The hooks of HTTP clients, against a provider that counts the requests that arrive."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
from provider import Provider
from server import ScriptedServer, lease, refusal, serving
from urllib3.util.retry import Retry

import apportion
import apportion.aio
import apportion.aiohttp
import apportion.httpx
import apportion.httpx2
import apportion.requests

Get = Callable[[str], "tuple[int, bytes]"]
AsyncGet = Callable[[str], Awaitable["tuple[int, bytes]"]]


@contextmanager
def httpx_client(quota: apportion.Quota) -> Iterator[Get]:
    with httpx.Client(transport=apportion.httpx.PermitTransport(quota), follow_redirects=True) as client:

        def get(url: str) -> tuple[int, bytes]:
            response = client.get(url)
            return response.status_code, response.content

        yield get


@contextmanager
def httpx2_client(quota: apportion.Quota) -> Iterator[Get]:
    with httpx2.Client(transport=apportion.httpx2.PermitTransport(quota), follow_redirects=True) as client:

        def get(url: str) -> tuple[int, bytes]:
            response = client.get(url)
            return response.status_code, response.content

        yield get


@contextmanager
def requests_client(quota: apportion.Quota) -> Iterator[Get]:
    with requests.Session() as session:
        session.mount("http://", apportion.requests.PermitAdapter(quota))

        def get(url: str) -> tuple[int, bytes]:
            response = session.get(url)
            return response.status_code, response.content

        yield get


async def with_aiohttp(quota: apportion.aio.Quota, use: Callable[[AsyncGet], Awaitable[None]]) -> None:
    async with aiohttp.ClientSession(middlewares=[apportion.aiohttp.PermitMiddleware(quota)]) as session:

        async def get(url: str) -> tuple[int, bytes]:
            async with session.get(url) as response:
                return response.status, await response.read()

        await use(get)


async def with_httpx(quota: apportion.aio.Quota, use: Callable[[AsyncGet], Awaitable[None]]) -> None:
    transport = apportion.httpx.AsyncPermitTransport(quota)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:

        async def get(url: str) -> tuple[int, bytes]:
            response = await client.get(url)
            return response.status_code, response.content

        await use(get)


async def with_httpx2(quota: apportion.aio.Quota, use: Callable[[AsyncGet], Awaitable[None]]) -> None:
    transport = apportion.httpx2.AsyncPermitTransport(quota)
    async with httpx2.AsyncClient(transport=transport, follow_redirects=True) as client:

        async def get(url: str) -> tuple[int, bytes]:
            response = await client.get(url)
            return response.status_code, response.content

        await use(get)


BLOCKING = pytest.mark.parametrize("client", [httpx_client, httpx2_client, requests_client])
ASYNC = pytest.mark.parametrize("client", [with_httpx, with_httpx2, with_aiohttp])
PATHS = ["/", "/redirect", "/429", "/", "/jobs"]
RESULTS = [(200, b"ok"), (200, b"ok"), (429, b"slow down"), (200, b"ok"), (429, b"limit of 1 pending export jobs")]


def check_reports(server: ScriptedServer, provider: Provider) -> None:
    assert provider.arrivals == ["/", "/redirect", "/", "/429", "/", "/jobs"]
    assert server.used() == 6, "one permit for each arrival"
    seen = [seen for settle in server.settles for seen in settle.observations]
    assert sorted(each.status for each in seen) == [200, 200, 200, 307, 429, 429]
    assert [each.throttled for each in seen if each.status == 429] == [True, False], "a cap on jobs is no throttle"
    assert all(each.limit_permits == 166 for each in seen)


@BLOCKING
def test_each_arrival_takes_a_permit_and_is_observed(
    client: Callable[[apportion.Quota], AbstractContextManager[Get]], server: ScriptedServer, provider: Provider
) -> None:
    with apportion.connect(server.address) as quota, client(quota) as get:
        assert [get(provider.url + path) for path in PATHS] == RESULTS
    check_reports(server, provider)


@ASYNC
def test_each_arrival_takes_a_permit_and_is_observed_in_tasks(
    client: Callable[[apportion.aio.Quota, Callable[[AsyncGet], Awaitable[None]]], Awaitable[None]],
    server: ScriptedServer,
    provider: Provider,
) -> None:
    async def use(get: AsyncGet) -> None:
        assert [await get(provider.url + path) for path in PATHS] == RESULTS

    async def run() -> None:
        async with apportion.aio.connect(server.address) as quota:
            await client(quota, use)

    asyncio.run(run())
    check_reports(server, provider)


@BLOCKING
def test_what_was_certainly_not_sent_is_returned(
    client: Callable[[apportion.Quota], AbstractContextManager[Get]], server: ScriptedServer, provider: Provider
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    errors = (httpx.TransportError, httpx2.TransportError, requests.ConnectionError)
    with apportion.connect(server.address) as quota, client(quota) as get:
        with pytest.raises(errors):
            get(nobody)
        with pytest.raises(errors):
            get(provider.url + "/close")
    assert provider.arrivals == ["/close"]
    assert (server.used(), server.returned()) == (1, server.granted - 1)


@ASYNC
def test_what_was_certainly_not_sent_is_returned_in_tasks(
    client: Callable[[apportion.aio.Quota, Callable[[AsyncGet], Awaitable[None]]], Awaitable[None]],
    server: ScriptedServer,
    provider: Provider,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"

    async def use(get: AsyncGet) -> None:
        for url in (nobody, provider.url + "/close"):
            with pytest.raises((httpx.TransportError, httpx2.TransportError, aiohttp.ClientError)):
                await get(url)

    async def run() -> None:
        async with apportion.aio.connect(server.address) as quota:
            await client(quota, use)

    asyncio.run(run())
    assert set(provider.arrivals) == {"/close"}
    arrivals = len(provider.arrivals)
    assert (server.used(), server.returned()) == (arrivals, server.granted - arrivals), "aiohttp may send again"


@BLOCKING
def test_nothing_is_sent_without_a_permit(
    client: Callable[[apportion.Quota], AbstractContextManager[Get]], provider: Provider
) -> None:
    refused = pytest.raises(apportion.RefusedError)
    with serving(refusal("WINDOW_EXHAUSTED", 1)) as server, apportion.connect(server.address) as quota:  # noqa: SIM117
        with client(quota) as get, refused:
            get(provider.url)
    assert provider.arrivals == []


def test_an_adapter_of_requests_refuses_retries_below_it(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:
        for retries in (1, Retry(3), Retry(0, connect=2)):
            with pytest.raises(apportion.ConfigError, match="max_retries"):
                apportion.requests.PermitAdapter(quota, max_retries=retries)
        for none in (0, None, Retry(0, read=False), Retry(total=False)):
            apportion.requests.PermitAdapter(quota, max_retries=none)


def test_a_reader_of_the_user_is_used_and_may_fail(server: ScriptedServer, provider: Provider) -> None:
    def read(response: apportion.Response) -> list[apportion.Observation]:
        if response.status == 429:
            raise KeyError
        return [apportion.Observation(limit="mine", remaining_permits=int(response.headers["x-ratelimit-remaining"]))]

    with apportion.connect(server.address, reader=read) as quota, httpx_client(quota) as get:
        assert get(provider.url)[0] == 200
        assert get(provider.url + "/429")[0] == 429
    seen = [seen for settle in server.settles for seen in settle.observations]
    assert [(each.limit, each.remaining_permits) for each in seen] == [("mine", 100)]


WITH_HTTPCORE = pytest.mark.parametrize(("module", "hook"), [(httpx, apportion.httpx), (httpx2, apportion.httpx2)])
"""The HTTP clients whose connections are those of httpcore."""


async def start_three(send: Callable[[], Any], provider: Provider) -> list[asyncio.Task[Any]]:
    """Starts one request, and two more when it has arrived and holds the only connection."""
    tasks = [asyncio.create_task(send())]
    assert await asyncio.to_thread(provider.has_arrivals.wait, 10)
    tasks += [asyncio.create_task(send()) for _ in range(2)]
    await asyncio.sleep(0.3)
    return tasks


def check_replaced(server: ScriptedServer, least: int) -> None:
    """Two requests were sent, and at least so many permits were not used."""
    assert server.used() == 2
    assert server.returned() == len(server.acquires) - 2 >= least


@WITH_HTTPCORE
def test_a_permit_that_ends_while_its_request_waits_for_a_connection_is_replaced(
    module: Any, hook: Any, provider: Provider
) -> None:
    with serving(lease(1, valid_for_s=0.5)) as server, apportion.connect(server.address) as quota:
        inner = module.HTTPTransport(limits=module.Limits(max_connections=1))
        transport = hook.PermitTransport(quota.on_demand(), inner)
        with module.Client(transport=transport) as client, ThreadPoolExecutor(2) as pool:
            assert [answer.status_code for answer in pool.map(client.get, [provider.url + "/slow"] * 2)] == [200, 200]
    check_replaced(server, 1)


@WITH_HTTPCORE
def test_a_request_that_is_cancelled_while_it_waits_for_a_connection_uses_nothing(
    module: Any, hook: Any, provider: Provider
) -> None:
    async def run(address: str) -> None:
        async with apportion.aio.connect(address) as quota:
            inner = module.AsyncHTTPTransport(limits=module.Limits(max_connections=1))
            transport = hook.AsyncPermitTransport(quota.on_demand(), inner)
            async with module.AsyncClient(transport=transport) as client:
                first, second, third = await start_three(lambda: client.get(provider.url + "/slow"), provider)
                third.cancel()
                answers = await asyncio.gather(first, second)
                assert [answer.status_code for answer in answers] == [200, 200]

    with serving(lease(1, valid_for_s=0.5)) as server:
        asyncio.run(run(server.address))
    check_replaced(server, 2)


def test_aiohttp_replaces_a_permit_that_ends_before_there_is_a_connection(provider: Provider) -> None:
    async def run(address: str) -> None:
        async with apportion.aio.connect(address) as quota:
            hook = apportion.aiohttp.PermitMiddleware(quota.on_demand())
            connector = aiohttp.TCPConnector(limit=1)
            async with aiohttp.ClientSession(connector=connector, middlewares=[hook]) as session:

                async def status() -> int:
                    async with session.get(provider.url + "/slow") as response:
                        return response.status

                first, second, third = await start_three(status, provider)
                third.cancel()
                assert list(await asyncio.gather(first, second)) == [200, 200]

    with serving(lease(1, valid_for_s=0.5)) as server:
        asyncio.run(run(server.address))
    check_replaced(server, 2)


def test_requests_replaces_a_permit_that_ends_before_there_is_a_connection(provider: Provider) -> None:
    with serving(lease(1, valid_for_s=0.5)) as server, apportion.connect(server.address) as quota:
        adapter = apportion.requests.PermitAdapter(quota.on_demand(), pool_maxsize=1, pool_block=True)
        with requests.Session() as session, ThreadPoolExecutor(2) as pool:
            session.mount("http://", adapter)
            assert [answer.status_code for answer in pool.map(session.get, [provider.url + "/slow"] * 2)] == [200, 200]
    check_replaced(server, 1)


def test_requests_returns_the_permit_of_a_handshake_that_failed(provider: Provider) -> None:
    with serving() as server, apportion.connect(server.address) as quota, requests.Session() as session:
        session.mount("https://", apportion.requests.PermitAdapter(quota.on_demand()))
        with pytest.raises(requests.exceptions.SSLError):
            session.get(provider.url.replace("http:", "https:"))
    assert (server.used(), server.returned()) == (0, 1)
