"""The documents say what the code does; what can be checked of that is checked here."""

import argparse
import re
import shlex
from pathlib import Path

import msgspec
import pytest

from adapters.cli import main as cli
from ledger import errors, events, programme
from ledger.errors import LedgerError
from ledger.projections import PROJECTIONS
from ledger.store.keys import (
    ACCESS,
    ALLOWANCE,
    CAMPAIGN,
    CARD,
    COMMAND,
    IDENTITY,
    JOB,
    MEMBER,
    MODEL,
    POOL,
    PRODUCT,
    PROGRAMME,
    RECEIPT,
    VOUCHER,
)

ROOT = Path(__file__).parent.parent
DOCS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "ledger" / "GLOSSARY.md",
]
COMMON = {"--help", "--json", "--db"}
PARTS = {
    programme.Programme: "The file",
    programme.Earn: "`[earn]`",
    programme.Bonus: "`[[earn.bonus]]`",
    programme.Birthday: "`[earn.birthday]`",
    programme.Rate: "`[[earn.rate]]`",
    programme.Caps: "`[earn.caps]`",
    programme.Welcome: "`[earn.enrolment]`",
    programme.Expression: "`[[earn.expression]]`",
    programme.Lots: "`[lots]`",
    programme.Expiry: "`[lots.expiry]`",
    programme.Redeem: "`[redeem]`",
    programme.Cash: "`[redeem.cash]`",
    programme.Offline: "`[redeem.offline]`",
    programme.Gift: "`[[redeem.gift]]`",
    programme.Voucher: "`[[redeem.voucher]]`",
    programme.Tiers: "`[tiers]`",
    programme.Level: "`[[tiers.level]]`",
    programme.MemberPrice: "`[[member_price]]`",
    programme.Returns: "`[returns]`",
    programme.Rebate: "`[rebate]`",
    programme.RebateLevel: "`[[rebate.level]]`",
    programme.Complaints: "`[complaints]`",
    programme.Fraud: "`[fraud]`",
    programme.FraudLimit: "`[fraud.receipts_per_card_day]`, `[fraud.points_per_day]`, `[fraud.late_days]`",
    programme.Velocity: "`[fraud.stores]`",
    programme.OwnCard: "`[fraud.own_card]`",
    programme.Staff: "`[staff]`",
    programme.Role: "`[[staff.role]]`",
    programme.Enrolment: "`[enrolment]`",
    programme.Transfer: "`[transfer]`",
    programme.Members: "`[members]`",
    programme.Segments: "`[segments]`",
    programme.OneOff: "`[segments.one_off]`",
    programme.RegularGroup: "`[segments.core]`, `[segments.potential]`",
    programme.GroupDue: "`[segments.occasional]`",
    programme.Loyalty: "`[segments.loyalty]`",
    programme.Usual: "`[segments.usual]`",
    programme.Questions: "`[questions]`",
    programme.Lists: "`[lists]`",
    programme.Offers: "`[offers]`",
}
each_document = pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))


def doc(name):
    return (ROOT / "docs" / name).read_text()


def sections(text, level):
    """Heading to what stands under it, up to the next heading of this level or above."""
    found = {}
    for part in re.split(rf"^(?=#{{1,{level}}} )", text, flags=re.MULTILINE):
        heading, _, body = part.partition("\n")
        if heading.startswith("#" * level + " "):
            assert heading not in found, heading
            found[heading.lstrip("# ")] = body
    return found


