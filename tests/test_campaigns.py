"""Campaigns: what their files may say, and what may change once they are there."""

import json

import pytest

from ledger.application import LoyaltyLedger
from ledger.errors import (
    AmountInvalid,
    BudgetShort,
    CampaignInvalid,
    CampaignOver,
    CampaignUnknown,
    InputInvalid,
    KeyConflict,
)
from ledger.programme.campaign import read_campaign
from ledger.types import day_of
from tests.campaigns import PASTA, SOUP, TERMS, begun, described, terms
from tests.shop import DAY

PAIN = {"category": "pain"}
PART = [{"products": [PASTA]}]
TODAY = 20_454
"""2026-01-01, where the clock of the tests stands."""


def test_a_campaign_is_what_its_file_says(ledger):
    code = begun(described(ledger), per_day=2, holdout_bp=500, seed="spring")
    view = ledger.campaign(code)
    told = view.state.terms
    assert (told.code, told.name, told.funder) == ("soup-24", "Soup weeks", "Sopa Ltd")
    assert (told.kind, told.amount, told.products) == ("off_minor", 50, (SOUP,))
    assert (told.from_day, view.state.until_day) == (TODAY, TODAY + 30)
    assert (told.per_day, told.per_member, told.holdout_bp) == (2, 0, 500)
    assert view.left == (50_000, 1_000)


