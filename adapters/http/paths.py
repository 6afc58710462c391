"""How a path is declared: what it does, who may, and which problems it can answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec

from adapters.http.guard import OPEN, OPERATION, SIGNED
from adapters.http.problems import PROBLEM_JSON, Problem

LARGEST_BODY = 1 << 20
"""Of one receipt or command, in bytes."""
KEPT_LATER = "kept_later"
"""Marks what is kept in the access log without waiting for it."""


def _problem(about: str) -> ResponseSpec:
    return ResponseSpec(
        Problem, generate_examples=False, description=about, media_type=PROBLEM_JSON
    )


PROBLEMS: Mapping[int, ResponseSpec] = {
    400: _problem("What was sent does not have its form."),
    401: _problem("No access key, or one that does not hold."),
    403: _problem("The key's role or stores do not allow it, or a person's limit does not."),
    404: _problem("There is no such card, member, receipt or other thing."),
    409: _problem("The same id with other content, or for another member."),
    413: _problem("The body is too large."),
    422: _problem("The ledger refuses; the code says why."),
    429: _problem("Too many calls by this key."),
    500: _problem("The server failed."),
    503: _problem("Not now: send the same again."),
}
OPEN_PROBLEMS = {status: PROBLEMS[status] for status in (429, 500, 503)}
Declared = Callable[[Callable[..., Any]], Any]


def reads(path: str, operation: str, **more: Any) -> Declared:
    """A path that answers a question."""
    told = {status: PROBLEMS[status] for status in PROBLEMS if status != 413}
    return get(path, opt={OPERATION: operation}, responses=told, **_threaded(more))


def acts(path: str, operation: str, *, later: bool = False, **more: Any) -> Declared:
    """A path that has something done; a repeat is answered as it was first."""
    opt = {OPERATION: operation, KEPT_LATER: later}
    more = {"request_max_body_size": LARGEST_BODY, **more}
    return post(path, opt=opt, status_code=200, responses=PROBLEMS, **_threaded(more))


def signed(path: str, operation: str, **more: Any) -> Declared:
    """A path that senders of webhooks call: a signature stands for a key."""
    opt = {OPERATION: operation, SIGNED: True, KEPT_LATER: True}
    told = {status: PROBLEMS[status] for status in (400, 403, 404, 413, 429, 500, 503)}
    return post(path, opt=opt, status_code=200, responses=told, security=[{}], **more)


def open_to_all(path: str, **more: Any) -> Declared:
    """A path that needs no key."""
    return get(path, opt={OPEN: True}, responses=OPEN_PROBLEMS, security=[{}], **more)


def _threaded(more: dict[str, Any]) -> dict[str, Any]:
    """The door's own calls wait: they run in a thread, unless a handler awaits them itself."""
    awaited = more.pop("awaited", False)
    return more if awaited else {**more, "sync_to_thread": True}


__all__ = ["LARGEST_BODY", "acts", "open_to_all", "reads", "signed"]
