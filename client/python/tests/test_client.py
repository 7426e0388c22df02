"""The blocking client against a scripted server."""

from __future__ import annotations

import socket
import threading
import time
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from server import ScriptedServer, failure, lease, refusal, serving, when

import apportion
from apportion._core.span import from_wire
from apportion.v1.lease_pb2 import Refusal
from apportion.v1.reason_pb2 import REASON_STORE_LOST, REASON_UNKNOWN_LIMIT


def nobody() -> str:
    """An address that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_leaving_a_lease_reports_what_was_used_and_returns_the_rest(server: ScriptedServer) -> None:
    with apportion.connect(server.address, workspace="w", team="t", caller="c") as quota:
        with quota.acquire(5, min_permits=2, priority="CRITICAL") as held:
            assert (held.permits, held.priority, held.is_contended) == (5, "DEFAULT", False)
            assert [held.take(), held.take(), held.left] == [True, True, 3]
            held.put_back()
            assert held.left == 4
        assert not held.take()
    asked, settled = server.acquires[0], server.settles[-1]
    assert (asked.workspace, asked.team, asked.caller, asked.permits, asked.min_permits) == ("w", "t", "c", 5, 2)
    assert (settled.used_permits, settled.returned_permits, settled.is_final) == (1, 4, True)


def test_a_permit_that_leaves_its_scope_is_used_and_one_put_back_is_returned(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:
        with pytest.raises(KeyError), quota.on_demand().permit():
            raise KeyError
        with quota.on_demand().permit() as permit:
            permit.put_back()
        assert quota.run(lambda: "sent") == "sent"
    assert (server.used(), server.returned()) == (2, server.granted - 2)


def test_what_is_forgotten_is_settled_when_it_is_collected(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:
        quota.acquire(7).take()
        quota.on_demand().permit()
        server.wait_until(lambda: sum(settle.is_final for settle in server.settles) == 2)
        assert (server.used(), server.returned()) == (2, 6)


def test_a_lease_ends_when_its_attempt_was_sent_plus_its_durations() -> None:
    with serving(lease(valid_for_s=0.4, held_s=0.1)) as server, apportion.connect(server.address) as quota:
        before = time.monotonic()
        held = quota.acquire(2)
        assert held.valid_for <= 0.5 - (time.monotonic() - before) + 0.05
        assert held.take()
        time.sleep(held.valid_for + 0.01)
        assert not held.take()
        assert held.left == 1


def test_a_failed_attempt_is_repeated_under_its_request_id() -> None:
    with serving(failure(), failure(grpc.StatusCode.INTERNAL), lease()) as server:
        with apportion.connect(server.address) as quota, quota.acquire(2):
            pass
        assert len(server.acquires) == 3
        assert len({asked.request_id for asked in server.acquires}) == 1


def test_a_lease_that_has_ended_is_requested_under_a_new_request_id() -> None:
    ended = refusal("LEASE_ENDED", code=grpc.StatusCode.INVALID_ARGUMENT)
    with serving(ended, lease()) as server:
        with apportion.connect(server.address) as quota, quota.acquire():
            pass
        assert len({asked.request_id for asked in server.acquires}) == 2


def test_a_refusal_has_its_reason_and_when_to_retry() -> None:
    with serving(refusal("WINDOW_EXHAUSTED", 2.5)) as server, apportion.connect(server.address) as quota:
        with pytest.raises(apportion.RefusedError) as refused:
            quota.acquire()
        assert (refused.value.reason, refused.value.retry_after) == ("WINDOW_EXHAUSTED", 2.5)
        assert str(refused.value) == "refused (WINDOW_EXHAUSTED): no"
        assert len(server.acquires) == 1
    with serving(refusal("SOMETHING_NEW", code=grpc.StatusCode.PERMISSION_DENIED)) as server:
        with apportion.connect(server.address) as quota, pytest.raises(apportion.RefusedError) as refused:
            quota.permit()
        assert (refused.value.reason, refused.value.retry_after) == ("SOMETHING_NEW", None)


def test_without_a_server_an_acquire_ends_at_its_wait() -> None:
    with apportion.connect(nobody()) as quota:
        for max_wait, least in ((0.0, 0.0), (0.5, 0.24)):
            start = time.monotonic()
            with pytest.raises(apportion.UnreachableError):
                quota.acquire(max_wait=max_wait)
            assert least <= time.monotonic() - start < 1.0
        with pytest.raises(apportion.UnreachableError):
            quota.permit(max_wait=0.3)


def test_a_server_that_accepts_and_says_nothing_holds_nobody_beyond_the_wait() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with apportion.connect(address, close_timeout=0.5) as quota, ThreadPoolExecutor(4) as pool:
            start = time.monotonic()
            waits = [pool.submit(quota.acquire, max_wait=0.5) for _ in range(4)]
            assert all(isinstance(wait.exception(), apportion.UnreachableError) for wait in waits)
            assert time.monotonic() - start < 1.5


def test_an_absurd_wait_is_cut_and_a_senseless_one_refused(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:
        for absurd in (1e300, float("inf")):
            with quota.acquire(max_wait=absurd), quota.permit(max_wait=absurd):
                pass
        assert all(from_wire(asked.max_wait) <= 3_600 * 10**9 for asked in server.acquires)
        for senseless in (-1, float("nan")):
            with pytest.raises(ValueError, match="max_wait"):
                quota.acquire(max_wait=senseless)
        for permits in (0, -1, 1 << 29, True, 1.5):
            with pytest.raises(ValueError, match="permits"):
                quota.acquire(permits)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="CRITICAL"):
            quota.permit(priority="HIGH")


def test_a_share_is_granted_while_no_server_is_reachable_and_never_beside_one() -> None:
    with apportion.connect(nobody(), fallback=apportion.Share(3, 60)) as quota:
        start = time.monotonic()
        with quota.acquire(2, max_wait=0.4) as local:
            assert 0.35 < time.monotonic() - start < 0.8, "at max_wait, not a second later"
            assert local.take()
        with quota.permit(max_wait=0.4), pytest.raises(apportion.UnreachableError):
            quota.acquire(2, max_wait=0.3)
    refused, share = pytest.raises(apportion.RefusedError), apportion.Share(3, 60)
    with serving(refusal("WINDOW_EXHAUSTED", 1)) as server, apportion.connect(server.address, fallback=share) as quota, refused:
        quota.acquire()


def test_a_client_that_waits_is_served_when_the_server_is_there() -> None:
    address = nobody()
    with apportion.connect(address, fallback=apportion.Wait()) as quota, ThreadPoolExecutor(2) as pool:
        waits: list[Future[Any]] = [pool.submit(quota.acquire, max_wait=0), pool.submit(quota.permit, max_wait=0.1)]
        with pytest.raises(futures.TimeoutError):
            waits[0].result(timeout=1.0)
        with serving(port=int(address.rsplit(":", 1)[1])):
            for wait in waits:
                wait.result(timeout=10).done()
            quota.close()


def test_the_next_address_is_called_when_one_fails(server: ScriptedServer) -> None:
    with apportion.connect([nobody(), server.address]) as quota:
        start = time.monotonic()
        quota.acquire().done()
        quota.acquire().done()
        assert time.monotonic() - start < 1.0
    assert len(server.acquires) == 2


def test_a_hint_to_the_owner_is_followed_at_once(server: ScriptedServer) -> None:
    owner = server.address.removeprefix("http://")
    not_owner = refusal("NOT_OWNER", 5, grpc.StatusCode.UNAVAILABLE, owner=owner)
    with serving(not_owner) as other, apportion.connect(other.address) as quota:
        start = time.monotonic()
        quota.acquire().done()
        quota.acquire().done()
        assert time.monotonic() - start < 1.0
        assert (len(other.acquires), len(server.acquires)) == (1, 2)


def test_a_token_is_sent_and_its_file_is_read_again_when_it_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    refused = refusal("UNAUTHENTICATED", code=grpc.StatusCode.UNAUTHENTICATED)
    with serving(lease(), refused, lease()) as server, apportion.connect(server.address, token_file=file) as quota:
        quota.acquire().done()
        file.write_text("new\n")
        quota.acquire().done()
        assert [token for token in server.tokens if token][-1] == "Bearer new"
        assert server.tokens[0] == "Bearer old"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"addresses": "ftp://x"}, "address"),
        ({"addresses": []}, "addresses"),
        ({"addresses": ["http://a", "https://b"]}, "addresses"),
        ({"token": "a b"}, "token"),
        ({"token": "x", "token_file": "y"}, "token_file"),
        ({"token_file": "/nowhere/token"}, "/nowhere/token"),
        ({"addresses": "http://far.example:1", "token": "x"}, "token"),
        ({"team": "a b"}, "team"),
        ({"caller": "a b"}, "caller"),
        ({"tls": apportion.Tls()}, "tls"),
        ({"close_timeout": -1}, "close_timeout"),
    ],
)
def test_an_invalid_setting_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(apportion.ConfigError, match=named):
        apportion.connect(**settings)  # type: ignore[arg-type]


def test_idle_permits_are_back_within_300_ms_and_an_idle_client_makes_no_calls(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:
        for _ in range(200):
            with quota.permit():
                pass
        start = time.monotonic()
        server.wait_until(lambda: server.used() + server.returned() == server.granted)
        assert time.monotonic() - start < 0.4
        calls = len(server.acquires) + server.batches
        with pytest.raises(AssertionError):
            server.wait_until(lambda: len(server.acquires) + server.batches > calls, within_s=0.5)
        assert quota.counts()["held"] == 0


def test_a_put_back_permit_goes_to_the_caller_that_waits() -> None:
    never = threading.Event()
    with serving(lease(1), when(never, lease(1))) as server, apportion.connect(server.address) as quota:
        first = quota.permit()
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(quota.permit)
            server.wait_until(lambda: len(server.acquires) == 2)
            first.put_back()
            with second.result(timeout=5):
                pass
        never.set()


def test_a_refused_prefetch_asks_again_when_the_server_said_so() -> None:
    with serving(refusal("WINDOW_EXHAUSTED", 0.6)) as server, apportion.connect(server.address) as quota:
        prefetch = quota.prefetch(max_wait=0.1)
        start = time.monotonic()
        while time.monotonic() - start < 1.0:
            with pytest.raises(apportion.RefusedError):
                prefetch.permit()
        assert len(server.acquires) <= 3


def test_a_throttle_is_reported_at_once_and_held_permits_are_spent(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:
        for _ in range(100):
            with quota.permit():
                pass
        with quota.permit() as permit:
            assert quota.counts()["held"] > 0
            permit.observe_response(429, {"Retry-After": "3"})
            assert quota.counts()["held"] == 0
            server.wait_until(lambda: any(settle.observations for settle in server.settles))
    seen = next(seen for settle in server.settles for seen in settle.observations)
    assert (seen.status, seen.throttled, seen.retry_after.seconds) == (429, True, 3)
    assert server.used() + server.returned() < server.granted, "what was held is neither used nor returned"


def test_an_odd_observation_does_no_harm(server: ScriptedServer) -> None:
    odd = apportion.Observation(
        status=999, limit_permits=-1, remaining_permits=1 << 30, reset_time_ns=-5, retry_after_ns=-1, reset_precision_ns=10**18
    )
    with apportion.connect(server.address) as quota, quota.acquire(3) as held:
        held.observe(odd)
        held.observe(apportion.Observation(limit="no such limit"))
        for _ in range(200):
            held.observe(apportion.Observation(status=200))
    observations = [seen for settle in server.settles for seen in settle.observations]
    assert len(observations) == 201
    assert not observations[0].HasField("limit_permits")
    assert observations[0].status == 0
    assert server.returned() == 3


def test_a_report_is_kept_until_the_server_takes_it(server: ScriptedServer) -> None:
    server.settle_failures = 2
    server.refusals.append(Refusal(reason=REASON_STORE_LOST, retry_after={"seconds": 0}))  # type: ignore[arg-type]
    with apportion.connect(server.address) as quota:
        quota.acquire(4).done()
        assert quota.flush()
        assert server.returned() == 4
        server.refusals.append(Refusal(reason=REASON_UNKNOWN_LIMIT))
        with quota.acquire(2) as held:
            held.observe(apportion.Observation(limit="unknown"))
        assert quota.flush()
    assert server.returned() == 6, "the returned permits are not lost with an observation"


def test_close_gives_everything_back_and_ends_all_waits() -> None:
    never = threading.Event()
    with serving(lease(5), when(never, lease(3))) as server:
        quota = apportion.connect(server.address)
        held = quota.acquire(5)
        with ThreadPoolExecutor(2) as pool:
            waits: list[Future[Any]] = [pool.submit(quota.acquire), pool.submit(quota.permit)]
            server.wait_until(lambda: len(server.acquires) == 3)
            threading.Timer(0.05, never.set).start()
            assert quota.close()
            for wait in waits:
                assert isinstance(wait.exception(), apportion.ClosedError)
        for use in (quota.acquire, quota.permit):
            with pytest.raises(apportion.ClosedError):
                use()
        assert quota.close()
        assert held.take(), "a lease in use stays valid"
        held.done()
        server.wait_until(lambda: any(settle.lease_id == "lease-1" and settle.is_final for settle in server.settles))
        assert (server.used(), server.returned()) == (1, server.granted - 1)


def test_close_is_bounded_without_a_server() -> None:
    with serving() as server:
        quota = apportion.connect(server.address, close_timeout=0.5)
        held = quota.acquire(2)
    held.done()
    start = time.monotonic()
    assert not quota.close()
    assert time.monotonic() - start < 1.5


def test_nothing_is_left_behind_after_many_clients() -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("apportion")]

    with serving() as server:
        for _ in range(10):
            with apportion.connect(server.address) as quota, quota.permit():
                pass
        for thread in threading.enumerate():
            if thread.name.startswith("apportion"):
                thread.join(5)
        assert threads() == []


def test_many_threads_take_what_is_granted_and_no_more(server: ScriptedServer) -> None:
    with apportion.connect(server.address) as quota:

        def work() -> int:
            for _ in range(300):
                with quota.permit():
                    pass
            return 300

        with ThreadPoolExecutor(16) as pool:
            taken = sum(future.result() for future in [pool.submit(work) for _ in range(16)])
    assert taken == 4_800
    assert (server.used(), server.returned()) == (4_800, server.granted - 4_800)


def test_more_acquires_than_a_connection_has_streams_are_no_outage() -> None:
    slow = threading.Event()

    def answer(server: ScriptedServer, request: Any, context: Any) -> Any:
        slow.wait(0.2)
        return refusal("WINDOW_EXHAUSTED", 3)(server, request, context)

    options = [("grpc.max_concurrent_streams", 4)]
    share = apportion.Share(10, 10)
    with serving(answer, options=options) as server, apportion.connect(server.address, fallback=share) as quota:
        with pytest.raises(apportion.RefusedError):
            quota.acquire()
        with ThreadPoolExecutor(20) as pool:
            waits = [pool.submit(quota.acquire, max_wait=0.8) for _ in range(20)]
            errors = {type(wait.exception()) for wait in waits}
    assert errors <= {apportion.RefusedError, apportion.PermitTimeoutError}, "and no share is granted"