def test_toml_says_the_same_as_json():
    toml = f"""
    code = "soup-24"
    name = "Soup weeks"
    from = 2026-01-01
    until = 2026-01-31
    funder = "Sopa Ltd"
    products = ["{SOUP}"]
    budget_minor = 50000
    budget_pieces = 1000
    offer.off_minor = 50
    """
    assert read_campaign(toml) == read_campaign(terms())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": "2025-12-31"}, "until"),
        ({"products": None}, "products"),
        ({"offer": {}}, "offer"),
        ({"offer": {"off_bp": 500, "points": 3}}, "offer"),
        ({"offer": {"off_bp": 10_001}}, "offer.off_bp"),
        ({"offer": {"of_bp": 10}}, "offer.of_bp"),
        ({"holdout_bp": 500}, "seed"),
        ({"funder": None}, "funder"),
        ({"budget_minor": -1}, "budget_minor"),
        ({"products": [SOUP, ""]}, "products[1]"),
        ({"code": "a:b"}, "code"),
        ({"audience": {}}, "audience"),
        ({"audience": {"cells": ["national"], "together": 1}, "with": PART}, "audience.cells"),
        ({"audience": {"due_days": 14, "together": 1}, "with": PART}, "audience.due_days"),
        ({"audience": {"together": 1}}, "audience.together"),
        ({"audience": {**PAIN, "cells": ["own", "heavy"]}}, "audience.cells[1]"),
        ({"audience": {**PAIN, "window": "a year"}}, "audience.window"),
        ({"audience": {**PAIN, "sex": "f"}}, "audience.sex"),
        ({"depth": {"own": {"light": [5]}}}, "depth"),
        ({"audience": PAIN, "depth": {}}, "depth"),
        ({"audience": PAIN, "depth": {"own": {"light": [50, 51]}}}, "depth.own.light[1]"),
        ({"audience": PAIN, "depth": {"own": {"light": []}}}, "depth.own.light"),
        ({"audience": PAIN, "depth": {"own": {"hvy": [5]}}}, "depth.own.hvy"),
        ({"audience": PAIN, "depth": {"brand": {"light": [5]}}}, "depth.brand"),
        (
            {"audience": {**PAIN, "cells": ["own heavy"]}, "depth": {"own": {"light": [5]}}},
            "depth.own.light",
        ),
        (
            {"audience": PAIN, "depth": {"own": {"light": [9]}}, "offer": {"price_minor": 10}},
            "depth.own.light[0]",
        ),
        (
            {"audience": PAIN, "depth": {"own": {"light": [9]}}, "offer": {"reward": "tea"}},
            "depth",
        ),
        ({"goal": {"from": "national", "to": "own"}}, "goal"),
        ({"audience": PAIN, "goal": {"from": "national"}}, "goal"),
        ({"audience": PAIN, "goal": {"from": "own", "to": "own", "product": SOUP}}, "goal"),
        ({"audience": PAIN, "goal": {"from": "own", "to": "own"}}, "goal.to"),
        ({"audience": PAIN, "goal": {"from": "cheap", "to": "own"}}, "goal.from"),
        ({"limit": {"lists": 1}}, "limit.days"),
        ({"limit": {"lists": 1, "days": 367}}, "limit.days"),
        ({"with": [{}]}, "with[0]"),
        ({"with": [{"products": [PASTA]}, {"products": [SOUP]}]}, "with[1].products"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_key(changes, field):
    with pytest.raises(CampaignInvalid) as refused:
        read_campaign(terms(**changes))
    assert refused.value.field == field
    assert refused.value.detail


def test_text_that_is_neither_toml_nor_json_is_refused():
    for text in ("{", "code = "):
        with pytest.raises(CampaignInvalid):
            read_campaign(text)


def test_a_product_that_is_not_in_the_catalogue_is_refused(ledger):
    with pytest.raises(CampaignInvalid) as refused:
        ledger.create_campaign(terms(products=[SOUP]), "Ada")
    assert refused.value.field == "products[0]"
    with pytest.raises(CampaignUnknown):
        ledger.campaign("soup-24")


def test_the_same_campaign_again_is_a_repeat_and_another_under_its_code_is_refused(ledger, clock):
    begun(described(ledger))
    clock.now += DAY
    head = ledger.log.head()
    assert ledger.create_campaign(terms(), "Ada").repeat
    for change in ({"name": "other"}, {"budget_minor": 1}, {"products": [SOUP, PASTA]}):
        with pytest.raises(KeyConflict):
            ledger.create_campaign(terms(**change), "Ada")
    assert ledger.log.head() == head


def test_an_author_is_needed(ledger):
    code = begun(described(ledger))
    for act in (
        lambda: ledger.create_campaign(terms(code="x"), ""),
        lambda: ledger.end_campaign(code, TODAY, "", "c1"),
        lambda: ledger.change_budget(code, "", "c2", pieces=1),
    ):
        with pytest.raises(InputInvalid) as refused:
            act()
        assert refused.value.field == "author"


def test_a_campaign_ends_early_today_at_the_earliest(ledger):
    code = begun(described(ledger))
    with pytest.raises(InputInvalid) as refused:
        ledger.end_campaign(code, TODAY - 1, "Ada", "c1")
    assert refused.value.field == "until"
    with pytest.raises(CampaignOver):
        ledger.end_campaign(code, TODAY + 30, "Ada", "c1")
    ledger.end_campaign(code, TODAY + 7, "Ada", "c1")
    assert ledger.end_campaign(code, TODAY + 7, "Ada", "c1").repeat
    assert ledger.campaign(code).state.until_day == TODAY + 7
    assert ledger.campaigns()[0].until_day == TODAY + 7


def test_a_budget_is_raised_and_lowered_by_commands_with_an_author(ledger):
    code = begun(described(ledger))
    ledger.change_budget(code, "Ada", "c1", amount_minor=500, pieces=-10)
    assert ledger.change_budget(code, "Ada", "c1", amount_minor=500, pieces=-10).repeat
    assert ledger.campaign(code).left == (50_500, 990)
    with pytest.raises(KeyConflict):
        ledger.change_budget(code, "Ada", "c1", amount_minor=501)
    with pytest.raises(BudgetShort) as refused:
        ledger.change_budget(code, "Ada", "c2", pieces=-991)
    assert refused.value.detail == "991 asked, 990 left."
    with pytest.raises(AmountInvalid):
        ledger.change_budget(code, "Ada", "c3")
    (row,) = ledger.campaigns()
    assert (row.budget_minor, row.budget_pieces) == (50_500, 990)


def test_a_budget_that_has_no_limit_cannot_be_changed(ledger):
    code = begun(described(ledger), budget_minor=None)
    assert ledger.campaign(code).left == (None, 1_000)
    with pytest.raises(InputInvalid) as refused:
        ledger.change_budget(code, "Ada", "c1", amount_minor=5)
    assert refused.value.field == "amount_minor"


def test_nothing_is_done_to_a_campaign_that_is_not_there(ledger):
    for act in (
        lambda: ledger.end_campaign("x", TODAY, "Ada", "c1"),
        lambda: ledger.change_budget("x", "Ada", "c2", pieces=1),
    ):
        with pytest.raises(CampaignUnknown):
            act()


def test_campaigns_are_the_same_after_a_restart_and_a_rebuild(ledger, db, clock):
    code = begun(described(ledger))
    ledger.end_campaign(code, TODAY + 7, "Ada", "c1")
    ledger.change_budget(code, "Ada", "c2", pieces=5)
    rows, told = ledger.campaigns(), ledger.digests()
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert again.campaign(code) == ledger.campaign(code)
        again.rebuild(["campaign"])
        assert again.campaigns() == rows
        assert again.digests() == told
    verdict = ledger.verify()
    assert verdict.clean, verdict.findings


def test_the_file_of_the_tests_is_json():
    assert json.loads(terms()) == TERMS
    assert day_of(read_campaign(terms()).from_) == TODAY
