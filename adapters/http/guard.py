"""Who calls, and whether they may: every path but the few that say otherwise needs a key.

A path of webhooks needs a signature in place of it: who calls is known once the body was verified.
"""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import MethodNotAllowedException, TooManyRequestsException
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from ledger.aggregates.access import AccessKey
from ledger.application import LoyaltyLedger
from ledger.errors import AccessKeyInvalid
from ledger.policies.access import permit, store_of

OPEN = "open"
"""Marks a path that needs no key."""
SIGNED = "signed"
"""Marks a path whose calls are signed: it verifies the body first, and names the caller by `signed_by`."""
OPERATION = "operation"
"""Names what a path does; `ledger.policies.access` says who may."""
_SCHEME = "bearer "
KEY_PARTS = 3
"""Of a key: what it is, its id, its secret."""
Call = Request[AccessKey, Any, Any]
Ledger = NamedDependency[LoyaltyLedger]
"""How a path asks for the ledger."""


class Authentication(AbstractAuthenticationMiddleware):
    """Looks the key of a call up, unless there were too many calls with it."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Whom the key in `Authorization: Bearer` stands for.

        Raises:
            TooManyRequestsException: by this key, whether or not it is one.
            AccessKeyInvalid: there is none, or it does not hold.
        """
        said = connection.headers.get("authorization", "")
        if not connection.app.state.pace.allows(_caller(connection, said)):
            raise TooManyRequestsException
        if connection.scope["route_handler"].opt.get(SIGNED):
            return AuthenticationResult(None, None)  # a key says nothing here
        if said[: len(_SCHEME)].lower() != _SCHEME:
            raise AccessKeyInvalid("Send it as `Authorization: Bearer KEY`.")
        ledger = connection.app.state.ledger
        key = said[len(_SCHEME) :].strip()
        found = ledger.caller_at_hand(key) or await asyncio.to_thread(ledger.caller, key)
        return AuthenticationResult(found, found.id)


def _caller(connection: ASGIConnection[Any, Any, Any, Any], said: str) -> str:
    """Whose calls are counted together: the key's, or the address's where none is shown."""
    key_id = said.rpartition(" ")[2].split("_")
    if len(key_id) == KEY_PARTS:
        return f"key:{key_id[1]}"
    return f"host:{connection.client.host if connection.client else ''}"


async def permitted(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Refuse who may not do what a path does.

    A coroutine, as what is none would be given a thread for each call.

    Raises:
        NotPermitted.
    """
    if connection.scope.get("method") == "OPTIONS":  # the framework's own, before any key is read
        raise MethodNotAllowedException
    if handler.opt.get(OPEN) or handler.opt.get(SIGNED):
        return
    permit(connection.user.role, handler.opt[OPERATION])


def signed_by(call: Call, sender: AccessKey) -> None:
    """Take the call as that of a sender whose signature of its body was verified.

    Raises:
        NotPermitted.
    """
    call.scope["user"] = sender
    permit(sender.role, call.route_handler.opt[OPERATION])


def in_own_store(call: Call, ledger: LoyaltyLedger, command_id: str) -> None:
    """Make sure that what is changed was begun in a store that the caller's key is for.

    Raises:
        StoreNotYours: it was begun elsewhere.
    """
    if call.user.stores:
        begun_in = ledger.store_of(command_id)
        if begun_in is not None:  # what does not exist is told by whoever looks for it
            store_of(call.user.stores, begun_in or "elsewhere")


def in_store(call: Call, asked: str) -> str:
    """The store that a call is about.

    Raises:
        StoreNotYours: the caller's key is not for it.
    """
    store = store_of(call.user.stores, asked)
    call.state.store = store
    return store
