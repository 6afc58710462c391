"""How a path is declared: what it does, who may, and which problems it can answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from adapters.http.examples import described
from adapters.http.guard import OPEN, OPERATION, SIGNED
from adapters.http.problems import INTERNAL, PROBLEM_JSON, Problem, problem_of
from ledger import errors as r
from ledger.errors import LedgerError

JSON = "application/json"
LARGEST_BODY = 1 << 20
"""Of one receipt or command, in bytes."""
KEPT_LATER = "kept_later"
"""Marks what is kept in the access log without waiting for it."""


def _problem(about: str, shown: LedgerError | Problem) -> ResponseSpec:
    problem = problem_of(shown) if isinstance(shown, LedgerError) else shown
    return ResponseSpec(
        Problem, generate_examples=False, description=about, media_type=PROBLEM_JSON,
        examples=[Example(value=msgspec.to_builtins(problem))],
    )  # fmt: skip


def _of_http(status: int, title: str, detail: str, *, retryable: bool = False) -> Problem:
    code = f"http-{status}"
    return Problem(f"urn:loyalty:{code}", title, status, code, detail, None, retryable)


_FORM = r.InputInvalid("Expected `array` of length >= 1", field="lines")
_ROLE = r.NotPermitted("`adjust` is not for the role `till`.")
_TOO_LARGE = _of_http(413, "Request entity too large.", "Request Entity Too Large")
_TOO_MANY = _of_http(429, "Too many requests.", "Too Many Requests", retryable=True)
PROBLEMS: Mapping[int, ResponseSpec] = {
    400: _problem("What was sent does not have its form.", _FORM),
    401: _problem("No access key, or one that does not hold.", r.AccessKeyInvalid()),
    403: _problem("The key's role or stores do not allow it, or a person's limit does not.", _ROLE),
    404: _problem("There is no such card, member, receipt or other thing.", r.CardUnknown()),
    409: _problem("The same id with other content, or for another member.", r.KeyConflict()),
    413: _problem("The body is too large.", _TOO_LARGE),
    422: _problem("The ledger refuses; the code says why.", r.PointsShort()),
    429: _problem("Too many calls by this key.", _TOO_MANY),
    500: _problem("The server failed.", INTERNAL),
    503: _problem("Not now: send the same again.", r.StoreUnavailable()),
}
OPEN_PROBLEMS = {status: PROBLEMS[status] for status in (429, 500, 503)}
Declared = Callable[[Callable[..., Any]], Any]


def reads(path: str, operation: str, **more: Any) -> Declared:
    """A path that answers a question."""
    told = {status: PROBLEMS[status] for status in PROBLEMS if status != 413}
    shown = described(f"GET {path}")
    return get(
        path, opt={OPERATION: operation}, responses=told, operation_class=shown, **_threaded(more)
    )  # fmt: skip


def acts(
    path: str, operation: str, *, later: bool = False, sent: str = JSON, **more: Any
) -> Declared:
    """A path that has something done; a repeat is answered as it was first.

    `sent` is the media type of a body that is read line by line.
    """
    opt = {OPERATION: operation, KEPT_LATER: later}
    more = {"request_max_body_size": LARGEST_BODY, **more}
    return post(
        path, opt=opt, status_code=200, responses=PROBLEMS,
        operation_class=described(f"POST {path}", sent), **_threaded(more),
    )  # fmt: skip


def signed(path: str, operation: str, **more: Any) -> Declared:
    """A path that senders of webhooks call: a signature stands for a key."""
    opt = {OPERATION: operation, SIGNED: True, KEPT_LATER: True}
    told = {status: PROBLEMS[status] for status in (400, 403, 404, 413, 429, 500, 503)}
    return post(
        path, opt=opt, status_code=200, responses=told, security=[{}],
        operation_class=described(f"POST {path}"), **more,
    )  # fmt: skip


def open_to_all(path: str, **more: Any) -> Declared:
    """A path that needs no key."""
    return get(
        path, opt={OPEN: True}, responses=OPEN_PROBLEMS, security=[{}],
        operation_class=described(f"GET {path}"), **more,
    )  # fmt: skip


def _threaded(more: dict[str, Any]) -> dict[str, Any]:
    """The door's own calls wait: they run in a thread, unless a handler awaits them itself."""
    awaited = more.pop("awaited", False)
    return more if awaited else {**more, "sync_to_thread": True}


__all__ = ["LARGEST_BODY", "acts", "open_to_all", "reads", "signed"]
