"""Examples of the API's document: what may be sent, and what the answer was to it.

They stand in `examples.json`, one after another in an order that works from an empty ledger on, and a
test sends each of them. The framework leaves nulls out of examples, so none of these has one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from msgspec import Struct

NDJSON = "application/x-ndjson"


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    """A call as it is documented: who makes it, with which parameters, and what comes of it.

    A journal is a list here, of a receipt or an answer a line.
    """

    call: str
    role: str
    answers: Any
    path: dict[str, str] = {}
    query: dict[str, str] = {}
    sends: Any = None


EXAMPLES = msgspec.json.decode(
    Path(__file__).with_suffix(".json").read_bytes(), type=tuple[Shown, ...]
)


def described(call: str, sent: str = "application/json") -> type[Operation]:
    """How an operation such as `GET /health` is documented, with its examples.

    `sent` is the media type of a body that the handler reads by itself.
    """
    some = [one for one in EXAMPLES if one.call == call.replace(":str}", "}")]

    class Described(Operation):
        """An operation with its examples."""

        def __init__(self, **fields: Any) -> None:
            super().__init__(**fields)
            _describe(self, some, sent)

    return Described


def _describe(operation: Operation, some: list[Shown], sent: str) -> None:
    for parameter in operation.parameters or ():
        if isinstance(parameter, Parameter) and some and parameter.name in some[0].path:
            parameter.example = some[0].path[parameter.name]
    if some and some[0].sends is not None:
        kind = OpenAPIType.STRING if sent == NDJSON else OpenAPIType.OBJECT
        body = operation.request_body or RequestBody(
            content={sent: OpenAPIMediaType(schema=Schema(type=kind))}, required=True
        )
        operation.request_body = body
        _show(body, [one.sends for one in some])
    told = (operation.responses or {}).get("200")
    if told:
        _show(told, [one.answers for one in some])


def _show(where: Any, values: list[Any]) -> None:
    """Put examples to each media type of a body or an answer."""
    body: RequestBody | OpenAPIResponse = where
    for media, content in (body.content or {}).items():
        content.examples = {
            f"example {number}": Example(value=written(media, value))
            for number, value in enumerate(values, 1)
        }


def written(media: str, value: Any) -> Any:
    """A value as it stands in a body of a media type."""
    if media != NDJSON:
        return value
    return "".join(f"{msgspec.json.encode(line).decode()}\n" for line in value)
