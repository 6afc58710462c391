"""POSLog: the NCR profile of 2.1 and ARTS 6.0, into exactly the receipts they stand for."""

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tills import BERLIN, CHICAGO, PUBLIC_SAMPLES, amount, bad, cut, holds, plain, read, receipts

from adapters.pos import poslog
from adapters.pos import xml as xml_module
from adapters.pos.terms import Reading, Sold, SoldLine
from adapters.records import Bad, Good
from ledger.types import LineRef

PUBLIC = PUBLIC_SAMPLES / "poslog_2_1_ncr_small.xml"
NCR = (
    b'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"'
    b' xmlns:acs="http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1">'
)
ARTS = b'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" MajorVersion="6">'
END = b"</POSLog>"


def ncr(items, number=161, attributes="", extra=""):
    return f"""<Transaction {attributes}><RetailStoreID>9</RetailStoreID>
<WorkstationID>34</WorkstationID><SequenceNumber>{number}</SequenceNumber>
<BusinessDayDate>2026-03-07</BusinessDayDate><EndDateTime>2026-03-08T00:02:54</EndDateTime>
<OperatorID OperatorName="Lane 34">94</OperatorID><CurrencyCode>USD</CurrencyCode>
<RetailTransaction Version="2.1">{extra}{items}</RetailTransaction></Transaction>""".encode()


def ncr_sale(sequence, code, amount, quantity="1", price=None, operator=None, attributes=""):
    return f"""<LineItem EntryMethod="Scanned" {attributes}><SequenceNumber>{sequence}</SequenceNumber>
<Sale ItemType="Stock"><POSIdentity POSIDType="GTIN"><POSItemID>{code}</POSItemID></POSIdentity>
<ItemID>{code}</ItemID><MerchandiseHierarchy Level="Department">6</MerchandiseHierarchy>
<RegularSalesUnitPrice>{price or amount}</RegularSalesUnitPrice>
<ExtendedAmount>{amount}</ExtendedAmount><Quantity>{quantity}</Quantity>
<acs:OperatorSequence>{operator or sequence}</acs:OperatorSequence></Sale></LineItem>"""


MEMBER = """<LineItem><SequenceNumber>90</SequenceNumber><acs:LoyaltyMembership>
<acs:LoyaltyID Type="Membership">0000040000066677</acs:LoyaltyID></acs:LoyaltyMembership></LineItem>"""


def reward(amount, operator, kind="detailedData"):
    return f"""<LineItem><SequenceNumber>91</SequenceNumber><LoyaltyReward acs:{kind}="true">
<acs:RewardCategory>Monetary</acs:RewardCategory>
<acs:ExtendedRewardAmount>{amount}</acs:ExtendedRewardAmount>
<acs:OperatorSequenceReference>{operator}</acs:OperatorSequenceReference>
</LoyaltyReward></LineItem>"""


def tender(amount, kind="CreditDebit", change=""):
    return f"""<LineItem><SequenceNumber>95</SequenceNumber><Tender TenderType="{kind}" TypeCode="Sale">
<Amount>{amount}</Amount>{change}</Tender></LineItem>"""


SALE = ncr(
    ncr_sale(1, "00036000291452", "3.00", quantity="2", price="1.75")
    + ncr_sale(2, "00000000067591", "1.26", "0.42", "2.99", 7, 'acs:weightItem="true"')
    + ncr_sale(3, "00096385074", "9.99", attributes='VoidFlag="true"')
    + MEMBER
    + reward("-0.19", 7)
    + reward("-0.19", 0, "summarizedActivity")
    + tender("5.00", "Cash", "<TenderChange><Amount>0.93</Amount></TenderChange>")
)


def arts(items, number=17, status="", extra="", currency="<CurrencyCode>EUR</CurrencyCode>"):
    return f"""<Transaction><BusinessUnit><UnitID>S014</UnitID></BusinessUnit>
<WorkstationID>3</WorkstationID><SequenceNumber>{number}</SequenceNumber>
<BusinessDayDate>2026-03-07</BusinessDayDate>
<POSLogDateTime TypeCode="Transaction">2026-03-07T17:42:09.250+01:00</POSLogDateTime>
{currency}<RetailTransaction {status}>{extra}{items}</RetailTransaction></Transaction>""".encode()


