"""Reads DSFinV-K: what German tills export for an audit, a ZIP archive of CSV files.

Facts. DSFinV-K 2.x of the Bundeszentralamt fuer Steuern (column lists in pretix/python-dsfinvk, Apache
2.0; process and business types in developer.fiskaly.com/dsfinvk; voids in fiskaltrust/faq): semicolons
and decimal commas, maybe points between thousands. Every row names the closing (`Z_KASSE_ID`, `Z_NR`,
and its time `Z_ERSTELLUNG`), those of a receipt also `BON_ID`. transactions.csv has the head, with
`BON_TYP` (only `Beleg` sells), `BON_STORNO`, `KUNDE_ID`; lines.csv the lines with `GV_TYP`, `P_STORNO`,
`GTIN`, `MENGE` in `EINHEIT`; lines_vat.csv what each line cost by tax rate (`POS_BRUTTO`); itemamounts.csv
how its price came about; datapayment.csv the payments; references.csv names earlier receipts by their
closing. location.csv names the store, cashregister.csv the currency. A line is struck out by one of
opposite sign with `P_STORNO`; a receipt by another of opposite signs with `BON_STORNO` and a reference.

The till is `Z_KASSE_ID`, the number is `Z_NR-BON_ID`, and the trading day is the day of the closing,
because a reference names the receipt by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from adapters.pos.archive import Archive, opened
from adapters.pos.gs1 import goods
from adapters.pos.money import german, measured, rounded
from adapters.pos.terms import (
    Reading,
    Sold,
    Unmapped,
    key_of,
    sold_lines,
    take_off,
)
from adapters.records import Bad, Item, Place, item
from ledger.errors import InputInvalid
from ledger.types import ReceiptKey, day_of

Row = dict[str, str]
_CLOSING = ("Z_KASSE_ID", "Z_NR")
_OF = (*_CLOSING, "BON_ID")
HEADS = "transactions.csv"
_HEAD = (*_OF, "Z_ERSTELLUNG", "BON_TYP", "BON_STORNO", "BON_ENDE")
_PARTS = {
    "lines.csv": (*_OF, "POS_ZEILE", "GV_TYP", "MENGE"),
    "lines_vat.csv": (*_OF, "POS_ZEILE", "POS_BRUTTO"),
    "itemamounts.csv": (*_OF, "POS_ZEILE", "TYP", "PF_BRUTTO"),
    "datapayment.csv": (*_OF, "ZAHLART_TYP", "BASISWAEH_BETRAG"),
    "references.csv": (*_OF, "REF_TYP", "REF_Z_KASSE_ID", "REF_Z_NR", "REF_BON_ID", "REF_DATUM"),
}
MOST_LINES = 5_000
MOST_ROWS = 50_000
"""Of one receipt, in all files."""
_NEEDED = (HEADS, "lines.csv", "lines_vat.csv")
_GOODS = {
    "Umsatz": "sale", "Aufschlag": "sale", "Pfand": "deposit",
    "EinzweckgutscheinKauf": "gift_card", "MehrzweckgutscheinKauf": "gift_card",
}  # fmt: skip
_PAID = frozenset({"EinzweckgutscheinEinloesung", "MehrzweckgutscheinEinloesung"})
_UNITS = {"LITER": "LTR", "STÜCK": "", "STUECK": "", "STK": "", "ST": ""}


def read(path: Path, reading: Reading) -> Iterator[Item]:
    """Yield one item for every receipt, at its row of transactions.csv.

    The rows are sorted in a database that is gone afterwards: an export may be larger than memory.

    Raises:
        InputInvalid: it is no such archive, or a row of it is not whole.
    """
    with opened(path, reading.progress) as archive, closing(sqlite3.connect("")) as db:
        for name in _NEEDED:
            if name not in archive:
                raise InputInvalid(f"{path} has no {name}; it is no DSFinV-K export.")
        closings = _Closings(archive)
        _load(archive, db)
        for number, raw in db.execute("SELECT row, body FROM head ORDER BY rowid"):
            head: Row = msgspec.json.decode(raw)
            place = Place(f"{path}/{HEADS}", number, 0, 0)
            try:
                fields = _Receipt(head, db, closings, reading).fields()
            except Unmapped as error:
                yield Bad(place, error.field, str(error), raw)
            else:
                if fields:
                    yield item(place, fields)


class _Closings:
    """What a closing says of all its receipts: the store and the currency."""

    def __init__(self, archive: Archive) -> None:
        self.stores = _by_closing(archive, "location.csv", "LOC_NAME")
        self.currencies = _by_closing(archive, "cashregister.csv", "KASSE_BASISWAEH_CODE")


def _by_closing(archive: Archive, name: str, column: str) -> dict[tuple[str, ...], str]:
    needed = (*_CLOSING, column)
    return {_key(row, _CLOSING): row[column] for _, row in archive.rows(name, needed)}


def _key(row: Row, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns as a key; numbers may have points between their thousands."""
    return tuple(
        row[name].replace(".", "") if name.endswith("Z_NR") else row[name] for name in columns
    )


