"""A programme file: what is accepted, and that whatever is wrong is named by its key."""

import datetime as dt

import pytest

from ledger.errors import ProgrammeInvalid
from ledger.programme import ONE_BP, Bonus, digest, load, loaded

HEAD = """
name = "test"
currency = "EUR"
"""
EARN = """
[earn]
points = 1
per_minor = 100
"""
MINIMAL = HEAD + EARN
TWO_TIERS = """
[tiers]
window_days = 365
[[tiers.level]]
name = "basic"
from_points = 0
[[tiers.level]]
name = "gold"
from_points = {gold}
"""
BONUS = """
[[earn.bonus]]
name = "milk"
products = ["1"]
"""
PRICE = """
[[member_price]]
name = "milk"
off_bp = 1000
products = ["1"]
"""
RATE = """
[[earn.rate]]
name = "own"
points = 1
per_minor = 50
"""
GIFT = """
[[redeem.gift]]
code = "mug"
name = "A mug"
points = 50
"""

WRONG = {
    "an unknown key at the top": ("points_per_euro = 1\n" + MINIMAL, "points_per_euro"),
    "an unknown key in a table": (MINIMAL + "per_euro = 1", "earn.per_euro"),
    "an unknown key in a list": (MINIMAL + BONUS + "factor = 2", "earn.bonus[0].factor"),
    "an unknown table": (MINIMAL + "[loans]\n", "loans"),
    "a missing currency": ('name = "x"\n' + EARN, "currency"),
    "a missing table": (HEAD, "earn"),
    "a missing key in a table": (HEAD + "[earn]\npoints = 1", "earn.per_minor"),
    "a missing key in a list": (
        MINIMAL + '[[redeem.gift]]\ncode = "mug"\nname = "A mug"',
        "redeem.gift[0].points",
    ),
    "a text for a number": (HEAD + '[earn]\npoints = "1"\nper_minor = 100', "earn.points"),
    "a fraction for a number": (HEAD + "[earn]\npoints = 1.5\nper_minor = 100", "earn.points"),
    "a number for a text": ('name = 7\ncurrency = "EUR"' + EARN, "name"),
    "a text for a date": (MINIMAL + BONUS + 'from = "soon"', "earn.bonus[0].from"),
    "a word that is no choice": (MINIMAL + 'counted_by = "basket"', "earn.counted_by"),
    "no points": (HEAD + "[earn]\npoints = 0\nper_minor = 100", "earn.points"),
    "nothing spent": (HEAD + "[earn]\npoints = 1\nper_minor = 0", "earn.per_minor"),
    "too many points": (HEAD + "[earn]\npoints = 1000000001\nper_minor = 1", "earn.points"),
    "a negative pending time": (MINIMAL + "[lots]\npending_days = -1", "lots.pending_days"),
    "an expiry of no length": (MINIMAL + "[lots.expiry]\nafter = 0", "lots.expiry.after"),
    "a window longer than is kept": (
        MINIMAL + TWO_TIERS.format(gold=100).replace("365", "732"),
        "tiers.window_days",
    ),
    "no tier at all": (MINIMAL + "[tiers]\nwindow_days = 365\nlevel = []", "tiers.level"),
    "a currency that is no code": ('name = "x"\ncurrency = "euro"' + EARN, "currency"),
    "an empty name": ('name = ""\ncurrency = "EUR"' + EARN, "name"),
    "a price above the full one": (MINIMAL + PRICE.replace("1000", "10001"), "member_price[0].off_bp"),
    "tiers that do not rise": (
        MINIMAL + TWO_TIERS.format(gold=0),
        "tiers.level[1].from_points",
    ),
    "a first tier above zero": (
        MINIMAL + TWO_TIERS.format(gold=100).replace("from_points = 0", "from_points = 1"),
        "tiers.level[0].from_points",
    ),
    "two tiers of one name": (
        MINIMAL + TWO_TIERS.format(gold=100).replace("gold", "basic"),
        "tiers.level[1].name",
    ),
    "two gifts of one code": (MINIMAL + GIFT + GIFT, "redeem.gift[1].code"),
    "two bonuses of one name": (MINIMAL + BONUS + BONUS, "earn.bonus[1].name"),
    "two member prices of one name": (MINIMAL + PRICE + PRICE, "member_price[1].name"),
    "a step between two values": (
        MINIMAL + "[redeem.cash]\npoints = 100\nvalue_minor = 100\nstep_points = 150",
        "redeem.cash.step_points",
    ),
    "an unknown zone": ('time_zone = "Mars/Base"\n' + MINIMAL, "time_zone"),
    "a zone that is a path": ('time_zone = "../etc/passwd"\n' + MINIMAL, "time_zone"),
    "a price for an unknown tier": (
        MINIMAL + TWO_TIERS.format(gold=100) + PRICE + 'tiers = ["gold", "platinum"]',
        "member_price[0].tiers",
    ),
    "a bonus on nothing": (MINIMAL + '[[earn.bonus]]\nname = "all"', "earn.bonus[0]"),
    "a member price on nothing": (
        MINIMAL + '[[member_price]]\nname = "all"\noff_bp = 1000',
        "member_price[0]",
    ),
    "a bonus for all goods and some": (MINIMAL + BONUS + "everything = true", "earn.bonus[0].everything"),
    "a bonus for an unknown tier": (MINIMAL + BONUS + 'tiers = ["gold"]', "earn.bonus[0].tiers"),
    "a bonus of no hours": (
        MINIMAL + BONUS + "from_hour = 9\nuntil_hour = 9",
        "earn.bonus[0].until_hour",
    ),
    "a weekday that is none": (MINIMAL + BONUS + "weekdays = [0]", "earn.bonus[0].weekdays[0]"),
    "a limit of nothing": (MINIMAL + BONUS + "max_points_day = 0", "earn.bonus[0].max_points_day"),
    "a rate for nothing": (MINIMAL + RATE, "earn.rate[0]"),
    "a rate for an unknown tier": (MINIMAL + RATE + 'tiers = ["gold"]', "earn.rate[0].tiers"),
    "two rates of one name": (
        MINIMAL + (RATE + 'brands = ["own"]') * 2,
        "earn.rate[1].name",
    ),
    "an enrolment without points": (MINIMAL + "[earn.enrolment]", "earn.enrolment.points"),
    "a cap of nothing": (MINIMAL + "[earn.caps]\nday = 0", "earn.caps.day"),
    "a bonus that ends before it begins": (
        MINIMAL + BONUS + "from = 2026-02-01\nuntil = 2026-01-31",
        "earn.bonus[0].until",
    ),
    "a pyramid without a rest": (
        MINIMAL + "[segments]\npyramid_bp = [100, 400, 9500]",
        "segments.pyramid_bp",
    ),
    "a pyramid of two levels": (
        MINIMAL + "[segments]\npyramid_bp = [100, 400]",
        "segments.pyramid_bp",
    ),
    "an ABC without a C": (MINIMAL + "[segments]\nabc_bp = [8000, 2000]", "segments.abc_bp"),
    "a top of nobody": (MINIMAL + "[segments]\ntop_bp = 0", "segments.top_bp"),
    "no light users": (
        MINIMAL + "[segments.loyalty]\nheavy_bp = 5000\nmedium_bp = 5000",
        "segments.loyalty.medium_bp",
    ),
    "a loyalty that could be to two": (
        MINIMAL + "[segments.loyalty]\nloyal_bp = 5000",
        "segments.loyalty.loyal_bp",
    ),
    "an own brand twice": (
        MINIMAL + '[segments.loyalty]\nown_brands = ["a", "b", "a"]',
        "segments.loyalty.own_brands[2]",
    ),
    "potential members who buy more often than core ones": (
        MINIMAL + "[segments.core]\nleast_receipts = 2\n[segments.potential]\nleast_receipts = 3",
        "segments.potential.least_receipts",
    ),
    "potential members who spend more than core ones": (
        MINIMAL + "[segments.potential]\nleast_receipts = 1\nleast_spend_minor = 1",
        "segments.potential.least_spend_minor",
    ),
    "a one-off that is usual": (
        MINIMAL + "[segments.one_off]\ntimes = 1",
        "segments.one_off.times",
    ),
    "core members for nothing": (
        MINIMAL + '[segments.core]\ndue = "a call"',
        "segments.core.least_receipts",
    ),
    "an occasional member with a threshold": (
        MINIMAL + "[segments.occasional]\nleast_receipts = 1",
        "segments.occasional.least_receipts",
    ),
    "a member price that ends before it begins": (
        MINIMAL + PRICE + "from = 2026-02-01\nuntil = 2026-01-31",
        "member_price[0].until",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_names_its_key(text, key):
    with pytest.raises(ProgrammeInvalid) as refused:
        load(text)
    assert refused.value.field == key
    assert refused.value.detail


NO_TOML = ["[earn", "name = ", "name = 1\nname = 2", "\x00", "name == 1\n" + MINIMAL]


@pytest.mark.parametrize("text", NO_TOML)
def test_a_file_that_is_no_toml_says_where(text):
    with pytest.raises(ProgrammeInvalid, match=r"line \d+|end of document"):
        load(text)


def test_an_unknown_tier_is_named_in_the_message():
    text = MINIMAL + TWO_TIERS.format(gold=100) + PRICE + 'tiers = ["gold", "platinum"]'
    with pytest.raises(ProgrammeInvalid, match="`platinum`"):
        load(text)


def test_a_step_says_what_it_must_be_a_multiple_of():
    text = MINIMAL + "[redeem.cash]\npoints = 100\nvalue_minor = 100\nstep_points = 150"
    with pytest.raises(ProgrammeInvalid, match="100"):
        load(text)


def test_the_smallest_file_earns_and_offers_nothing_else():
    programme = load(MINIMAL)
    assert (programme.earn.points, programme.earn.per_minor) == (1, 100)
    assert programme.time_zone == "UTC"
    assert programme.lots.expiry is None
    assert (programme.redeem.cash, programme.redeem.gift) == (None, ())
    assert programme.tiers is None
    assert programme.complaints.max_points == 0


def test_a_bonus_may_begin_and_end_on_one_day():
    bonus = load(MINIMAL + BONUS + "from = 2026-02-01\nuntil = 2026-02-01").earn.bonus[0]
    assert bonus.from_ == bonus.until == dt.date(2026, 2, 1)
    assert bonus.multiplier_bp == ONE_BP


def test_the_longest_window_is_accepted():
    text = MINIMAL + TWO_TIERS.format(gold=100).replace("365", "731")
    assert load(text).tiers.window_days == 731


def test_a_text_read_twice_is_one_programme():
    assert loaded(MINIMAL) is loaded(MINIMAL)
    assert loaded(MINIMAL) == load(MINIMAL)


def test_a_digest_tells_two_texts_apart():
    assert digest(MINIMAL) == digest(MINIMAL)
    assert digest(MINIMAL) != digest(MINIMAL + "\n")


@pytest.mark.parametrize(
    "condition",
    [
        "everything = true", 'brands = ["own"]', 'stores = ["s1"]', "weekdays = [7]", "from_hour = 9",
        "until_hour = 9", "first_purchase = true", "minimum_minor = 1", "until = 2026-01-31",
        "from = 2026-01-31",
    ],
)  # fmt: skip
def test_a_bonus_without_listed_goods_needs_one_condition(condition):
    assert load(MINIMAL + '[[earn.bonus]]\nname = "all"\n' + condition).earn.bonus[0].name == "all"


def test_a_published_file_is_read_again_without_the_checks_of_today():
    text = MINIMAL + '[[earn.bonus]]\nname = "all"'
    assert loaded(text).earn.bonus == (Bonus("all"),)
    with pytest.raises(ProgrammeInvalid):
        load(text)