def arts_sale(sequence, code, amount, quantity="<Quantity>1</Quantity>", link="", kind="Sale",
              item_type="Stock", attributes=""):  # fmt: skip
    return f"""<LineItem {attributes}><SequenceNumber>{sequence}</SequenceNumber>
<{kind} ItemType="{item_type}">
<POSIdentity POSIDType="EAN"><POSItemID>{code}</POSItemID></POSIdentity>
<ExtendedAmount Currency="EUR">{amount}</ExtendedAmount>{quantity}{link}</{kind}></LineItem>"""


CARD = """<LoyaltyAccount><LoyaltyCard><PrimaryAccountNumber>2900000000018</PrimaryAccountNumber>
</LoyaltyCard></LoyaltyAccount>"""


def link(number=17, line="", day="2026-03-07"):
    named = f"<LineItemSequenceNumber>{line}</LineItemSequenceNumber>" if line else ""
    return f"""<TransactionLink ReasonCode="Return"><RetailStoreID>S014</RetailStoreID>
<WorkstationID>3</WorkstationID><BusinessDayDate>{day}</BusinessDayDate>
<SequenceNumber>{number}</SequenceNumber>{named}</TransactionLink>"""


MINUS = "<Quantity>-1</Quantity>"
SOUP, BEANS = "4006381333931", "96385074"
BOUGHT = arts(arts_sale(1, SOUP, "4.00", "<Quantity>2</Quantity>") + arts_sale(4, BEANS, "1.50"))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "log.xml"


def test_a_sale_of_the_ncr_profile(file):
    (found,) = receipts(poslog, file, NCR + SALE + END, CHICAGO._replace(pounds=True))
    assert plain(found) == {
        "store": "9",
        "lane": "34",
        "business_date": "2026-03-07",
        "number": "161",
        "captured_at": "2026-03-08T00:02:54-06:00",
        "currency": "USD",
        "card": "0000040000066677",
        "cashier": "94",
        "lines": [
            {"product": "0036000291452", "quantity": 2, "amount_minor": 300,
             "discount_minor": 50, "category": "6"},
            {"product": "0000000067591", "quantity": 191, "unit": "gram", "amount_minor": 107,
             "discount_minor": 19, "category": "6"},
            {"product": "00096385074", "quantity": 1, "amount_minor": 999, "category": "6",
             "voided": True},
        ],
        "tenders": [{"kind": "Cash", "amount_minor": 407}],
    }  # fmt: skip
    assert amount(found) == 407, "what was paid"


def test_weights_without_a_unit_are_kilograms_unless_said_otherwise(file):
    (found,) = receipts(poslog, file, NCR + SALE + END, CHICAGO)
    assert found.lines[1].quantity == 420


def test_a_sale_of_arts_6(file):
    weighed = '<Quantity Units="0.842" UnitOfMeasureCode="KGM">1</Quantity>'
    data = arts(
        CARD
        + arts_sale(1, SOUP, "5.97", "<Quantity>3</Quantity>")
        + arts_sale(2, BEANS, "2.01", weighed)
        + arts_sale(3, "deposit", "0.75", "<Quantity>3</Quantity>", item_type="Deposit")
        + arts_sale(4, "gift-25", "25.00", item_type="GiftCard")
        + tender("33.73")
    )
    (found,) = receipts(poslog, file, ARTS + data + END, CHICAGO)
    assert (found.store, found.lane, found.card) == ("S014", "3", "2900000000018")
    assert found.captured_at.isoformat() == "2026-03-07T17:42:09+01:00", "its own offset counts"
    assert [(line.kind, line.unit, line.quantity, line.amount_minor) for line in found.lines] == [
        ("sale", "piece", 3, 597), ("sale", "gram", 842, 201),
        ("deposit", "piece", 3, 75), ("gift_card", "piece", 1, 2500),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "product"),
    [
        ('<ItemID>77</ItemID><POSIdentity POSIDType="PLU"><POSItemID>5</POSItemID></POSIdentity>', "77"),
        ("<ItemID>77</ItemID><POSIdentity><POSItemID>5</POSItemID></POSIdentity>", "77"),
        ('<ItemID>77</ItemID><POSIdentity POSIDType="upc"><POSItemID>5</POSItemID></POSIdentity>', "5"),
        ('<POSIdentity POSIDType="PLU"><POSItemID>5</POSItemID></POSIdentity>', "5"),
    ],
)  # fmt: skip
def test_a_scanned_number_counts_before_the_houses_own(identity, product, file):
    scanned = f'<POSIdentity POSIDType="EAN"><POSItemID>{SOUP}</POSItemID></POSIdentity>'
    data = arts(arts_sale(1, SOUP, "1.00").replace(scanned, identity))
    (found,) = receipts(poslog, file, ARTS + data + END)
    assert found.lines[0].product == product


