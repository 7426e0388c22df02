"""The driver for asyncio: each operation is a task."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import convert
import driver_pb2 as wire
import operations
from frames import Frames
from operations import Handles
from tasks_http import HOOKS, open_http, send

import apportion
import apportion.aio


class Driver:
    """The operations, each as a user would call the library."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.handles = Handles()
        self.running: dict[int, asyncio.Task[None]] = {}

    async def loop(self) -> None:
        """Answers requests until the end of the input."""
        requests: asyncio.Queue[wire.DriverRequest | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            while True:
                request = self.frames.read_request()
                loop.call_soon_threadsafe(requests.put_nowait, request)
                if request is None:
                    return

        threading.Thread(target=read, name="driver-reader", daemon=True).start()
        while (request := await requests.get()) is not None:
            task = asyncio.create_task(self.answer(request))
            self.running[request.id] = task
            task.add_done_callback(lambda _, number=request.id: self.running.pop(number, None))  # type: ignore[misc]

    async def answer(self, request: wire.DriverRequest) -> None:
        """Does what is requested, and answers."""
        start = time.monotonic_ns()
        try:
            name = request.WhichOneof("operation")
            operation: Callable[[Any], Any] | None = getattr(self, f"do_{name}", None)
            if operation is None or request.process:
                raise convert.UnsupportedError(f"operation {name}")
            result = operation(getattr(request, str(name)))
            if asyncio.iscoroutine(result):
                result = await result
        except BaseException as error:
            result = convert.failure(error)
        self.frames.write(operations.response(request.id, result, time.monotonic_ns() - start))

    def do_hello(self, _: wire.Hello) -> wire.HelloResult:
        return operations.hello([*operations.CAPABILITIES, "via:run"], HOOKS)

    def do_connect(self, message: wire.Connect) -> wire.Done:
        self.handles.clients[message.client] = apportion.aio.connect(**convert.settings(message))
        return wire.Done()

    async def do_acquire(self, message: wire.Acquire) -> wire.Grant:
        lease = await self.handles.clients[message.client].acquire(**convert.lease(message.ask))
        self.handles.leases[message.lease] = lease
        return convert.grant(lease)

    def do_prefetch(self, message: wire.Prefetch) -> wire.Done:
        client = self.handles.clients[message.client]
        self.handles.prefetches[message.prefetch] = client.prefetch(**convert.prefetch(message))
        self.handles.owners[message.prefetch] = message.client
        return wire.Done()

    async def do_permit(self, message: wire.Permit) -> wire.Grant:
        if message.via not in ("", "run"):
            raise convert.UnsupportedError(f"via {message.via}")
        result, count = wire.Grant(), 0
        for _ in range(message.repeat or 1):
            try:
                result = await self._permit(message)
            except apportion.AcquireError:
                if count == 0:
                    raise
                break
            if result.permits == 0:
                break
            count += 1
        result.count = count
        return result

    async def _permit(self, message: wire.Permit) -> wire.Grant:
        if message.via == "run":
            client = self.handles.clients[message.source.client or self.handles.owners[message.source.prefetch]]
            await client.run(lambda: asyncio.sleep(0), **convert.wait(message.source.ask))
            return wire.Grant(permits=1, count=1)
        source = self.source(message.source)
        if message.only_if_ready:
            if not message.source.prefetch:
                raise convert.UnsupportedError("only_if_ready without a prefetch")
            permit = source.try_permit()
            if permit is None:
                return wire.Grant()
        else:
            permit = await source.permit()
        if message.then == wire.Permit.THEN_HOLD:
            self.handles.permits[message.permit] = permit
            return convert.grant(permit)
        async with permit:
            result = convert.grant(permit)
            if message.then == wire.Permit.THEN_PUT_BACK:
                permit.put_back()
        return result

    def source(self, source: wire.Source) -> Any:
        """Returns where permits come from."""
        if source.prefetch:
            return self.handles.prefetches[source.prefetch]
        return self.handles.clients[source.client].on_demand(**convert.wait(source.ask))

    def do_take(self, message: wire.Take) -> wire.Taken:
        return operations.take(self.handles, message)

    def do_put_back(self, message: wire.PutBack) -> wire.Done:
        return operations.put_back(self.handles, message)

    def do_leave(self, message: wire.Leave) -> wire.Done:
        return operations.leave(self.handles, message)

    def do_inspect(self, message: wire.Inspect) -> wire.Inspection:
        return operations.inspect(self.handles, message)

    def do_observe(self, message: wire.Observe) -> wire.Done:
        return operations.observe(self.handles, message)

    def do_interpret(self, message: wire.Interpret) -> wire.Observations:
        return operations.interpret(message)

    def do_drop(self, message: wire.Drop) -> wire.Done:
        return operations.drop(self.handles, message)

    def do_state(self, message: wire.State) -> wire.StateResult:
        result = operations.state(self.handles, message)
        result.tasks = len(asyncio.all_tasks()) - len(self.running)
        return result

    async def do_http_open(self, message: wire.HttpOpen) -> wire.Done:
        self.handles.https[message.http] = open_http(message, self.source(message.source))
        return wire.Done()

    async def do_http_send(self, message: wire.HttpSend) -> wire.HttpResult | wire.Failure:
        return await send(self.handles.https[message.http], message)

    async def do_flush(self, message: wire.Flush) -> wire.Done:
        if not await self.handles.clients[message.client].flush():
            raise apportion.PermitTimeoutError("the reports could not be sent in time")
        return wire.Done()

    async def do_close(self, message: wire.Close) -> wire.Done:
        await self.handles.clients[message.client].close()
        return wire.Done()

    async def do_sleep(self, message: wire.Sleep) -> wire.Done:
        if message.blocks:
            time.sleep(message.ms / 1000)  # noqa: ASYNC251
        else:
            await asyncio.sleep(message.ms / 1000)
        return wire.Done()

    def do_cancel(self, message: wire.Cancel) -> wire.Done:
        if (task := self.running.get(message.request)) is not None:
            task.cancel()
        return wire.Done()

    async def do_reset(self, _: wire.Reset) -> wire.Done:
        others = [task for task in self.running.values() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        handles, self.handles = self.handles, Handles()
        for held in [*handles.permits.values(), *handles.leases.values()]:
            held.done()
        await asyncio.gather(*(http.close() for http in handles.https.values()))
        await asyncio.gather(*(client.close() for client in handles.clients.values()))
        return wire.Done()


def run(frames: Frames) -> None:
    """Runs the driver until the end of its input."""

    async def main() -> None:
        await Driver(frames).loop()

    asyncio.run(main())