def first_cells(text):
    """The names in backticks in the first cells of tables, in order."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def fences(text, *languages):
    return [
        body
        for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if language in languages
    ]


def prose(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def slug(heading):
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


# --- events ----------------------------------------------------------------------------


def test_every_event_is_documented_with_its_fields_and_class():
    found = {h.strip("`"): body for h, body in sections(doc("events.md"), 3).items()}
    parts = {"Scan", "Goods", "Award", "Counted", "Take", "OfferUse", "OfferBack", "ListedOffer"}
    parts |= {"Depth", "BundlePart", "ShoppingList", "ListedLine"}
    topics = {name: body for name, body in found.items() if name not in parts}
    assert set(topics) == set(events.TOPICS)
    for topic, event in events.TOPICS.items():
        assert first_cells(topics[topic]) == list(event.__struct_fields__), topic
        assert topics[topic].strip().startswith(f"`{event.__name__}`"), topic


@pytest.mark.parametrize(
    "part",
    [
        events.Scan,
        events.Goods,
        events.Award,
        events.Counted,
        events.OfferUse,
        events.OfferBack,
        events.ListedOffer,
        events.Depth,
        events.BundlePart,
        events.ShoppingList,
        events.ListedLine,
    ],
)
def test_every_part_of_an_event_is_documented(part):
    body = sections(doc("events.md"), 3)[part.__name__]
    assert first_cells(body) == list(part.__struct_fields__)


def test_every_event_is_listed_under_one_stream():
    table = doc("events.md").partition("## Parts")[0]
    listed = [
        topic
        for row in re.findall(
            r"^\| (?:member|receipt|card|command|programme|pool|job|voucher|identity|product|campaign|model|allowance|access) \|.*$",
            table,
            re.MULTILINE,
        )
        for topic in re.findall(r"`([a-z-]+)`", row)
    ]
    assert sorted(listed) == sorted(events.TOPICS)


# --- refusals --------------------------------------------------------------------------


def test_every_refusal_is_documented_with_its_flag_and_message():
    refusals = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, LedgerError)
    ]
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (yes|no) \| (.+?) \| (.+) \|$", doc("refusals.md"), re.MULTILINE
    )
    told = {code: (retry == "yes", message) for code, retry, message, _ in rows}
    assert len(told) == len(rows)
    assert told == {c().code: (c.retryable, c.__doc__.strip().splitlines()[0]) for c in refusals}


# --- the command line ------------------------------------------------------------------


def parser_of(command):
    made = cli._parser([command])
    subs = next(a for a in made._actions if isinstance(a, argparse._SubParsersAction))
    return subs.choices[command]


def test_every_command_is_documented_in_order():
    headings = [h for h in sections(doc("cli.md"), 2) if h.startswith("`loyalty ")]
    assert headings == [f"`loyalty {entry.name}`" for entry in cli.COMMANDS]


@pytest.mark.parametrize("entry", cli.COMMANDS, ids=lambda e: e.name)
def test_every_option_of_a_command_is_documented(entry):
    body = sections(doc("cli.md"), 2)[f"`loyalty {entry.name}`"]
    options = {
        option
        for action in parser_of(entry.name)._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    assert set(first_cells(body)) == options - COMMON


@pytest.mark.parametrize("name", ["README.md", "docs/cli.md"])
def test_every_exit_code_is_documented(name):
    table = (ROOT / name).read_text()
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)]
    assert codes[:7] == [
        0, cli.REFUSED, cli.USAGE, cli.UNVERIFIED, cli.REJECTED, cli.UNAVAILABLE, cli.INTERRUPTED,
    ]  # fmt: skip


def commands_in(text):
    """What a reader would type after `loyalty`, from blocks of code."""
    for body in fences(text, "sh", "console"):
        for line in body.splitlines():
            words = re.match(r"^(?:\$ )?(?:\S*/)?loyalty (.+)$", line)
            if words:
                yield shlex.split(words[1].split(" | ")[0], comments=True)


@each_document
def test_every_shown_command_can_be_typed(path, capsys):
    for words in commands_in(path.read_text()):
        try:
            cli._parser(words).parse_args(words)
        except SystemExit as end:
            pytest.fail(f"loyalty {shlex.join(words)}: {end.code} {capsys.readouterr().err}")


@each_document
def test_every_mentioned_command_exists(path):
    names = {entry.name for entry in cli.COMMANDS}
    mentioned = re.findall(r"`loyalty ([a-z]+)", prose(path.read_text()))
    assert set(mentioned) <= names


@each_document
def test_every_mentioned_target_of_make_exists(path):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = path.read_text()
    mentioned = re.findall(r"^make (\w+)", "\n".join(fences(text, "sh")), re.MULTILINE)
    mentioned += re.findall(r"`make (\w+)", prose(text))
    assert set(mentioned) <= targets


def test_the_readme_begins_with_the_demo_and_the_tests():
    first = fences((ROOT / "README.md").read_text(), "sh", "console")[0].splitlines()
    assert [line.split("#")[0].strip() for line in first[:2]] == ["make demo", "make test"]


# --- reports and programme -------------------------------------------------------------


def test_every_report_is_documented_with_its_columns():
    text = doc("reporting.md")
    documented = sections(text, 3)
    tables = {t.name: t for p in PROJECTIONS for t in p.tables}
    assert {heading.strip("`") for heading in documented} == set(tables)
    for name, table in tables.items():
        rows = re.findall(r"^\| `(\w+)` \| (\w+)(, key)? \|", documented[f"`{name}`"], re.MULTILINE)
        assert rows == [
            (column.name, column.type, ", key" if index < table.key else "")
            for index, column in enumerate(table.columns)
        ], name
    headings = [h for h in sections(text, 2) if h.startswith("Projection ")]
    assert headings == [f"Projection `{p.name}`" for p in PROJECTIONS]


def test_every_key_of_the_programme_is_documented():
    parts = [
        c
        for c in vars(programme).values()
        if isinstance(c, type) and issubclass(c, programme.Part) and c is not programme.Part
    ]
    assert set(parts) == set(PARTS)
    documented = sections(doc("programme.md"), 2)
    for part, heading in PARTS.items():
        rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", documented[heading], re.MULTILINE)
        fields = {field.encode_name: field for field in msgspec.structs.fields(part)}
        assert {name for name, _ in rows} == set(fields), heading
        for name, default in rows:
            assert (default == "needed") == fields[name].required, (heading, name)
            value = fields[name].default
            if isinstance(value, int):
                assert default == str(value).lower(), (heading, name)


def test_the_shipped_programmes_are_documented():
    shipped = {path.stem for path in (ROOT / "programmes").glob("*.toml")}
    documented = sections(doc("programme.md"), 2)["The three that ship"]
    assert set(first_cells(documented)) == shipped


# --- glossary and store ----------------------------------------------------------------


def test_the_glossary_knows_the_numbers_in_the_log():
    text = (ROOT / "ledger" / "GLOSSARY.md").read_text()
    for number, origin in enumerate(events.ORIGINS):
        assert f"`{origin}` ({number}" in text
    for number, kind in enumerate(events.UNATTRIBUTED):
        assert f"| `{kind}` | {number} |" in text


def test_the_glossary_gives_each_word_once():
    text = (ROOT / "ledger" / "GLOSSARY.md").read_text()
    words = re.findall(r"^\| ([^|]+?) \|", text, flags=re.MULTILINE)
    words = [w for w in words if w not in {"Word", "Kind"} and set(w) != {"-"}]
    assert len(words) == len(set(words)) > 60


def test_the_stream_ids_are_documented():
    table = sections(doc("store.md"), 2)["Stream ids"]
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", table, flags=re.MULTILINE)
    known = {MEMBER: "member", CARD: "card", RECEIPT: "receipt", COMMAND: "command"}
    known |= {PROGRAMME: "programme", POOL: "pool", JOB: "job", VOUCHER: "voucher"}
    known[PROGRAMME] = "programme"
    known |= {IDENTITY: "identity", PRODUCT: "product", CAMPAIGN: "campaign", MODEL: "model"}
    known[ACCESS] = "access"
    known[ALLOWANCE] = "allowance"
    known |= {PROGRAMME: "programme", VOUCHER: "voucher"}
    assert {int(number): name for number, name in rows} == known


# --- all of them -----------------------------------------------------------------------


def test_the_python_in_the_documents_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text()
    (snippet,) = fences(readme, "python")
    exec(compile(snippet, "README.md", "exec"), {})  # noqa: S102  our own words
    assert capsys.readouterr().out in fences(readme, "text")
    checked = 0
    for path in DOCS:
        for code in fences(path.read_text(), "python"):
            if code != snippet:
                exec(compile(code, path.name, "exec"), {})  # noqa: S102  our own words
                checked += 1
    assert checked


@each_document
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", prose(there.read_text()), flags=re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, target


@each_document
def test_a_document_names_no_place_outside_the_project(path):
    text = path.read_text()
    for pattern in (r"\bshared/", r"/shared\b", r"\.\./\.\.", r"/work\b", r"/root\b", r"/home/"):
        assert not re.search(pattern, text), pattern


@each_document
def test_a_document_is_tidy(path):
    text = path.read_text()
    assert text.endswith("\n")
    assert not re.search(r"[ \t]+$", text, flags=re.MULTILINE)
    outside = re.sub(r"^```.*?^```$", "code", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"\n{3,}", outside)
    assert len(re.findall(r"^# ", prose(text), flags=re.MULTILINE)) == 1