@pytest.mark.parametrize(
    ("quantity", "told"),
    [
        ("", (1, "piece")),
        ('<Quantity Units="12" UnitOfMeasureCode="EA">2</Quantity>', (2, "piece")),
        ('<Quantity UnitOfMeasureCode="KGM">0.842</Quantity>', (842, "gram")),
        ('<Quantity Units="0.842" UnitOfMeasureCode="KGM">1</Quantity>', (842, "gram")),
        ('<Quantity Units="12" UnitOfMeasureCode="LTR">6</Quantity>', (12_000, "millilitre")),
    ],
)
def test_a_measure_counts_before_the_pieces_beside_it(quantity, told, file):
    data = ARTS + arts(arts_sale(1, SOUP, "1.00", quantity)) + END
    (found,) = receipts(poslog, file, data)
    assert (found.lines[0].quantity, found.lines[0].unit) == told


def test_no_card_is_an_anonymous_receipt(file):
    (found,) = receipts(poslog, file, ARTS + BOUGHT + END)
    assert found.card is None


def test_a_card_that_was_struck_out_does_not_count(file):
    struck = MEMBER.replace("<LineItem>", '<LineItem VoidFlag="true">')
    (found,) = receipts(poslog, file, NCR + ncr(ncr_sale(1, SOUP, "1.00") + struck) + END)
    assert found.card is None


RETURNS = {
    "Return": arts_sale(1, BEANS, "1.50", "<Quantity>1</Quantity>", link(), "Return"),
    "Sale with a negative quantity": arts_sale(1, BEANS, "1.50", MINUS, link()),
    "negative amount": arts_sale(1, BEANS, "-1.50", MINUS, link(), "Return"),
    "by the line's number": arts_sale(1, BEANS, "1.50", MINUS, link(line=4)),
}


@pytest.mark.parametrize("how", RETURNS)
def test_goods_that_come_back_name_the_line_they_were_bought_on(how, file):
    data = ARTS + BOUGHT + arts(RETURNS[how], number=18) + END
    _, back = receipts(poslog, file, data)
    (line,) = back.lines
    assert (line.quantity, line.amount_minor, line.kind) == (-1, -150, "sale")
    day = back.business_date
    assert line.return_of == LineRef("S014", "3", day, "17", 2)


def test_a_link_of_the_whole_transaction_holds_for_its_lines(file):
    data = arts(arts_sale(1, BEANS, "1.50", MINUS), number=18, extra=link())
    _, back = receipts(poslog, file, ARTS + BOUGHT + data + END)
    assert back.lines[0].return_of.number == "17"


def test_goods_of_a_receipt_recorded_before_are_found_by_their_product(file):
    asked = []

    def recorded(keys):
        (key,) = keys
        asked.append(str(key))
        return Sold(key, [SoldLine(1, BEANS, 1), SoldLine(3, BEANS, 2)])

    two = arts_sale(1, BEANS, "3.00", "<Quantity>-2</Quantity>", link(number=5))
    data = ARTS + arts(two + arts_sale(2, BEANS, "1.50", MINUS, link(number=5)), 18) + END
    (back,) = receipts(poslog, file, data, recorded=recorded)
    assert [one.return_of.line for one in back.lines] == [3, 1]
    assert asked == ["S014/3/2026-03-07/5"]


@pytest.mark.parametrize("how", ["no link", "unknown receipt", "another product"])
def test_goods_of_which_nobody_knows_the_line_are_returns_of_their_kind(how, file):
    named = {"no link": "", "unknown receipt": link(99), "another product": link()}[how]
    data = ARTS + BOUGHT + arts(arts_sale(1, "7", "1.50", MINUS, named), 18) + END
    _, back = receipts(poslog, file, data)
    assert (back.lines[0].kind, back.lines[0].return_of) == ("return", None)


def test_a_void_that_names_a_line_strikes_that_line_out_too(file):
    void = arts_sale(2, SOUP, "4.00", attributes='VoidFlag="true"').replace(
        "</LineItem>", "<ItemLink>1</ItemLink></LineItem>"
    )
    data = ARTS + arts(arts_sale(1, SOUP, "4.00") + void + arts_sale(3, BEANS, "1.50")) + END
    (found,) = receipts(poslog, file, data)
    assert [line.voided for line in found.lines] == [True, True, False]