def _load(archive: Archive, db: sqlite3.Connection) -> None:
    db.executescript(
        "CREATE TABLE head (row, body); CREATE TABLE part (file, till, closing, bon, body)"
    )
    heads = archive.rows(HEADS, _HEAD)
    db.executemany("INSERT INTO head VALUES (?, ?)",
                   ((number, msgspec.json.encode(row)) for number, row in heads))  # fmt: skip
    for name, needed in _PARTS.items():
        rows = archive.rows(name, needed)
        db.executemany(
            "INSERT INTO part VALUES (?, ?, ?, ?, ?)",
            ((name, *_key(row, _OF), msgspec.json.encode(row)) for _, row in rows),
        )
    db.execute("CREATE INDEX part_of ON part (till, closing, bon)")


class _Receipt:
    """One receipt, put together from the rows of all files."""

    def __init__(
        self, head: Row, db: sqlite3.Connection, closings: _Closings, reading: Reading
    ) -> None:
        self._head = head
        self._reading = reading
        of = _key(head, _CLOSING)
        terms = reading.terms
        self._store = terms.store_of(closings.stores.get(of, "")) or terms.store
        self._currency = closings.currencies.get(of) or terms.currency
        found = db.execute(
            "SELECT file, body FROM part WHERE till = ? AND closing = ? AND bon = ? ORDER BY rowid"
            " LIMIT ?", (*_key(head, _OF), MOST_ROWS + 1),
        ).fetchall()  # fmt: skip
        if len(found) > MOST_ROWS:
            raise Unmapped("BON_ID", f"more than {MOST_ROWS} rows")
        self._parts: dict[str, list[Row]] = {name: [] for name in _PARTS}
        for name, body in found:
            self._parts[name].append(msgspec.json.decode(body))
        self._discounts: dict[str, int] = {}
        for row in self._parts["itemamounts.csv"]:
            if row["TYP"] == "discount":
                off = abs(self._money("PF_BRUTTO", row))
                self._discounts[row["POS_ZEILE"]] = self._discounts.get(row["POS_ZEILE"], 0) + off
        self._lines: list[dict[str, Any]] = []
        self._tenders: list[dict[str, Any]] = []
        self._off = 0

    def fields(self) -> dict[str, Any] | None:
        """The receipt's fields; None where it is left out.

        Raises:
            Unmapped: a column is not what the facts say.
        """
        left_out = self._reading.left_out
        kind = self._head["BON_TYP"]
        if kind != "Beleg":
            left_out[f"no receipts: {kind[:40]}"] += 1
            return None
        if len(self._parts["lines.csv"]) > MOST_LINES:
            raise Unmapped("POS_ZEILE", f"more than {MOST_LINES} lines")
        amounts = self._amounts()
        if self._head["BON_STORNO"] == "1" and min(amounts.values(), default=0) >= 0:
            left_out["voided"] += 1
            return None
        for row in self._parts["lines.csv"]:
            self._line(row, amounts.get(row["POS_ZEILE"], 0))
        self._take_off()
        if not self._lines:
            left_out["nothing sold"] += 1
            return None
        for row in self._parts["datapayment.csv"]:
            amount = self._money("BASISWAEH_BETRAG", row)
            self._tenders.append({"kind": row["ZAHLART_TYP"] or "unknown", "amount_minor": amount})
        moment = self._reading.terms.moment(
            "BON_ENDE", self._head["BON_ENDE"] or self._head.get("BON_START", "")
        )
        fields = {
            "store": self._store, "lane": self._head["Z_KASSE_ID"],
            "business_date": self._day("Z_ERSTELLUNG", self._head["Z_ERSTELLUNG"]),
            "number": "-".join(_key(self._head, ("Z_NR", "BON_ID"))),
            "captured_at": moment, "currency": self._currency,
            "card": self._head.get("KUNDE_ID") or None,
            "cashier": self._head.get("BEDIENER_ID", ""), "lines": self._lines,
            "tenders": self._tenders,
        }  # fmt: skip
        key = key_of(fields)
        self._reading.keep(str(key), Sold(key, sold_lines(self._lines)))
        return fields

    def _day(self, field: str, text: str) -> Any:
        """The day of a closing at the store."""
        terms = self._reading.terms
        return terms.local(terms.moment(field, text)).date()

    def _money(self, field: str, row: Mapping[str, str]) -> int:
        return rounded(field, german(field, row[field]), self._currency)

    def _amounts(self) -> dict[str, int]:
        """What each line cost, over all its tax rates."""
        found: dict[str, Any] = {}
        for row in self._parts["lines_vat.csv"]:
            amount = german("POS_BRUTTO", row["POS_BRUTTO"])
            found[row["POS_ZEILE"]] = found.get(row["POS_ZEILE"], 0) + amount
        return {name: rounded("POS_BRUTTO", one, self._currency) for name, one in found.items()}

    def _line(self, row: Row, amount: int) -> None:
        kind = row["GV_TYP"]
        if kind == "Rabatt":
            self._off -= amount
        elif kind in _PAID:
            self._tenders.append({"kind": "gift_card", "amount_minor": -amount})
        elif kind in _GOODS:
            self._goods(row, amount, _GOODS[kind])
        else:
            self._reading.left_out[f"lines of {kind[:40]}"] += 1

    def _goods(self, row: Row, amount: int, kind: str) -> None:
        worth = german("MENGE", row["MENGE"])
        code = row.get("GTIN") or row.get("ART_NR") or row.get("ARTIKELTEXT", "")[:64]
        unit = row.get("EINHEIT", "").upper()
        product, quantity, measure = goods(
            code, *measured("MENGE", worth, _UNITS.get(unit, unit)), self._reading.terms.scales
        )
        line: dict[str, Any] = {
            "product": product, "quantity": quantity, "unit": measure, "amount_minor": amount,
            "category": row.get("WARENGR", "")[:64], "kind": kind,
        }  # fmt: skip
        struck = row.get("P_STORNO") == "1"
        if struck and (quantity < 0 or amount < 0):
            self._strike(line)
        elif quantity < 0 or amount < 0:
            self._back(row, line)
        else:
            line["discount_minor"] = self._discounts.get(row["POS_ZEILE"], 0)
            self._lines.append(line | ({"voided": True} if struck else {}))

    def _strike(self, line: dict[str, Any]) -> None:
        """Take a line that was struck out off the one that it strikes, in whole or in part."""
        quantity, amount = abs(line["quantity"]), abs(line["amount_minor"])
        for one in reversed(self._lines):
            if one["product"] != line["product"] or one.get("voided"):
                continue
            if (one["quantity"], one["amount_minor"]) == (quantity, amount):
                one["voided"] = True
                return
            if one["quantity"] > quantity and one["amount_minor"] >= amount:
                one["quantity"] -= quantity
                one["amount_minor"] -= amount
                return
        raise Unmapped("P_STORNO", "there is no line of as much to strike out")

    def _back(self, row: Row, line: dict[str, Any]) -> None:
        of = None
        for one in self._parts["references.csv"]:
            if one["REF_TYP"] == "Transaktion" and one.get("POS_ZEILE", "") in {
                "", row["POS_ZEILE"],
            }:  # fmt: skip
                key = self._referred(one)
                of = of or self._reading.return_of(
                    str(key), line["product"], line["quantity"], keys=(key,)
                )
        self._lines += self._reading.back(line, of)

    def _take_off(self) -> None:
        """Share the discounts of the receipt among its lines; a void gives them back."""
        if self._off >= 0:
            take_off("GV_TYP Rabatt", self._lines, self._off)
            return
        back = [one for one in self._lines if one["amount_minor"] < 0]
        for one in back:
            one["amount_minor"] *= -1
        take_off("GV_TYP Rabatt", back, -self._off)
        for one in back:
            one["amount_minor"] *= -1
            del one["discount_minor"]

    def _referred(self, one: Row) -> ReceiptKey:
        number = "-".join(_key(one, ("REF_Z_NR", "REF_BON_ID")))
        day = day_of(self._day("REF_DATUM", one["REF_DATUM"]))
        return ReceiptKey(self._store, one["REF_Z_KASSE_ID"], day, number)
