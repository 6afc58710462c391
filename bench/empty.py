"""An endpoint that does nothing, served as the API is: `python -m bench.empty PORT`.

What a receipt costs beside it is the ledger's own; the rest is what HTTP and the framework cost.
"""

from __future__ import annotations

import sys
from typing import Any

from litestar import Litestar, post

from adapters.http.serving import serve


@post("/v1/receipts", status_code=200)
async def nothing() -> dict[str, Any]:
    return {}


if __name__ == "__main__":
    serve(Litestar(route_handlers=[nothing], openapi_config=None), "127.0.0.1", int(sys.argv[1]))
