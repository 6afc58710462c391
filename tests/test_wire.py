"""One stored sample for every event ever shipped: what was written must stay readable.

`python -m tests.test_wire` writes the files of new events and the defaults of new fields; it never
touches what exists.
"""

import json
from pathlib import Path

import msgspec
import pytest

from ledger import events as e
from ledger.application import codec
from ledger.events.columns import packed
from ledger.types import Level, Take

FILES = Path(__file__).parent / "wire"
DEFAULTS = Path(__file__).parent / "wire_defaults.json"
MEMBER = bytes([1, *range(15)])
CARD = bytes([2, *range(15)])
RECEIPT = bytes([3, *range(15)])
COMMAND = bytes([4, *range(15)])
PRINT = bytes(range(16))
NOW, EXPIRY, NEVER = 1_767_225_600, 1_801_436_400, 0xFFFF_FFFF

GOODS = e.Goods(
    ("4006381333931", "ham", "mug"), (2, 250, -1), (398, 312, -500), ("dairy", "", ""),
    (20, 0, 0), ("piece", "gram", "piece"), ("sale", "deposit", "sale"), (1,),
)  # fmt: skip
PRODUCTS = packed(("4006381333931", "deposit", "4311501450192", "0000000000017"))
CATEGORIES = packed(("CL07", "CL00", "CL12", "CL07"))
PACKED = e.Goods(
    PRODUCTS[0], (2, 2, 250, 1), (398, 50, 312, 99), CATEGORIES[0],
    product_digits=PRODUCTS[1], category_digits=CATEGORIES[1], unit_letters="ppgp",
    kind_letters="sdss",
)  # fmt: skip
SCAN = e.Scan(
    "Köln 7", "3", 20_454, "000123", NOW, 60, GOODS, (("card", 710), ("points", -500)), "Ada", True
)
AWARD = e.Award(
    1, 2, (3, 0, 0), NOW, EXPIRY, 3, 1, (("tier", 1), ("bonus:milk", 1)), 2026,
)  # fmt: skip
IDENTITY = bytes([8, *range(15)])
CARDS = (e.MovedCard(CARD, True, False, True, 100, 20_454, 40),)
COMPLAINTS = (e.MovedComplaint(COMMAND, RECEIPT, 1, True),)
MOVED = (Take(0, EXPIRY, 1001, 70), Take(NOW, NEVER, 1002, 30))
TAKES = (Take(0, EXPIRY, 0, 70), Take(NOW, NEVER, 2, 30))

