"""Which URLs events may be sent to, and to which addresses they lead.

Whoever is given a webhook could name a machine inside the chain's own network, or a cloud's metadata
service, and have the relay knock there. So a URL is https and every address that its name leads to
must be public, unless the endpoint was added with leave for more. The request then goes to the very
address that was looked at: a name cannot lead elsewhere in between. A loopback address written out,
or `localhost`, is somebody's own machine, and meant.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import NamedTuple

import httpx

from ledger.errors import InputInvalid

HTTP, PRIVATE = "http", "private"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Place(NamedTuple):
    """A URL taken apart: the name in ASCII, the port, and the host as a header says it."""

    url: httpx.URL
    name: str
    port: int
    host: str


def place_of(url: str, allowed: Collection[str]) -> Place:
    """The parts of a URL that events may be sent to.

    Raises:
        InputInvalid: it is no such URL; the message says why.
    """
    try:
        read = httpx.URL(url)
        name = read.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise InputInvalid(f"`{_bare(url)}` is no URL: {error}.", field="url") from None
    if read.scheme not in {"https", "http"} or not name:
        raise InputInvalid(f"`{_bare(url)}` is no URL of a webhook.", field="url")
    if read.userinfo or read.fragment:
        raise InputInvalid("Neither a user nor a fragment belongs into it.", field="url")
    if read.scheme == "http" and HTTP not in allowed and not _own(name):
        raise InputInvalid("It is not https; `--allow-http` lets it pass.", field="url")
    port = (443 if read.scheme == "https" else 80) if read.port is None else read.port
    if not 0 < port < 65_536:
        raise InputInvalid(f"`{_bare(url)}` is no URL: there is no port {port}.", field="url")
    literal = _literal(name)
    if literal and not _may(literal, name, allowed):
        raise InputInvalid(f"{literal} is no public address.", field="url")
    return Place(read, name, port, read.netloc.decode("ascii"))


def addresses_of(place: Place, allowed: Collection[str]) -> list[str]:
    """The addresses that a name leads to now. It may take long: the name is looked up.

    Raises:
        OSError: it leads nowhere.
        InputInvalid: it leads to one that events may not be sent to.
    """
    found = socket.getaddrinfo(place.name.strip("[]"), place.port, type=socket.SOCK_STREAM)
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in texts:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not _may(address, place.name, allowed):
            raise InputInvalid(f"{place.name} leads to {address}, no public address.", field="url")
    return texts


def _may(address: Address, name: str, allowed: Collection[str]) -> bool:
    if PRIVATE in allowed or (_own(name) and address.is_loopback):
        return True
    return all(one.is_global and not one.is_multicast for one in _meant(address))


def _meant(address: Address) -> list[Address]:
    """An address, and the one of version 4 that a gateway would make of it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inside = address.sixtofour
    if address in _NAT64:
        inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return [address, inside] if inside else [address]


def _own(name: str) -> bool:
    """Whether somebody wrote out the own machine."""
    literal = _literal(name)
    return name == "localhost" or bool(literal and literal.is_loopback)


def _literal(name: str) -> Address | None:
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None


def _bare(url: str) -> str:
    """A URL as it may be shown: without a user, a password, or what follows the path."""
    scheme, _, rest = url.partition("//")
    place, _, path = rest.split("?", maxsplit=1)[0].partition("/")
    shown = f"{scheme}//{place.rpartition('@')[2]}/{path}"[:200]
    return "".join(c if c.isprintable() else "?" for c in shown)
