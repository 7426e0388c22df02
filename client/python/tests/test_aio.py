"""The asyncio client against a scripted server."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from server import ScriptedServer, lease, refusal, serving, when

import apportion
import apportion.aio


def test_permits_and_leases_are_awaited_or_entered(server: ScriptedServer) -> None:
    async def use() -> None:
        async with apportion.aio.connect(server.address) as quota:
            async with quota.permit(), quota.on_demand().permit():
                pass
            async with quota.acquire(5) as held:
                assert held.take()
            (await quota.on_demand().permit()).put_back()
            with await quota.acquire(2) as other:
                assert other.left == 2

            async def send() -> str:
                return "sent"

            assert await quota.run(send) == "sent"
            assert await quota.flush()

    asyncio.run(use())
    assert (server.used(), server.returned()) == (4, server.granted - 4)


def test_one_client_serves_several_event_loops(server: ScriptedServer) -> None:
    quota = apportion.aio.connect(server.address)

    async def use() -> None:
        for _ in range(50):
            async with quota.permit():
                await asyncio.sleep(0)

    threads = [threading.Thread(target=lambda: asyncio.run(use())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(quota.close())
    assert server.used() == 200
    assert server.returned() == server.granted - 200


def test_a_cancelled_acquire_gives_back_what_is_on_its_way() -> None:
    granted = threading.Event()
    with serving(when(granted, lease(5))) as server:

        async def use() -> None:
            async with apportion.aio.connect(server.address) as quota:
                tasks: list[asyncio.Task[Any]] = [
                    asyncio.create_task(quota.acquire(5).__aenter__()),
                    asyncio.create_task(quota.permit().__aenter__()),
                ]
                await asyncio.to_thread(server.wait_until, lambda: len(server.acquires) == 2)
                for task in tasks:
                    task.cancel()
                granted.set()
                results = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(isinstance(result, asyncio.CancelledError) for result in results)
                assert quota.counts()["in_use"] == 0

        asyncio.run(use())
        assert server.returned() == server.granted == 10


def test_a_withdrawn_acquire_does_not_stay_at_the_server() -> None:
    never = threading.Event()
    with serving(when(never, lease())) as server:

        async def use() -> None:
            async with apportion.aio.connect(server.address) as quota:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(quota.acquire().__aenter__(), 0.1)
                assert quota.counts()["waiting"] == 0
                await asyncio.to_thread(server.wait_until, lambda: server.withdrawn == 1)

        asyncio.run(use())
        never.set()


def test_errors_reach_the_task() -> None:
    with serving(refusal("TEAM_CAP_REACHED", 1.5)) as refusing:

        async def use() -> None:
            async with apportion.aio.connect(refusing.address) as quota:
                for use in (quota.acquire, quota.permit):
                    with pytest.raises(apportion.RefusedError) as refused:
                        await use()
                    assert refused.value.retry_after == 1.5
            with pytest.raises(apportion.ClosedError):
                await quota.acquire()
            with pytest.raises(apportion.ClosedError):
                await quota.permit()

        asyncio.run(use())


def test_no_task_is_left_behind(server: ScriptedServer) -> None:
    async def use() -> None:
        for _ in range(5):
            async with apportion.aio.connect(server.address) as quota, quota.permit():
                pass
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(use())