SAMPLES = (
    e.ReceiptScanned(SCAN, AWARD),
    e.ReceiptAttributed(RECEIPT, NOW, 20_454, 710, AWARD),
    e.GoodsReturned(RECEIPT, COMMAND, NOW, (0, 2), (199, 500), (1, 100), TAKES, 1, 0, 20_454, 2),
    e.MemberEnrolled(NOW, "Köln 7", b"\x00sealed", PRINT),
    e.CardLinked(NOW, CARD, b"\x00sealed", 0),
    e.CardStopped(NOW, 1, "lost"),
    e.PointsRedeemed(NOW, 100, TAKES, 1000, "", "Köln 7", 2, "redeem-1"),
    e.PointsAdjusted(NOW, -100, TAKES, 0, 0, "typing error", "Ada", 2, "adjust-1", 0),
    e.TierChanged(NOW, "gold", EXPIRY, 512, 2),
    e.TierGranted(NOW, "gold", EXPIRY, "moved house", "Ada", 2, "grant-1"),
    e.ComplaintOpened(NOW, COMMAND, RECEIPT, 1, "sour", "Ada"),
    e.ComplaintAnswered(NOW, COMMAND, "we ask the dairy", "Ada"),
    e.ComplaintResolved(NOW, COMMAND, "sorry", "Ada", 50, 0, EXPIRY, 2, 5),
    e.ReceiptFlagged(NOW, RECEIPT, "Köln 7", (("stores", 3), ("own_card", 1)), 40, 2),
    e.ReviewApproved(
        NOW, RECEIPT, 40, 5, 0, EXPIRY, 20_454, 40, "known to us", "Ada", 2, "review-1"
    ),
    e.ReviewDenied(NOW, RECEIPT, 40, "not their goods", "Ada", 2, "review-2"),
    e.StaffCardMarked(NOW, 1, PRINT, "Ada"),
    e.ReceiptReviewed(NOW, e.DECISION_DENIED, "not their goods", "Ada", "review-2"),
    e.ReviewReduced(COMMAND, 12),
    e.ReceiptClaimed(MEMBER, 300, PRINT),
    e.ReceiptUnclaimed(SCAN, PRINT, e.UNATTRIBUTED_UNKNOWN_CARD, CARD),
    e.ReceiptGiven(MEMBER, 7),
    e.LinesReturned(COMMAND, (0, 2), (1, 1), (199, 500)),
    e.CardSeen(RECEIPT),
    e.CardOwned(MEMBER),
    e.CommandClaimed(PRINT, MEMBER, 12),
    e.RedemptionUndone(40, False, RECEIPT),
    e.ReturnVoided(RECEIPT, COMMAND, NOW, (0,), (199,), (2,), TAKES, 1, 101, 20_454, 2),
    e.GoodsReturnedLoose(COMMAND, NOW, 20_454, 500, 5, TAKES, 0, 1, "Ada", 2),
    e.PointsRestored(NOW, COMMAND, TAKES, 1000, RECEIPT, "return", "", 2),
    e.PointsRetaken(NOW, COMMAND, 100, TAKES, 3, 1000, RECEIPT, 2),
    e.PointsHeld(NOW, COMMAND, 100, TAKES, NOW + 900, "Köln 7", 2, "hold-1", 0),
    e.HoldSettled(NOW, COMMAND, TAKES, (), 1000, NOW + 900, "Köln 7", 2, 7, True),
    e.HoldReleased(NOW, COMMAND, TAKES, NOW + 900, e.HOLD_RELEASED),
    e.HoldEnded(e.HOLD_SETTLED, 12),
    e.PointsExpired(EXPIRY, TAKES),
    e.PointsActivated(NOW, 70),
    e.LotsSlid(NOW, TAKES, EXPIRY, 2),
    e.RebateGranted(NOW, 2025, 123_456, "gold", 100, 123, 0, EXPIRY, 2, 3),
    e.VoucherIssued(NOW, MEMBER, COMMAND, "five", 500, EXPIRY, 2),
    e.VoucherUsed(NOW, "Köln 7", "till-1"),
    e.VoucherCancelled(NOW),
    e.ReturnWaits(COMMAND, NOW, (0,), (1,), (199,)),
    e.LinesKept(COMMAND, (0,), (1,), (199,)),
    e.BonusGranted(NOW, "birthday", 100, 0, EXPIRY, 5, 2, 2026),
    e.Drawn(120),
    e.Stocked(500, "Ada", "stock-1"),
    e.MemberCompleted(NOW, b"\x00sealed", PRINT),
    e.PersonalChanged(NOW, b"\x00sealed", PRINT, "Ada", "change-1"),
    e.OffersConsented(NOW, True, "Ada", "consent-1"),
    e.IdentityLinked(NOW, IDENTITY),
    e.IdentityHeld(MEMBER),
    e.CardLimited(NOW, 1, b"\x00sealed", False, 100, "Ada", "limit-1"),
    e.MergedAway(NOW, MEMBER, TAKES, 5, (20_454,), (31,), "twins", "Ada", 2, "merge-1"),
    e.MergedIn(
        NOW,
        MEMBER,
        COMMAND,
        1000,
        MOVED,
        ((1001, 0), (1002, 2)),
        5,
        (20_454,),
        (31,),
        CARDS,
        COMPLAINTS,
        "basic",
        NOW - 9,
        0,
        "twins",
        "Ada",
        2,
        "merge-1",
    ),
    e.MergeUndone(
        NOW,
        MEMBER,
        COMMAND,
        1000,
        MOVED,
        5,
        (20_454,),
        (31,),
        (COMMAND,),
        "basic",
        NOW - 9,
        0,
        True,
        2,
        31,
        "Ada",
        2,
        "unmerge-1",
    ),
    e.PartedAgain(
        NOW,
        MEMBER,
        COMMAND,
        TAKES,
        5,
        (20_454,),
        (31,),
        CARDS,
        COMPLAINTS,
        2,
        31,
        "Ada",
        2,
        "unmerge-1",
    ),
    e.PointsSent(NOW, 20_454, 100, TAKES, MEMBER, 1, 2, "transfer-1"),
    e.PointsReceived(NOW, 100, (Take(0, EXPIRY, 900, 100),), (7,), MEMBER, 2, "transfer-1"),
    e.MemberClosed(NOW, TAKES, 5, "moved away", "Ada", 2, "close-1"),
    e.MemberErased(NOW, "asked for it", "Ada", "erase-1"),
    e.ProductDescribed(
        "4006381333931",
        "Stift",
        (Level("stifte", "Stifte"), Level(""), Level("büro", "Büro")),
        "Köln",
        "K & Söhne",
        "national",
    ),
    e.AccessKeyIssued(
        NOW,
        "abc234",
        bytes(range(32)),
        "Kasse 3",
        "till",
        ("Köln 7",),
        NOW + 9,
        "Ada",
        "key-1",
        "xyz567",
    ),
    e.AccessKeyEnded(NOW, "abc234", NOW + 9, "verloren", "Ada", "key-2"),
    e.AllowanceIssued(
        NOW, COMMAND, CARD, 500, NOW + 86_400, "Köln 7", "5603cb4d993f83ff", 2, "allow-1"
    ),
    e.AllowanceUsed(120),
    e.AllowanceKeyMade(NOW, "5603cb4d993f83ff", bytes(range(32)), "Ada", "key-3"),
    e.ModelFitted(b"\x94\x0e\xc3\x90\x90", "ab" * 32, 20_454, 77, 12, "mara", "fit-1"),
    e.PriceSet("4006381333931", "Köln 7", 20_454, 199, 20_460, True),
    e.PromotionSet("4006381333931", "Köln 7", "mai", 20_454, 20_460, 149, "Maiwoche", True),
    e.ListIssued(
        NOW,
        "9900000000004",
        (e.ListedOffer("suppe", "4006381333931", 50), e.ListedOffer("mai")),
        20_454,
        20_460,
        20_491,
        "list-1",
        ("ei",),
    ),
    e.CampaignCreated(
        NOW,
        "suppe",
        "Suppe, Köln",
        20_454,
        20_484,
        ("4006381333931",),
        ("dairy",),
        "K & Söhne",
        "reward",
        0,
        "Ada",
        "ein Rezept",
        50_000,
        1_000,
        5,
        2,
        True,
        500,
        "spring",
    ),
    e.CampaignEnded(NOW, "suppe", 20_460, "Ada", "end-1"),
    e.CampaignBudgeted(NOW, "suppe", -500, 20, "Ada", "budget-1"),
    e.ProgrammePublished(NOW, 'name = "Köln"\n', bytes(range(32))),
    e.JobSeen("record-expiry", NOW),
    e.JobStarted(NOW, NOW - 86_400, NOW + 5, NOW + 305, "till-7/4711/5eed"),
    e.JobStepped(2, NOW + 6, NOW + 306, MEMBER, 197, 2, 1, ((MEMBER, "points-short"),)),
    e.JobLeft(NOW, NOW + 7, "stopped"),
    e.JobDone(NOW, NOW + 9, 397, 2, 1, ((MEMBER, "points-short"),)),
)
"""What the generator writes for an event that has no file yet."""

