"""Headers, and conditions on responses. What the signals say is looked at once, not for each response."""

from __future__ import annotations

import re

from apportion.response import Response
from apportion.v1.signals_pb2 import CountSource, HeaderMatch, ResponseMatch, TimeSource

from . import body, item

_VALUE_MAX = 1_024
_VALUE = re.compile(r"[\t -~]*")


def value(response: Response, header: str) -> str | None:
    """Returns the value of a header, whose name is in lower case."""
    text = response.headers.get(header)
    return text if text is not None and len(text) <= _VALUE_MAX and _VALUE.fullmatch(text) else None


class Text:
    """A header, or a parameter of an item in it."""

    def __init__(self, source: CountSource | TimeSource) -> None:
        self._header = source.header.lower()
        self._item = source.item
        self._parameter = source.parameter

    def of(self, response: Response) -> str | None:
        """Returns the text in a response."""
        text = value(response, self._header)
        if text is None or not self._parameter:
            return text
        return item.value(text, self._item, self._parameter)


class Headers:
    """Conditions on headers, which must all hold."""

    def __init__(self, matches: list[HeaderMatch]) -> None:
        self._matches = [(match.header.lower(), frozenset(each.lower() for each in match.values)) for match in matches]

    def hold(self, response: Response) -> bool:
        """Whether all hold."""
        for header, values in self._matches:
            text = value(response, header)
            if text is None or (values and text.lower() not in values):
                return False
        return True


class Match:
    """Conditions on a response."""

    def __init__(self, match: ResponseMatch) -> None:
        self._statuses = frozenset(match.statuses)
        self._headers = Headers(list(match.headers))
        self._body = list(match.body)

    def may_hold(self, status: int) -> bool:
        """Whether the status allows it."""
        return not self._statuses or status in self._statuses

    def wants_body(self, status: int) -> bool:
        """Whether the body may decide about a response with this status."""
        return bool(self._body) and self.may_hold(status)

    def holds(self, response: Response) -> bool:
        """Whether all conditions hold."""
        if not self.may_hold(response.status) or not self._headers.hold(response):
            return False
        if not self._body:
            return True
        document = body.parsed(response.body)
        return all(body.holds(each, document) for each in self._body)
