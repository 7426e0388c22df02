"""The driver for threads: each operation runs on a thread of its own."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import convert
import driver_pb2 as wire
import operations
from blocking_http import HOOKS, open_http, send
from forks import Children
from frames import Frames
from operations import Handles
from workers import Workers

import apportion


class Driver:
    """The operations, each as a user would call the library."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.handles = Handles()
        self.children = Children(self)
        self.workers = Workers()

    def loop(self) -> None:
        """Answers requests until the end of the input."""
        while (request := self.frames.read_request()) is not None:
            if request.process:
                self.children.pass_on(request)
            else:
                self.workers.run(functools.partial(self.answer, request))
        self.children.end()

    def answer(self, request: wire.DriverRequest) -> None:
        """Does what is requested, and answers."""
        start = time.monotonic_ns()
        try:
            name = request.WhichOneof("operation")
            operation: Callable[[Any], Any] | None = getattr(self, f"do_{name}", None)
            if operation is None:
                raise convert.UnsupportedError(f"operation {name}")
            result = operation(getattr(request, str(name)))
        except BaseException as error:
            result = convert.failure(error)
        self.frames.write(operations.response(request.id, result, time.monotonic_ns() - start))

    def do_hello(self, _: wire.Hello) -> wire.HelloResult:
        return operations.hello([*operations.CAPABILITIES, "fork", "via:run"], HOOKS)

    def do_connect(self, message: wire.Connect) -> wire.Done:
        self.handles.clients[message.client] = apportion.connect(**convert.settings(message))
        return wire.Done()

    def do_acquire(self, message: wire.Acquire) -> wire.Grant:
        lease = self.handles.clients[message.client].acquire(**convert.lease(message.ask))
        self.handles.leases[message.lease] = lease
        return convert.grant(lease)

    def do_prefetch(self, message: wire.Prefetch) -> wire.Done:
        client = self.handles.clients[message.client]
        self.handles.prefetches[message.prefetch] = client.prefetch(**convert.prefetch(message))
        self.handles.owners[message.prefetch] = message.client
        return wire.Done()

    def do_permit(self, message: wire.Permit) -> wire.Grant:
        if message.via not in ("", "run"):
            raise convert.UnsupportedError(f"via {message.via}")
        result, count = wire.Grant(), 0
        for _ in range(message.repeat or 1):
            try:
                result = self._permit(message)
            except apportion.AcquireError:
                if count == 0:
                    raise
                break
            if result.permits == 0:
                break
            count += 1
        result.count = count
        return result

    def _permit(self, message: wire.Permit) -> wire.Grant:
        if message.via == "run":
            client = self.handles.clients[message.source.client or self.handles.owners[message.source.prefetch]]
            client.run(lambda: None, **convert.wait(message.source.ask))
            return wire.Grant(permits=1, count=1)
        source = self.source(message.source)
        if message.only_if_ready:
            if not message.source.prefetch:
                raise convert.UnsupportedError("only_if_ready without a prefetch")
            permit = source.try_permit()
            if permit is None:
                return wire.Grant()
        else:
            permit = source.permit()
        if message.then == wire.Permit.THEN_HOLD:
            self.handles.permits[message.permit] = permit.__enter__()
            return convert.grant(permit)
        with permit:
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
        return operations.state(self.handles, message)

    def do_http_open(self, message: wire.HttpOpen) -> wire.Done:
        self.handles.https[message.http] = open_http(message, self.source(message.source))
        return wire.Done()

    def do_http_send(self, message: wire.HttpSend) -> wire.HttpResult | wire.Failure:
        return send(self.handles.https[message.http], message)

    def do_flush(self, message: wire.Flush) -> wire.Done:
        if not self.handles.clients[message.client].flush():
            raise apportion.PermitTimeoutError("the reports could not be sent in time")
        return wire.Done()

    def do_close(self, message: wire.Close) -> wire.Done:
        self.handles.clients[message.client].close()
        return wire.Done()

    def do_fork(self, message: wire.Fork) -> wire.Done:
        self.children.fork(message.process)
        return wire.Done()

    def do_sleep(self, message: wire.Sleep) -> wire.Done:
        time.sleep(message.ms / 1000)
        return wire.Done()

    def do_reset(self, _: wire.Reset) -> wire.Done:
        self.children.end()
        handles, self.handles = self.handles, Handles()
        for held in [*handles.permits.values(), *handles.leases.values()]:
            held.done()
        for http in handles.https.values():
            http.close()
        closing = [threading.Thread(target=client.close, name="driver") for client in handles.clients.values()]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()
        return wire.Done()


def run(frames: Frames) -> None:
    """Runs the driver until the end of its input."""
    Driver(frames).loop()


def in_child(driver: Driver, frames: Frames) -> None:
    """Continues in a forked process, with the handles of its parent."""
    driver.frames = frames
    driver.children = Children(driver)
    driver.workers = Workers()
    driver.loop()
    os._exit(0)
