"""Reads POSLog: the XML that tills of the ARTS family write, 2.x with a vendor's extensions and 6.0.

Facts. ARTS POSLog 2.1 to 6.0 (OMG retail/2017-07-13): a `Transaction` names its `RetailStoreID` (6.0
also `BusinessUnit/UnitID`), `WorkstationID`, `BusinessDayDate` and `SequenceNumber`, which together
are its key; times are the till's own, usually without an offset. Only one with a `RetailTransaction`
sells; `TrainingModeFlag`, `CancelFlag` and `TransactionStatus` say what counts for nothing.
`ExtendedAmount` is what is charged for a `LineItem` after its price modifiers. `VoidFlag="true"`
strikes a line out. NCR's 2.1 (kjbreil/poslog, BSD: types and a sample): the card is in
`acs:LoyaltyMembership/LoyaltyID`, `acs:weightItem` marks goods by weight, and a reward of the whole
receipt is a `LoyaltyReward` with a negative `ExtendedRewardAmount` that no line has in it; it comes
per line (`detailedData`, naming the line's `OperatorSequence`) and once more in sum. 6.0: the card is
`LoyaltyAccount/LoyaltyCard/PrimaryAccountNumber`. Goods come back as `Return`, or as `Sale` with a
negative `Quantity`, a positive amount and a `TransactionLink`. Needs the `tills` extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from adapters.pos.gs1 import goods
from adapters.pos.money import decimal, measured, minor, rounded, weighed
from adapters.pos.terms import (
    Reading,
    Sold,
    Unmapped,
    calendar_date,
    key_of,
    sold_lines,
    take_off,
)
from adapters.pos.xml import NotXml, child, children, elements, flag, local_name, text, text_of
from adapters.records import Bad, Item, Place, item
from ledger.types import ReceiptKey, day_of

_KINDS = {
    "giftcard": "gift_card", "giftcertificate": "gift_card", "storedvalue": "gift_card",
    "deposit": "deposit", "reward": "reward",
}  # fmt: skip
_GTIN = frozenset({"GTIN", "EAN", "EAN13", "EAN8", "UPC", "UPC-A", "UPCA"})
_UNDONE = ("void", "cancel", "suspend", "fail")
MOST_LINES = 5_000


def read(path: Path, reading: Reading) -> Iterator[Item]:
    """Yield one item for every transaction that sells; its place is its number in the file.

    What is not well-formed XML ends the file with one more item.

    Raises:
        ImportError: lxml is not installed.
    """
    numbers = count(1)
    number = next(numbers)
    try:
        for element in elements(path, "Transaction", reading.progress):
            place = Place(str(path), number, 0, 0)
            try:
                fields = _receipt(element, reading)
            except Unmapped as error:
                yield Bad(place, error.field, str(error), text_of(element))
            else:
                if fields:
                    yield item(place, fields)
            number = next(numbers)
    except NotXml as error:
        yield Bad(Place(str(path), number, 0, 0), None, f"not POSLog: {error}", None)


def _receipt(transaction: Any, reading: Reading) -> dict[str, Any] | None:
    sale = child(transaction, "RetailTransaction")
    reason = _left_out(transaction, sale)
    if reason:
        reading.left_out[reason] += 1
        return None
    terms = reading.terms
    moment = next(
        filter(None, (text(transaction, "EndDateTime"), text(transaction, "POSLogDateTime"),
                      text(transaction, "BeginDateTime"), text(sale, "ReceiptDateTime"))), "",
    )  # fmt: skip
    fields: dict[str, Any] = {
        "store": _store(transaction, reading),
        "lane": text(transaction, "WorkstationID"),
        "business_date": calendar_date("BusinessDayDate", text(transaction, "BusinessDayDate")),
        "number": text(transaction, "SequenceNumber"),
        "captured_at": terms.moment("EndDateTime", moment),
        "currency": text(transaction, "CurrencyCode") or terms.currency,
        "card": _card(sale),
        "cashier": text(transaction, "OperatorID"),
    }
    lines = _Lines(sale, fields["currency"], reading)
    fields["lines"] = lines.lines
    fields["tenders"] = lines.tenders
    if not lines.lines:
        reading.left_out["nothing sold"] += 1
        return None
    name = str(key_of(fields))
    reading.keep(name, Sold(key_of(fields), sold_lines(lines.lines), lines.names))
    return fields


def _left_out(transaction: Any, sale: Any) -> str:
    """Why a transaction is no receipt; empty where it is one.

    Raises:
        Unmapped: it takes back another transaction whose lines it does not tell.
    """
    if sale is None:
        return "no sale"
    if flag(transaction, "TrainingModeFlag"):
        return "training"
    status = (sale.get("TransactionStatus") or "").lower()
    if flag(transaction, "CancelFlag") or any(word in status for word in _UNDONE):
        return "voided"
    link = child(sale, "TransactionLink")
    if link is not None and "void" in (link.get("ReasonCode") or "").lower():
        msg = "it voids an earlier transaction; take that one back by `loyalty return`"
        raise Unmapped("TransactionLink", msg)
    return ""


class _Lines:
    """The line items of a sale in order: goods as lines, means of payment as tenders."""

    def __init__(self, sale: Any, currency: str, reading: Reading) -> None:
        """Read them all, then take off what no line has in it yet."""
        self._currency = currency
        self._reading = reading
        self._link = child(sale, "TransactionLink")
        self.lines: list[dict[str, Any]] = []
        self.tenders: list[dict[str, Any]] = []
        self.names: dict[str, int] = {}
        self._operators: dict[str, int] = {}
        self._rewards: list[tuple[str, int]] = []
        for line_item in children(sale, "LineItem"):
            self._take(line_item)
            if len(self.lines) > MOST_LINES:
                raise Unmapped("LineItem", f"more than {MOST_LINES} lines")
        self._take_off()

    def _take(self, line_item: Any) -> None:
        voided = flag(line_item, "VoidFlag")
        for part in line_item:
            kind = local_name(part)
            if kind in {"Sale", "Return"}:
                self._goods(line_item, part, voided=voided, back=kind == "Return")
            elif kind == "ItemLink" and voided:
                self._strike(text(part, "SequenceNumber") or (part.text or "").strip())
            elif voided:
                continue
            elif kind == "Tender":
                self._tender(part)
            elif kind == "LoyaltyReward":
                self._reward(part)
            elif kind == "Discount":
                self._rewards.append(("", abs(minor("Discount", text(part, "Amount"),
                                                    self._currency))))  # fmt: skip
            elif child(part, "ExtendedAmount") is not None:
                raise Unmapped(f"LineItem/{kind}", "this kind of line is not known")

    def _strike(self, sequence: str) -> None:
        """Strike out an earlier line that a void names."""
        if sequence in self.names:
            self.lines[self.names[sequence] - 1]["voided"] = True

    def _goods(self, line_item: Any, part: Any, *, voided: bool, back: bool) -> None:
        amount = minor("ExtendedAmount", text(part, "ExtendedAmount"), self._currency)
        worth, code = _quantity(line_item, part, pounds=self._reading.terms.pounds)
        product, quantity, unit = goods(
            _product(part), *measured("Quantity", worth, code), self._reading.terms.scales
        )
        kind = _KINDS.get((part.get("ItemType") or "").lower(), "sale")
        line: dict[str, Any] = {
            "product": product, "quantity": quantity, "unit": unit, "amount_minor": amount,
            "category": text(part, "MerchandiseHierarchy"), "kind": kind,
        }  # fmt: skip
        back = back or worth < 0
        if amount < 0 and not back:
            raise Unmapped("ExtendedAmount", "it is negative, and nothing comes back")
        if not back:
            line["discount_minor"] = self._discount(part, worth, amount)
        for one in self._back(line, part) if back else [line]:
            self.lines.append(one | ({"voided": True} if voided else {}))
        self.names[text(line_item, "SequenceNumber")] = len(self.lines)
        self._operators[text(part, "OperatorSequence")] = len(self.lines)

    def _back(self, line: dict[str, Any], part: Any) -> list[dict[str, Any]]:
        own = child(part, "TransactionLink")
        link = self._link if own is None else own
        if link is None:
            return self._reading.back(line, None)
        day = day_of(calendar_date("TransactionLink/BusinessDayDate",
                                   text(link, "BusinessDayDate")))  # fmt: skip
        store, number = _store(link, self._reading), text(link, "SequenceNumber")
        key = ReceiptKey(store, text(link, "WorkstationID"), day, number)
        of = self._reading.return_of(
            str(key), line["product"], line["quantity"], keys=(key,),
            line=text(link, "LineItemSequenceNumber"),
        )  # fmt: skip
        return self._reading.back(line, of)

    def _discount(self, part: Any, worth: Decimal, amount: int) -> int:
        """What the regular price was above what is charged."""
        price = text(part, "RegularSalesUnitPrice")
        if not price:
            return 0
        whole = decimal("RegularSalesUnitPrice", price) * worth
        return max(0, rounded("RegularSalesUnitPrice", whole, self._currency) - amount)

    def _tender(self, part: Any) -> None:
        amount = minor("Tender/Amount", text(part, "Amount"), self._currency)
        change = child(part, "TenderChange")
        if change is not None:
            amount -= abs(minor("TenderChange/Amount", text(change, "Amount"), self._currency))
        if (part.get("TypeCode") or "") in {"Refund", "Return"}:
            amount = -abs(amount)
        self.tenders.append({"kind": part.get("TenderType") or "unknown", "amount_minor": amount})

    def _reward(self, part: Any) -> None:
        """Money off that a vendor's line does not have in it; in sum it would count twice."""
        if text(part, "RewardCategory") != "Monetary" or not flag(part, "detailedData"):
            return
        off = -minor("ExtendedRewardAmount", text(part, "ExtendedRewardAmount"), self._currency)
        if off:
            self._rewards.append((text(part, "OperatorSequenceReference"), off))

    def _take_off(self) -> None:
        whole = 0
        for operator, off in self._rewards:
            position = self._operators.get(operator) if operator else None
            if position:
                take_off("LoyaltyReward", [self.lines[position - 1]], off)
            else:
                whole += off
        if whole:
            take_off("Discount", self.lines, whole)