LATER = {
    "redeemed-offline": e.PointsRedeemed(
        NOW,
        150,
        TAKES,
        1500,
        "",
        "Köln 7",
        2,
        "redeem-2",
        0,
        day=20_454,
        allowance=COMMAND,
        arrears=20,
        unexpired=(Take(0, NOW + 9, 0, 30),),
        owed_as=(Take(0, EXPIRY, 1, 20),),
    ),
    "parted-again-stopped": e.PartedAgain(
        NOW,
        MEMBER,
        COMMAND,
        TAKES,
        5,
        (20_454,),
        (31,),
        (e.MovedCard(CARD, True, False, True, 100, 20_454, 40, NOW),),
        COMPLAINTS,
        2,
        31,
        "Ada",
        2,
        "unmerge-1",
    ),
    "list-issued-shopping": e.ListIssued(
        NOW,
        "9900000000004",
        (e.ListedOffer("suppe", "4006381333931", 50),),
        20_454,
        20_467,
        20_498,
        "list:2025-12-31:01",
        shopping=e.ShoppingList(
            20_453,
            "5eed",
            12,
            "due",
            43_210,
            (
                e.ListedLine("4006381333931", 412_000, 2, 498, 7, 9, 20_445, 249, (), "due"),
                e.ListedLine("Köln", 90_000, 1, 0, 0, 0, 0, 0, ("mai",), "new"),
            ),
        ),
    ),
    "campaign-aimed": e.CampaignCreated(
        NOW,
        "ibu",
        "Ibu, Köln",
        20_454,
        20_484,
        ("4006381333931",),
        (),
        "K & Söhne",
        "off_minor",
        150,
        "Ada",
        holdout_bp=2_000,
        seed="spring",
        category="schmerz",
        window="12m",
        cells=("national heavy", "national light"),
        due_days=14,
        together=3,
        depth=(e.Depth("national heavy", (150, 50)), e.Depth("national light", (20,))),
        goal_from="national",
        goal_to="own",
        goal_product="4006381333932",
        bundle=(e.BundlePart(("4006381333933",), ("salben",)), e.BundlePart((), ("tee",))),
        most_lists=2,
        limit_days=28,
    ),
    "list-issued-cells": e.ListIssued(
        NOW,
        "9900000000004",
        (e.ListedOffer("ibu", "", 150, "national heavy"),),
        20_454,
        20_460,
        20_491,
        "list-1",
        ("ei",),
        ("own light",),
        ("mai",),
    ),
    "model-population": e.ModelFitted(
        b"\x94\x0e\xc3\x90\x90",
        "cd" * 32,
        20_454,
        77,
        12,
        "mara",
        "fit-2",
        b"\x95\xcdO\xe6\x90\x90\x0c\xc4\x00",
    ),
    "scan-offers": e.ReceiptScanned(
        e.Scan("Köln 7", "3", 20_454, "000126", NOW, 60, PACKED),
        e.Award(
            0,
            2,
            (3, 0, 3, 0),
            0,
            EXPIRY,
            6,
            counted=(e.Counted("offer:suppe", 2, True, 20_484),),
            offers=(
                e.OfferUse(0, "suppe", "9900000000004", 2, 100),
                e.OfferUse(2, "mai", "9900000000004", 1, 0, 3, "ein Rezept"),
            ),
        ),
    ),
    "scan-accepted": e.ReceiptScanned(
        e.Scan("Köln 7", "3", 20_454, "000127", NOW, 60, PACKED),
        e.Award(0, 2, (3, 0, 3, 0), 0, EXPIRY, 6, accepted=("9900000000004",)),
    ),
    "returned-offers": e.GoodsReturned(
        RECEIPT,
        COMMAND,
        NOW,
        (0,),
        (199,),
        (1,),
        TAKES,
        1,
        0,
        20_454,
        2,
        offers=(e.OfferBack(0, "suppe", "4006381333931", 1, 50, 20_455),),
    ),
    "scan-packed": e.ReceiptScanned(
        e.Scan("Köln 7", "3", 20_454, "000124", NOW, 60, PACKED, (("card", 859),)),
        e.Award(0, 2, (3, 0, 3, 0), 0, EXPIRY, 6),
    ),
    "scan-claims": e.ReceiptScanned(
        e.Scan("Köln 7", "3", 20_454, "000127", NOW, 60, PACKED, (("card", 859),)),
        e.Award(0, 2, (3, 0, 3, 0), 0, EXPIRY, 6),
        PRINT,
    ),
    "unclaimed-packed": e.ReceiptUnclaimed(
        e.Scan("Köln 7", "3", 20_454, "000125", NOW, 60, PACKED), PRINT, e.UNATTRIBUTED_ANONYMOUS
    ),
}
"""Samples of later forms of events, by the name of their file."""

