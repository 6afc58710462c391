"""Where webhooks may go: public addresses over https, and to the address that was looked at."""

import datetime as dt
import ipaddress
import socket
import ssl

import pytest

from adapters.relay import addresses, webhook
from adapters.relay.addresses import HTTP, PRIVATE, addresses_of, place_of
from adapters.relay.registering import Endpoints
from adapters.relay.running import Relay
from ledger.errors import InputInvalid
from tests.receiver import Receiver

INSIDE = [
    "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "198.18.0.1", "fe80::1", "fc00::1", "fd00:ec2::254", "::", "ff02::1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a00:1::", "2001:db8::1",
]  # fmt: skip
LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]


@pytest.fixture
def leads(monkeypatch):
    """Make names lead somewhere, and count who asks."""
    asked = []

    def to(*found):
        def getaddrinfo(name, port, *_, **__):
            asked.append(name)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
        return asked

    return to


def url_of(address):
    return f"https://[{address}]/x" if ":" in address else f"https://{address}/x"


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused_written_out_or_behind_a_name(address, leads):
    with pytest.raises(InputInvalid, match="no public address"):
        place_of(url_of(address), ())
    leads("93.184.215.14", address)
    place = place_of("https://hooks.example/x", ())
    with pytest.raises(InputInvalid, match="no public address"):
        addresses_of(place, ())
    assert addresses_of(place_of("https://hooks.example/x", {PRIVATE}), {PRIVATE})[1] == address


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_loopback_address_is_meant_where_it_is_written_out_and_not_behind_a_name(address, leads):
    if "ffff" not in address:
        place_of(url_of(address).replace("https", "http"), ())
    leads(address)
    with pytest.raises(InputInvalid, match="no public address"):
        addresses_of(place_of("https://hooks.example/x", ()), ())
    if "ffff" not in address:
        assert addresses_of(place_of("http://localhost/x", ()), ()) == [address]


def test_localhost_that_leads_elsewhere_is_refused(leads):
    leads("10.0.0.1")
    with pytest.raises(InputInvalid, match="no public address"):
        addresses_of(place_of("http://localhost/x", ()), ())