def _product(part: Any) -> str:
    """The article number: the scanned one, else the house's own."""
    for identity in children(part, "POSIdentity"):
        if (identity.get("POSIDType") or "").upper() in _GTIN:
            return text(identity, "POSItemID")
    return text(part, "ItemID") or text(child(part, "POSIdentity"), "POSItemID")


def _quantity(line_item: Any, part: Any, *, pounds: bool) -> tuple[Decimal, str]:
    """How much, and the code of its unit; a count beside a measure is left aside."""
    found = child(part, "Quantity")
    if found is None:
        return Decimal(1), ""
    worth = decimal("Quantity", found.text)
    code = found.get("UnitOfMeasureCode") or ""
    if weighed(code) and found.get("Units"):
        return decimal("Quantity/@Units", found.get("Units")).copy_sign(worth), code
    if not weighed(code) and flag(line_item, "weightItem"):
        return worth, "LBR" if pounds else "KGM"
    return worth, code


def _card(sale: Any) -> str | None:
    """The card of the first account that is not struck out."""
    for account in sale.iter("{*}LoyaltyMembership", "{*}LoyaltyAccount"):
        if not any(flag(above, "VoidFlag") for above in account.iterancestors("{*}LineItem")):
            card = child(account, "LoyaltyCard")
            for place, name in ((account, "LoyaltyID"), (card, "PrimaryAccountNumber"),
                                (account, "LoyaltyAccountID")):  # fmt: skip
                if found := text(place, name):
                    return found
    return None


def _store(element: Any, reading: Reading) -> str:
    unit = child(element, "BusinessUnit")
    theirs = text(element, "RetailStoreID") or text(unit, "UnitID") or reading.terms.store
    return reading.terms.store_of(theirs)