def test_what_is_struck_out_of_payments_and_links_of_other_lines_count_for_nothing(file):
    struck = tender("9.99").replace("<LineItem>", '<LineItem VoidFlag="1">')
    linked = arts_sale(2, BEANS, "0.00").replace("</LineItem>", "<ItemLink>1</ItemLink></LineItem>")
    data = ARTS + arts(arts_sale(1, SOUP, "4.00") + linked + struck + tender("4.00")) + END
    (found,) = receipts(poslog, file, data)
    assert [(line.amount_minor, line.voided) for line in found.lines] == [(400, False), (0, False)]
    assert [one.amount_minor for one in found.tenders] == [400]


def test_a_refund_pays_back(file):
    back = tender("1.50").replace('TypeCode="Sale"', 'TypeCode="Refund"')
    (found,) = receipts(poslog, file, ARTS + arts(RETURNS["Return"] + back, 18) + END)
    assert [one.amount_minor for one in found.tenders] == [-150]


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_discount_of_the_whole_receipt_is_spread_without_a_remainder(sign, file):
    off = f"<LineItem><Discount><Amount>{sign}1.00</Amount></Discount></LineItem>"
    data = arts(arts_sale(1, SOUP, "3.33") + arts_sale(2, BEANS, "6.67") + off)
    (found,) = receipts(poslog, file, ARTS + data + END)
    assert [(line.amount_minor, line.discount_minor) for line in found.lines] == [
        (300, 33), (600, 67),
    ]  # fmt: skip


def test_what_is_no_receipt_is_left_out_and_counted(file):
    data = b"".join(
        [
            ncr("", attributes='TrainingModeFlag="true"'),
            ncr("", attributes='CancelFlag="true"'),
            arts("", status='TransactionStatus="Voided"'),
            ncr(tender("1.00")),
            ncr("").replace(b"RetailTransaction", b"ControlTransaction"),
            arts(arts_sale(1, "deposit", "-1.50", MINUS, item_type="Deposit"), 3),
        ]
    )
    items, reading = read(poslog, file, NCR + data + END)
    assert items == []
    assert reading.left_out == {
        "training": 1, "voided": 2, "nothing sold": 2, "no sale": 1,
        "lines of kind deposit given back": 1,
    }  # fmt: skip