def test_public_addresses_pass(leads):
    leads("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "93.184.215.14")
    place = place_of("https://hooks.example:8443/a/b?c=d", ())
    assert (place.name, place.port, place.host) == ("hooks.example", 8443, "hooks.example:8443")
    assert addresses_of(place, ()) == ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


@pytest.mark.parametrize(
    ("url", "why"),
    [("http://hooks.example/x", "not https"), ("ftp://ada:pw@hooks.example/x", "no URL of a webhook"),
     ("hooks.example", "no URL"), ("https://", "no URL"), ("https://ada:pw@hooks.example/", "user"),
     ("https://hooks.example/#x", "fragment"), ("https://[::1/", "no URL"), ("", "no URL"),
     ("https://hooks.example:99999/", "no URL"), ("file:///etc/passwd", "no URL"),
     ("https://\x00/", "no URL"), ("https://" + "a" * 70_000, "no URL")],
)  # fmt: skip
def test_what_is_no_url_for_a_webhook_is_refused_and_its_password_not_shown(url, why):
    with pytest.raises(InputInvalid, match=why) as refused:
        place_of(url, ())
    assert "pw" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_http_passes_with_leave():
    assert place_of("http://hooks.example/x", {HTTP}).port == 80


def test_a_request_goes_to_the_address_that_was_looked_at(ledger, clock, leads):
    there = Receiver()
    asked = leads("127.0.0.1")
    endpoints = Endpoints(ledger.log, clock)
    url = f"http://hooks.example:{there.port}/in?a=1"
    endpoints.add(url, name="r", first=1, allowed={HTTP, PRIVATE})
    Relay(ledger.log, clock).once()
    there.close()
    assert [one.path for one in there.taken] == ["/in?a=1"]
    assert there.taken[0].headers["host"] == f"hooks.example:{there.port}"
    assert asked == ["hooks.example"], "looked up once, and not by whoever connects"


def test_a_name_that_turns_to_an_inner_address_is_not_called(ledger, clock, leads):
    there = Receiver()
    endpoints = Endpoints(ledger.log, clock)
    endpoints.add(f"http://hooks.example:{there.port}/", name="r", first=1, allowed={HTTP})
    leads("127.0.0.1")
    Relay(ledger.log, clock).once()
    there.close()
    assert not there.got
    assert "no public address" in endpoints.status()[0].answer


def test_the_next_address_is_tried_where_one_does_not_answer(ledger, clock, leads):
    there = Receiver()
    leads("127.0.0.2", "127.0.0.1")  # it listens on one of them only
    endpoints = Endpoints(ledger.log, clock)
    url = f"http://hooks.example:{there.port}/"
    endpoints.add(url, name="r", first=1, allowed={HTTP, PRIVATE})
    Relay(ledger.log, clock).once()
    there.close()
    assert there.positions == [1]


def test_a_name_that_leads_nowhere_is_a_try_that_failed(ledger, clock, monkeypatch):
    def nowhere(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    endpoints = Endpoints(ledger.log, clock)
    endpoints.add("https://hooks.example/", name="r", first=1)
    monkeypatch.setattr(addresses.socket, "getaddrinfo", nowhere)
    Relay(ledger.log, clock).once()
    assert "Name or service not known" in endpoints.status()[0].answer


def test_nothing_of_the_environment_changes_where_it_goes(ledger, clock, monkeypatch):
    there, proxy = Receiver(), Receiver()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    Endpoints(ledger.log, clock).add(there.url, name="r", first=1)
    Relay(ledger.log, clock).once()
    there.close()
    proxy.close()
    assert (there.positions, proxy.got) == ([1], [])


# --- TLS ---------------------------------------------------------------------------------


def certificate(tmp_path, name):
    """A certificate that signs itself, for a name; and a server's settings with it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    try:
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    kept, private = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
    kept.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(kept, private)
    return kept, settings


@pytest.mark.parametrize(
    ("of", "asked", "trusted", "taken"),
    [("hooks.example", "hooks.example", True, True), ("127.0.0.1", "127.0.0.1", True, True),
     ("other.example", "hooks.example", True, False), ("127.0.0.1", "hooks.example", True, False),
     ("hooks.example", "hooks.example", False, False)],
)  # fmt: skip
def test_the_certificate_must_be_of_the_name_and_of_an_authority(
    ledger, clock, leads, tmp_path, monkeypatch, of, asked, trusted, taken
):
    kept, settings = certificate(tmp_path, of)
    there = Receiver(tls=settings)
    seen = []
    settings.sni_callback = lambda _, name, __: seen.append(name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(kept))
    leads("127.0.0.1")
    endpoints = Endpoints(ledger.log, clock)
    endpoints.add(f"https://{asked}:{there.port}/", name="r", first=1, allowed={PRIVATE})
    Relay(ledger.log, clock).once()
    there.close()
    assert bool(there.taken) == taken
    assert bool(there.got) == taken, "not a byte of it is sent to a stranger"
    if not taken:
        assert "CERTIFICATE_VERIFY_FAILED" in endpoints.status()[0].answer
    if asked == "hooks.example":
        assert seen == ["hooks.example"]


def test_a_long_answer_is_not_read_to_its_end(ledger, clock, monkeypatch):
    monkeypatch.setattr(webhook, "_READ_BYTES", 1_000)
    there = Receiver(lambda _: (200, {}, b"x" * 5_000_000))
    endpoints = Endpoints(ledger.log, clock)
    endpoints.add(there.url, name="r", first=1)
    Relay(ledger.log, clock).once()
    there.close()
    assert endpoints.status()[0].delivered == 1
