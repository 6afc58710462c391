"""Refusals as `application/problem+json` (RFC 9457), with a code for programs."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from eventsourcing.persistence import InterfaceError, OperationalError
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from ledger import errors as r
from ledger.errors import LedgerError

PROBLEM_JSON = "application/problem+json"
FAILED = 500
BAD, UNAUTHORIZED, FORBIDDEN, MISSING, CONFLICT, REFUSED, UNAVAILABLE = (
    400, 401, 403, 404, 409, 422, 503,
)  # fmt: skip
RETRY_AFTER_SECONDS = 1

_STATUS: Mapping[type[LedgerError], int] = {
    r.InputInvalid: BAD,
    r.CampaignInvalid: BAD,
    r.ProgrammeInvalid: BAD,
    r.AccessKeyInvalid: UNAUTHORIZED,
    r.SignatureInvalid: FORBIDDEN,
    r.NotPermitted: FORBIDDEN,
    r.StoreNotYours: FORBIDDEN,
    r.RoleLimit: FORBIDDEN,
    r.RoleUnknown: FORBIDDEN,
    r.SecondPersonNeeded: FORBIDDEN,
    r.KeyConflict: CONFLICT,
    r.MemberConflict: CONFLICT,
    r.CardTaken: CONFLICT,
    r.HoldOver: CONFLICT,
    r.VoucherSpent: CONFLICT,
    r.RebuildNeeded: UNAVAILABLE,
}
"""Of refusals that are neither unknown (404), nor worth a retry (503), nor just refused (422)."""
_LOG = logging.getLogger("loyalty.http")
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"field `([^`]*)`")


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong. `code` is stable; `retryable` says whether the same call may succeed later."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    field: str | None = None
    retryable: bool = False


INTERNAL = Problem(
    "urn:loyalty:internal", "The server failed.", FAILED, "internal", "It is in the server's log.",
    None, retryable=True,
)  # fmt: skip


def problem_of(error: LedgerError) -> Problem:
    """A refusal of the ledger."""
    title = (error.__doc__ or "").strip().splitlines()[0]
    return Problem(
        f"urn:loyalty:{error.code}", title, status_of(error), error.code, error.detail,
        error.field, error.retryable,
    )  # fmt: skip


def status_of(error: LedgerError) -> int:
    """The status that a refusal is answered with."""
    if error.retryable:
        return UNAVAILABLE
    if type(error) in _STATUS:
        return _STATUS[type(error)]
    return MISSING if type(error).__name__.endswith("Unknown") else REFUSED


def render(problem: Problem) -> Response[Any]:
    """A problem as an answer."""
    headers = {}
    if problem.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retryable:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Response(problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def refused(request: Request[Any, Any, Any], error: LedgerError) -> Response[Any]:
    """The ledger said no."""
    request.state.code = error.code  # for the record of who called
    return render(problem_of(error))


def invalid(_: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    """What was sent does not have its form."""
    field, detail = _explained(error)
    return render(problem_of(r.InputInvalid(detail, field=field)))


def http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """No such path, too large, too many, and the like."""
    if error.status_code == FAILED and "disconnected" in error.detail:
        _LOG.info("%s %s: the caller hung up", request.method, request.url.path)
        return render(problem_of(r.InputInvalid("It was not sent whole.")))
    if error.status_code == FAILED:
        return failed(request, error)
    if error.status_code == BAD:
        return render(problem_of(r.InputInvalid(str(error.detail)[:400])))
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__.removesuffix("Exception"))
    retryable = error.status_code in {429, UNAVAILABLE}
    return render(
        Problem(
            f"urn:loyalty:http-{error.status_code}", code.replace("-", " ").capitalize() + ".",
            error.status_code, f"http-{error.status_code}", error.detail, None, retryable,
        )
    )  # fmt: skip


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A fault of ours: told in the server's log, and to the caller only that it is one."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return render(INTERNAL)


def _explained(error: ValidationException) -> tuple[str | None, str]:
    extra = error.extra
    first: Mapping[str, Any] = extra[0] if isinstance(extra, list) and extra else {}
    message = str(first.get("message") or error.detail)
    key = str(first.get("key") or "")
    path = _PATH.search(message)
    if path:
        message, key = message[: path.start()], key or path[1]
    named = _NAMED.search(message)
    parts = ("" if key == "data" else key, named[1] if named else "")  # the body has no name
    field = ".".join(part for part in parts if part)
    return field[:400] or None, message[:400]


def unreadable(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What was sent cannot be read at all; it may be nested too deeply."""
    return render(problem_of(r.InputInvalid(str(error)[:400])))


def away(_: Request[Any, Any, Any], __: Exception) -> Response[Any]:
    """The store did not answer something that is read beside the log."""
    return render(problem_of(r.StoreUnavailable()))


HANDLERS: Mapping[Any, Any] = {
    LedgerError: refused,
    ValidationException: invalid,
    HTTPException: http,
    msgspec.MsgspecError: unreadable,
    RecursionError: unreadable,
    UnicodeDecodeError: unreadable,
    InterfaceError: away,
    OperationalError: away,
    Exception: failed,
}
