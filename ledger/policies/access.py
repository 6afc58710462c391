"""Who may do what through the ledger's faces: a role's operations, and a key's stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.errors import NotPermitted, StoreNotYours

TILL, INTEGRATION = "till", "integration"
CASHIER, SERVICE, MARKETING, MANAGER, AUDITOR, ADMIN = (
    "cashier", "service", "marketing", "manager", "auditor", "admin",
)  # fmt: skip
ROLES = (TILL, INTEGRATION, CASHIER, SERVICE, MARKETING, MANAGER, AUDITOR, ADMIN)
MACHINES = (TILL, INTEGRATION)
"""Roles of programs; the others are people's."""
SENDER = "sender"
"""Who signs each call instead of showing a key: no key is given out in this role."""

_AT_THE_TILL = (TILL, INTEGRATION, CASHIER)
_DESK = (SERVICE, MANAGER)
_EVERYBODY_WHO_SERVES = (TILL, INTEGRATION, CASHIER, SERVICE, MANAGER)

PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    # receipts
    "record": (TILL, INTEGRATION),
    "batch": (TILL, INTEGRATION),
    "return": _EVERYBODY_WHO_SERVES,
    "void-return": _EVERYBODY_WHO_SERVES,
    "attribute": (INTEGRATION, SERVICE, MANAGER),
    "quote": _AT_THE_TILL,
    # members
    "inquire": (*_EVERYBODY_WHO_SERVES, AUDITOR),
    "statement": (INTEGRATION, SERVICE, MANAGER, AUDITOR),
    "personal": _DESK,
    "enrol": _EVERYBODY_WHO_SERVES,
    "link-card": (INTEGRATION, CASHIER, SERVICE, MANAGER),
    "replace-card": (INTEGRATION, SERVICE, MANAGER),
    "block-card": (INTEGRATION, SERVICE, MANAGER),
    # points
    "hold": _AT_THE_TILL,
    "redeem": (*_AT_THE_TILL, SERVICE, MANAGER),
    "undo-redemption": (TILL, INTEGRATION, SERVICE, MANAGER),
    "use-voucher": _AT_THE_TILL,
    "adjust": _DESK,
    "allowance": (TILL, INTEGRATION),
    "list-allowance-keys": (TILL, INTEGRATION, AUDITOR, ADMIN),
    # complaints
    "open-complaint": (INTEGRATION, CASHIER, SERVICE, MANAGER),
    "answer-complaint": _DESK,
    "resolve-complaint": _DESK,
    # the log and who looked
    "log": (INTEGRATION, AUDITOR),
    "looks": (AUDITOR, ADMIN),
    "metrics": (INTEGRATION, MANAGER, AUDITOR, ADMIN),
    # keys
    "keys": (ADMIN,),
    "list-keys": (ADMIN, AUDITOR),
    # what senders sign
    "webhook": (SENDER,),
}
"""Operation to the roles that may do it; what is not here nobody may do."""


def permit(role: str, operation: str) -> None:
    """Make sure that a role may do something.

    Raises:
        NotPermitted: it may not.
    """
    if role not in PERMISSIONS.get(operation, ()):
        raise NotPermitted(f"`{operation}` is not for the role `{role}`.")


def store_of(stores: Sequence[str], asked: str) -> str:
    """The store that something is done in: the one asked for, or a key's only one.

    Raises:
        StoreNotYours: the key is for other stores, or for several and none is named.
    """
    if not stores:
        return asked
    if not asked and len(stores) == 1:
        return stores[0]
    if asked not in stores:
        said = f"`{asked}`" if asked else "None is named"
        raise StoreNotYours(f"{said}; the key is for {', '.join(stores)}.", field="store")
    return asked
