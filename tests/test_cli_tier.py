"""`loyalty tier`, and where else the next tier is shown."""

import pytest
from test_cli import CARD, fed  # noqa: F401  the fixture

SOON = "2099-01-01"
WHY = ("--reason", "gold elsewhere", "--author", "anna")


def test_the_next_tier_is_asked_for_and_shown_to_the_desk(fed):  # noqa: F811
    said = fed("tier", "next", CARD)
    assert (said["tier"], said["done"], said["repeat"]) == ("member", "next", False)
    assert (said["next"]["next"], said["next"]["measure"]) == ("silver", "points")
    text = f"{said['next']['needed']} points to silver before {said['next']['by']}"
    assert fed("tier", "next", CARD, json_=False) == f"Tier member; {text}.\n"
    assert fed("member", CARD)["next_tier"] == said["next"]
    assert f"  next tier  {text}\n" in fed("member", CARD, json_=False)
    (quote,) = fed("quote", fed.file)["quotes"]
    assert quote["next_tier"] == said["next"]
    assert text in fed("quote", fed.file, json_=False)


def test_a_tier_is_granted_once_and_revoked(fed):  # noqa: F811
    granting = ("tier", "grant", CARD, "gold", "--until", SOON, *WHY, "--command-id", "g1")
    said = fed(*granting)
    assert (said["tier"], said["repeat"], said["command_id"]) == ("gold", False, "g1")
    assert fed(*granting)["repeat"]
    assert fed(*granting, json_=False) == "Tier gold (nothing new); no tier above.\n"
    assert fed("tier", "revoke", CARD, "gold", *WHY)["tier"] == "member"


def test_a_review_before_its_time_says_that_nothing_is_new(fed):  # noqa: F811
    assert fed("tier", "review", CARD)["repeat"]


@pytest.mark.parametrize(
    ("words", "error", "field"),
    [
        (("grant", CARD, "golf", "--until", SOON, *WHY), "tier-unknown", "tier"),
        (("grant", CARD, "gold", *WHY), "input-invalid", "until"),
        (("grant", CARD, "gold", "--until", SOON, "--author", "anna"), "input-invalid", "reason"),
        (("grant", CARD, "--until", SOON, *WHY), "input-invalid", "tier"),
        (("revoke", CARD, "gold", "--until", SOON, *WHY), "input-invalid", "until"),
        (("next", CARD, "gold"), "input-invalid", "tier"),
        (("next", "9"), "member-unknown", None),
    ],
)
def test_a_wrong_call_names_the_field(fed, words, error, field):  # noqa: F811
    said = fed("tier", *words, code=1)
    assert (said["error"], said["field"]) == (error, field)
