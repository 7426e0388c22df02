"""Items of the structured lists of RFC 9651, such as `"burst";r=50;t=30, "day";r=900`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"\"(?:[ !#-\[\]-~]|\\[\"\\])*\"|[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_NUMBER = re.compile(r"-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})")
_OTHER = re.compile(r"\?[01]|:[A-Za-z0-9+/=]*:")
_COMMA = re.compile(r"[ \t]*,[ \t]*")


@dataclass(frozen=True)
class Item:
    """One item: its name, and its parameters. A parameter that is no number has the value None."""

    name: str
    parameters: dict[str, str | None]


def items(text: str) -> list[Item] | None:
    """Returns the items of a list. None if anything in it is broken."""
    text = text.strip(" ")
    found, at = [], 0
    while True:
        name = _NAME.match(text, at)
        if name is None:
            return None
        parameters, end = _parameters(text, name.end())
        if parameters is None:
            return None
        found.append(Item(_unquoted(name[0]), parameters))
        if end == len(text):
            return found
        comma = _COMMA.match(text, end)
        if comma is None:
            return None
        at = comma.end()


def value(text: str, item: str, parameter: str) -> str | None:
    """Returns the number of a parameter. Without the name of an item, the list must have exactly one."""
    found = items(text)
    if found is None or (not item and len(found) != 1):
        return None
    chosen = next((each for each in found if not item or each.name == item), None)
    return None if chosen is None else chosen.parameters.get(parameter)


def _parameters(text: str, at: int) -> tuple[dict[str, str | None] | None, int]:
    parameters: dict[str, str | None] = {}
    while at < len(text) and text[at] == ";":
        at += 1
        while at < len(text) and text[at] == " ":
            at += 1
        key = _KEY.match(text, at)
        if key is None:
            return None, at
        at = key.end()
        number: str | None = None
        if at < len(text) and text[at] == "=":
            match = next((found for form in (_NUMBER, _NAME, _OTHER) if (found := form.match(text, at + 1))), None)
            if match is None:
                return None, at
            number = match[0] if match.re is _NUMBER else None
            at = match.end()
        parameters[key[0]] = number
    return parameters, at


def _unquoted(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name