WRONG = {
    "ExtendedAmount": arts(arts_sale(1, SOUP, "4.005")),
    "Quantity": arts(arts_sale(1, SOUP, "4.00", "<Quantity>1.5</Quantity>")),
    "BusinessDayDate": BOUGHT.replace(b"Date>2026-03-07<", b"Date>7 March<"),
    "EndDateTime": BOUGHT.replace(b"2026-03-07T17", b"0001-01-01T17"),
    "store": BOUGHT.replace(b"S014", b""),
    "number": BOUGHT.replace(b"<SequenceNumber>17<", b"<SequenceNumber><"),
    "lines[0].quantity": arts(arts_sale(1, SOUP, "4.00", "<Quantity>0</Quantity>")),
    "currency": BOUGHT.replace(b">EUR<", b">euro<"),
    "TransactionLink": arts("", extra='<TransactionLink ReasonCode="PostVoid"/>'),
    "LineItem/Fee": arts(arts_sale(1, SOUP, "4.00", kind="Fee")),
    "LoyaltyReward": ncr(ncr_sale(1, SOUP, "1.00") + reward("-2.00", 1)),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_refused_with_its_field_and_place_and_the_rest_taken(field, file):
    data = NCR + ncr(ncr_sale(1, SOUP, "1.00")) + WRONG[field] + ncr(ncr_sale(1, SOUP, "1.00"))
    items, _ = read(poslog, file, data + END)
    assert [type(item) for item in items] == [Good, Bad, Good]
    assert (items[1].field, items[1].place.line) == (field, 2)
    assert items[1].raw


def test_a_negative_line_that_brings_nothing_back_is_refused(file):
    assert bad(poslog, file, ARTS + arts(arts_sale(1, SOUP, "-1.00")) + END).field == (
        "ExtendedAmount"
    )


BOMB = b"""<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>"""
HOSTILE = {
    "entity bomb": BOMB + ARTS + BOUGHT.replace(b"S014", b"&d;") + END,
    "entity in an attribute": BOMB + b'<POSLog a="&d;">' + BOUGHT + END,
    "a DOCTYPE alone": b'<!DOCTYPE POSLog SYSTEM "http://x.example/p.dtd">' + ARTS + END,
    "external entity": b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + ARTS + BOUGHT.replace(b"S014", b"&x;") + END,
    "deep nesting": ARTS + b"<a>" * 5_000 + b"</a>" * 5_000 + END,
    "wrong encoding": ARTS + BOUGHT.replace(b"S014", b"\xff\xfe") + END,
    "a NUL": ARTS + BOUGHT.replace(b"S014", b"\0") + END,
    "not XML": b"hello",
    "nothing": b"",
    "an unknown entity": ARTS + BOUGHT.replace(b"S014", b"&nbsp;") + END,
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_xml_is_one_reason_and_no_receipt(what, file):
    (item,) = holds(poslog, file, HOSTILE[what])
    assert isinstance(item, Bad)
    assert item.error.startswith("not POSLog: ")


def test_a_bomb_says_that_a_doctype_is_refused(file):
    assert "DOCTYPE" in bad(poslog, file, HOSTILE["entity bomb"]).error


def test_what_comes_before_a_break_is_taken(file):
    items, _ = read(poslog, file, ARTS + BOUGHT + BOUGHT[:300])
    assert [type(item) for item in items] == [Good, Bad]
    assert items[1].place.line == 2


@pytest.mark.parametrize("where", ["in one transaction", "between two"])
def test_an_endless_element_is_not_kept(where, file, monkeypatch):
    monkeypatch.setattr(xml_module, "MOST_BYTES", 1 << 20)
    junk = b"<junk>" + b"x" * 100_000 + b"</junk>"
    inner = BOUGHT.replace(b"</Transaction>", junk * 30 + b"</Transaction>")
    data = ARTS + (inner if where == "in one transaction" else junk * 30) + BOUGHT + END
    assert "longer than" in bad(poslog, file, data).error


def test_memory_stays_that_of_one_transaction(file):
    body = ARTS + b"".join(arts(arts_sale(1, SOUP, "1.00"), n) for n in range(20_000)) + END
    told = []
    items, _ = read(poslog, file, body, progress=told.append)
    assert len(items) == 20_000
    assert sum(told) == len(body)
    tree = poslog.elements(file, "Transaction")
    assert max(len(list(e.getparent())) for e, _ in zip(tree, range(5_000), strict=False)) < 200


def test_without_the_library_it_is_named(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    with pytest.raises(ImportError, match=r"loyalty-ledger\[tills\]"):
        read(poslog, file, ARTS + END)


@pytest.mark.skipif(not PUBLIC.exists(), reason="the public sample is not here")
def test_the_public_sample_maps_to_what_it_says(tmp_path):
    reading = Reading(CHICAGO._replace(pounds=True))
    (found,) = [item.receipt for item in poslog.read(PUBLIC, reading)]
    assert reading.left_out == {"no sale": 1}
    assert plain(found) == {
        "store": "9", "lane": "34", "business_date": "2017-09-30", "number": "161",
        "captured_at": "2017-10-01T02:02:54-05:00", "currency": "USD",
        "card": "0000000000000040000066677", "cashier": "94",
        "lines": [{"product": "0000000067591", "quantity": 191, "unit": "gram",
                   "amount_minor": 107, "discount_minor": 19, "category": "6"}],
        "tenders": [{"kind": "CreditDebit", "amount_minor": 107}],
    }  # fmt: skip


WHOLE = NCR + SALE + BOUGHT + arts(RETURNS["Return"], 18) + END
PIECES = [b"<", b">", b"&", b"-", b"\0", b"\xff", b"]]>", b"<!--", b"<?x", b"&#0;", b"9" * 40]
PIECES += [b"</Transaction>", b"<Transaction>", b"<Sale/>", b"<LineItem/>", b"1e999", b"0.001", b""]
CUTS = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 60), st.sampled_from(PIECES))


def spoiled(cuts):
    return cut(WHOLE, cuts)


@settings(max_examples=300)
@given(data=st.binary(max_size=300) | st.lists(CUTS, max_size=4).map(spoiled))
@example(data=WHOLE[:1000])
@example(data=WHOLE.decode().encode("utf-16"))
def test_any_bytes_are_receipts_or_reasons(tmp_path_factory, data):
    holds(poslog, tmp_path_factory.getbasetemp() / "noise.xml", data, BERLIN)
