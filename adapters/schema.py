"""Writes the JSON Schema of the canonical receipt: `python -m adapters.schema > FILE`."""

from __future__ import annotations

import inspect
import json
import sys

import msgspec

from ledger.types import Receipt


def schema() -> str:
    """Render the schema as the structs have it; what only they can check is in receipt.md."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "receipt.schema.json",
    }
    body = msgspec.json.schema(Receipt)
    for one in body["$defs"].values():
        # Python 3.13 strips a docstring's indentation and earlier ones do not.
        one["description"] = inspect.cleandoc(one["description"])
    return json.dumps({**head, **body}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