CODEC = codec()
WRITTEN = {path.stem: json.loads(path.read_text()) for path in sorted(FILES.glob("*.json"))}


def readable(event):
    """An event by its field names, at every depth; bytes as `hex:...`."""
    if isinstance(event, msgspec.Struct):
        return {name: readable(getattr(event, name)) for name in event.__struct_fields__}
    if isinstance(event, Take):
        return {name: readable(value) for name, value in event._asdict().items()}
    if isinstance(event, tuple):
        return [readable(part) for part in event]
    return f"hex:{event.hex()}" if isinstance(event, bytes) else event


def sample_file(event, name=""):
    topic = event.TOPIC
    content = {"topic": topic, "hex": CODEC.encode(event).hex(), "event": readable(event)}
    return FILES / f"{name or topic}.json", content


def forms(form):
    """A form and those that are parts of it."""
    yield form
    for field in msgspec.structs.fields(form):
        for part in (field.type, *getattr(field.type, "__args__", ())):
            if hasattr(part, "__struct_fields__"):
                yield from forms(part)


def defaults():
    """The default of every field that has one, by form and field."""
    return {
        f"{form.__name__}.{field.name}": readable(field.default)
        for topic in e.TOPICS
        for form in forms(e.TOPICS[topic])
        for field in msgspec.structs.fields(form)
        if not field.required
    }


