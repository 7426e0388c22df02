"""The fake for users' own tests."""

from __future__ import annotations

import asyncio

import pytest

import apportion
from apportion.testing import FakeServer


def test_it_grants_until_its_budget_is_used_up() -> None:
    fake = FakeServer(budget=3)
    with fake.connect() as quota:
        with quota.permit(), quota.acquire(2) as held:
            assert held.take()
            with pytest.raises(apportion.RefusedError) as refused:
                quota.acquire()
            assert refused.value.reason == "WINDOW_EXHAUSTED"
        assert quota.flush()
        assert (fake.used, fake.returned, fake.budget) == (2, 1, 1)
        with quota.permit() as permit:
            permit.observe_response(429, {})
    assert (fake.used, fake.budget) == (3, 0)
    assert [seen.throttled for seen in fake.observations] == [True]


def test_it_fails_as_it_is_told() -> None:
    fake = FakeServer()
    with fake.connect() as quota:
        fake.refuse("TEAM_PAUSED", None)
        with pytest.raises(apportion.RefusedError, match="TEAM_PAUSED"):
            quota.acquire()
        fake.disconnect()
        with pytest.raises(apportion.UnreachableError):
            quota.acquire(max_wait=0.1)
        fake.recover()
        quota.acquire().done()


def test_it_serves_tasks_as_well() -> None:
    fake = FakeServer()

    async def use() -> None:
        async with fake.connect_aio() as quota, quota.permit():
            pass

    asyncio.run(use())
    assert fake.used == 1
