"""`loyalty catalogue import|show|unknown`: what is sold, and what it costs."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.cli.commands.ingest import REJECTED, follow
from adapters.cli.render import Speaker, money, table, when
from adapters.cli.render import day as date_in_utc
from adapters.cli.values import positive, whole
from adapters.ingest import Tally
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger
from ledger.application.catalogue import ProductView
from ledger.errors import InputInvalid
from ledger.policies.catalogue import Period
from ledger.types import FOREVER, Day, date_of, day_of

KINDS = ("products", "prices", "promotions")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("import", "show", "unknown"))
    parser.add_argument(
        "subject", nargs="?", metavar="FILE|CODE",
        help="a CSV or Parquet file or a folder of retail data (to import), a product (to show)",
    )  # fmt: skip
    parser.add_argument("--kind", choices=KINDS, help="(to import; default: told by the columns)")
    parser.add_argument("--rejects", type=Path, help="(to import; default: FILE.rejects.ndjson)")
    parser.add_argument("--store", default="", help="as in this store (to show)")
    parser.add_argument(
        "--on", type=dt.date.fromisoformat, help="as on this day (to show; default: today)"
    )
    parser.add_argument(
        "--upto", type=whole, help="price and promotions as told up to this position of the log"
    )
    parser.add_argument(
        "--limit", type=positive, default=100, help="so many products (of unknown; default: 100)"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Import, show, or list what is unknown."""
    if options.action == "unknown":
        return _unknown(options, speaker)
    if not options.subject:
        what = "file" if options.action == "import" else "product's code"
        raise InputInvalid(f"To {options.action}, a {what} is needed.", field="subject")
    return _import(options, speaker) if options.action == "import" else _show(options, speaker)


def _import(options: argparse.Namespace, speaker: Speaker) -> int:
    from adapters import products

    source = Path(options.subject)
    if not source.exists():
        raise InputInvalid(f"There is no `{source}`.", field="source")
    path: Path = options.rejects or source.with_name(f"{source.name}.rejects.ndjson")
    if path.exists() and path.samefile(source):
        raise InputInvalid("The reject file cannot be the source; use --rejects.", field="rejects")
    total, unit = products.total(source)
    with LoyaltyLedger.open(options.db) as ledger, Rejects(path, "row") as rejects:
        with speaker.progress("import", total, unit) as update:
            items = products.read(source, options.kind, progress=update)
            tally = products.feed(ledger, items, rejects)
        follow(ledger, speaker)
    _say_imported(tally, path, speaker)
    return REJECTED if tally.rejected else 0


def _say_imported(tally: Tally, path: Path, speaker: Speaker) -> None:
    data = {
        "read": tally.read, "recorded": tally.recorded, "repeated": tally.repeated,
        "rejected": tally.rejected, "reasons": tally.reasons,
        "rejects": str(path) if tally.rejected else None,
    }  # fmt: skip
    lines = [
        f"{tally.read} read: {tally.recorded} recorded, {tally.repeated} as they were,"
        f" {tally.rejected} rejected."
    ]
    lines += [f"  {count} x {reason}" for reason, count in sorted(tally.reasons.items())]
    if tally.rejected:
        lines.append(f"Correct them in {path} and import that file.")
    speaker.say(data, lines)


def _show(options: argparse.Namespace, speaker: Speaker) -> int:
    on = day_of(options.on) if options.on else None
    with LoyaltyLedger.open(options.db) as ledger:
        view = ledger.product(options.subject, store=options.store, day=on, upto=options.upto)
        currency = ledger.programme_at(ledger.clock()).programme.currency
    speaker.say(_data(view), _lines(view, currency))
    return 0


def _data(view: ProductView) -> dict[str, Any]:
    product, sold = view.product, view.sold
    return {
        "code": view.code,
        "known": product is not None,
        "name": product.name if product else None,
        "brand": product.brand if product else None,
        "maker": product.maker if product else None,
        "brand_kind": product.brand_kind if product else None,
        "levels": [level._asdict() for level in product.levels] if product else [],
        "store": view.store,
        "on": _date(view.day),
        "price": _period(view.price) if view.price else None,
        "promotions": [
            {"promotion": one.code, "name": one.name, **_period(one)} for one in view.promotions
        ],
        "sold_lines": sold.lines if sold else 0,
        "first_sold_at": when(sold.first_sold_at) if sold else None,
        "last_sold_at": when(sold.last_sold_at) if sold else None,
    }


def _period(period: Period) -> dict[str, Any]:
    return {
        "price_minor": period.price_minor,
        "from": _date(period.from_day),
        "until": None if period.until_day == FOREVER else _date(period.until_day),
    }


def _date(day: Day) -> str:
    return date_of(day).isoformat()


def _lines(view: ProductView, currency: str) -> list[str]:
    product, sold = view.product, view.sold
    facts: list[tuple[str, str]] = []
    if product:
        facts += [(name, getattr(product, name)) for name in ("brand", "maker")]
        facts.append(("brand kind", product.brand_kind))
        for number, level in enumerate(product.levels, 1):
            facts.append((f"level {number}", " ".join(filter(None, level))))
    place = f"in {view.store} " if view.store else ""
    price = _priced(view.price, currency) if view.price else "none told"
    facts.append(("price", f"{price} ({place}on {_date(view.day)})"))
    facts += [
        ("promotion", " ".join(filter(None, (one.code, one.name, _priced(one, currency)))))
        for one in view.promotions
    ]
    if sold:
        days = f"{date_in_utc(sold.first_sold_at)} to {date_in_utc(sold.last_sold_at)}"
        facts.append(("sold", f"{sold.lines} lines, {days}"))
    return [_title(view), *[f"  {name:<11}{text}" for name, text in facts if text]]


def _title(view: ProductView) -> str:
    if view.product is None:
        return f"{view.code} is not in the catalogue."
    return f"Product {view.code} {view.product.name}".rstrip()


def _priced(period: Period, currency: str) -> str:
    until = "" if period.until_day == FOREVER else f" until {_date(period.until_day)}"
    amount = "" if period.price_minor is None else f"{money(period.price_minor, currency)}, "
    return f"{amount}from {_date(period.from_day)}{until}"


def _unknown(options: argparse.Namespace, speaker: Speaker) -> int:
    with LoyaltyLedger.open(options.db) as ledger:
        found = ledger.unknown_products(options.limit)
        currency = ledger.programme_at(ledger.clock()).programme.currency
    data = [
        {
            **one._asdict(), "first_sold_at": when(one.first_sold_at),
            "last_sold_at": when(one.last_sold_at),
        }
        for one in found
    ]  # fmt: skip
    cells: Sequence[Sequence[object]] = [
        (
            one.product, one.lines, money(one.amount_minor, currency),
            date_in_utc(one.first_sold_at), date_in_utc(one.last_sold_at),
        )
        for one in found
    ]  # fmt: skip
    head = ("product", "lines", "paid", "first sold", "last sold")
    speaker.say({"unknown": data}, table(head, cells) if cells else ["Nothing."])
    return 0