@pytest.mark.parametrize("topic", e.TOPICS)
def test_every_event_has_a_stored_sample(topic):
    assert topic in WRITTEN, "write it with `python -m tests.test_wire`"


def test_every_stored_sample_is_of_an_event_that_is_still_known():
    assert {sample["topic"] for sample in WRITTEN.values()} <= set(e.TOPICS)


@pytest.mark.parametrize("name", WRITTEN)
def test_stored_bytes_decode_to_the_event_they_were(name):
    sample = WRITTEN[name]
    event = CODEC.decode[sample["topic"]](bytes.fromhex(sample["hex"]))
    assert type(event) is e.TOPICS[sample["topic"]]
    assert with_no_more_than(readable(event), sample["event"]) == sample["event"]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_field_that_was_appended_since_has_its_default(name):
    sample = WRITTEN[name]
    event = CODEC.decode[sample["topic"]](bytes.fromhex(sample["hex"]))
    for field in type(event).__struct_fields__[len(sample["event"]) :]:
        info = next(f for f in msgspec.structs.fields(event) if f.name == field)
        assert getattr(event, field) == info.default


@pytest.mark.parametrize("name", WRITTEN)
def test_the_event_encodes_to_the_bytes_it_was_stored_as(name):
    sample = WRITTEN[name]
    stored = bytes.fromhex(sample["hex"])
    event = CODEC.decode[sample["topic"]](stored)
    again = CODEC.encode(event)
    assert CODEC.decode[sample["topic"]](again) == event
    # Fields were appended, or are left off where they have their defaults: the others stand.
    assert same_as_far_as_both(msgspec.msgpack.decode(stored), msgspec.msgpack.decode(again))


@pytest.mark.parametrize("name", LATER)
def test_the_later_form_of_an_event_is_stored_as_it_was_first(name):
    path, content = sample_file(LATER[name], name)
    stored = json.loads(path.read_text())
    assert (content["topic"], content["hex"]) == (stored["topic"], stored["hex"])
    assert with_no_more_than(content["event"], stored["event"]) == stored["event"]


def test_a_default_never_changes_because_stored_events_leave_it_off():
    known = json.loads(DEFAULTS.read_text())
    assert defaults() == known, "write those of new fields with `python -m tests.test_wire`"


@pytest.mark.parametrize("event", [*SAMPLES, *LATER.values()])
def test_an_event_is_read_as_it_was_before_it_was_stored(event):
    assert CODEC.decode[event.TOPIC](CODEC.encode(event)) == event
    whole = msgspec.msgpack.encode(event)
    assert CODEC.decode[event.TOPIC](whole) == event
    assert len(CODEC.encode(event)) <= len(whole)


@pytest.mark.parametrize(
    ("change", "fields"),
    [({}, 6), ({"repaid": 1}, 7), ({"review": 5}, 11), ({"counted": (e.Counted("all", 3),)}, 12)],
)
def test_only_defaults_at_the_end_are_left_off(change, fields):
    award = msgspec.structs.replace(e.Award(0, 2, (3,), 0, EXPIRY, 3), **change)
    stored = CODEC.encode(e.ReceiptScanned(SCAN, award))
    assert len(msgspec.msgpack.decode(stored)[1]) == fields
    assert CODEC.decode["scan"](stored).award == award


def test_an_older_event_without_its_last_field_still_decodes():
    whole = msgspec.msgpack.decode(msgspec.msgpack.encode(SAMPLES[7]))
    older = CODEC.decode["adjusted"](msgspec.msgpack.encode(whole[:-1]))
    assert older.repaid == 0


def with_no_more_than(found, expected):
    """`found` without the fields that were appended after `expected` was written."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {k: with_no_more_than(found[k], expected[k]) for k in expected if k in found}
    if isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        return [with_no_more_than(f, x) for f, x in zip(found, expected, strict=True)]
    return found


def same_as_far_as_both(one, other):
    if isinstance(one, list) and isinstance(other, list):
        return all(map(same_as_far_as_both, one, other))
    return one == other


def write_missing():
    FILES.mkdir(exist_ok=True)
    named = {event.TOPIC: event for event in SAMPLES} | LATER
    for name, event in named.items():
        path, content = sample_file(event, name)
        if not path.exists():
            path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
            print(f"wrote {path}")
    known = json.loads(DEFAULTS.read_text()) if DEFAULTS.exists() else {}
    DEFAULTS.write_text(json.dumps(defaults() | known, indent=1) + "\n")


if __name__ == "__main__":
    write_missing()
