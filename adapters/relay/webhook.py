"""Webhooks out: one event a request, signed as Standard Webhooks has it."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx

from adapters.relay import signing
from adapters.relay.addresses import Place, addresses_of, place_of
from adapters.relay.message import Answer, Came, Message
from ledger.calendar import instant_of
from ledger.errors import InputInvalid
from ledger.store.outbox import Endpoint
from ledger.types import Clock, Instant

TIMEOUT_S = 20
IN_FLIGHT = 8
LOOKED_UP_S = 30
"""How long addresses hold that a name was found to lead to."""
LONGEST_REST_S = 86_400
_READ_BYTES = 65_536
"""What is read of an answer, so that the connection can be used again; of a longer one it is closed."""
_READ_S = 2
_TOLD_CHARACTERS = 200


class Webhook:
    """Sends to one URL, over connections of its own."""

    in_flight = IN_FLIGHT

    def __init__(self, endpoint: Endpoint, clock: Clock, timeout_s: int = TIMEOUT_S) -> None:
        """Connect to nothing yet."""
        self._endpoint = endpoint
        self._secrets = signing.kept(endpoint.secrets)
        self._clock = clock
        self._timeout_s = timeout_s
        # One client an endpoint: a connection to an address was checked for one name only. Nothing
        # of the environment is asked, so that no proxy stands between the check and the address.
        self._client = httpx.AsyncClient(
            verify=_tls(endpoint.url), trust_env=False, follow_redirects=False,
            timeout=timeout_s, limits=httpx.Limits(max_connections=IN_FLIGHT),
        )  # fmt: skip
        # Of its own: a name that is looked up for long must not hold up other endpoints.
        self._resolver = ThreadPoolExecutor(1)
        self._looking = asyncio.Lock()
        self._found: tuple[float, list[str]] = (0.0, [])

    async def send(self, message: Message) -> Answer:
        """See `Sender`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._send(message)
            return _answer(response, await _told(response), self._clock())
        except TimeoutError:
            return Answer(Came.FAILED, f"no answer within {self._timeout_s} seconds")
        except InputInvalid as refused:
            return Answer(Came.FAILED, refused.detail)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Answer(Came.FAILED, _plain(f"{type(error).__name__}: {error}"))

    async def close(self) -> None:
        """See `Sender`."""
        await self._client.aclose()
        self._resolver.shutdown(wait=False, cancel_futures=True)

    async def _send(self, message: Message) -> httpx.Response:
        place = place_of(self._endpoint.url, self._endpoint.allowed)
        addresses = await self._addresses(place)
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError):
                return await self._post(place, address, message)
        return await self._post(place, addresses[-1], message)

    async def _addresses(self, place: Place) -> list[str]:
        async with self._looking:
            loop = asyncio.get_running_loop()
            until, found = self._found
            if loop.time() >= until:
                found = await loop.run_in_executor(
                    self._resolver, addresses_of, place, self._endpoint.allowed
                )
                self._found = (loop.time() + LOOKED_UP_S, found)
            return found

    async def _post(self, place: Place, address: str, message: Message) -> httpx.Response:
        now = self._clock()
        request = self._client.build_request(
            "POST", place.url.copy_with(host=address), content=message.body,
            headers={
                "host": place.host, "content-type": "application/json",
                "user-agent": "loyalty-ledger", "webhook-id": message.id,
                "webhook-timestamp": str(now),
                "webhook-signature": signing.signatures(
                    self._secrets, message.id, now, message.body
                ),
            },
            extensions={"sni_hostname": place.name.strip("[]")},
        )  # fmt: skip
        return await self._client.send(request, stream=True)


async def _told(response: httpx.Response) -> bytes:
    """The beginning of an answer's body. Its status alone decides, so it may break off or never end."""
    told = b""
    try:
        with suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_READ_S):
                async for piece in response.aiter_raw():
                    told += piece
                    if len(told) > _READ_BYTES:
                        break
    finally:
        await response.aclose()
    return told


def _tls(url: str) -> ssl.SSLContext | bool:
    """The system's authorities, and those that OpenSSL's own variables name; http has none to ask."""
    return ssl.create_default_context() if url.startswith("https:") else False


def _answer(response: httpx.Response, told: bytes, now: Instant) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(Came.DELIVERED)
    words = f"HTTP {status}: {told[: 4 * _TOLD_CHARACTERS].decode('utf-8', 'replace')}"
    if status == httpx.codes.GONE:
        return Answer(Came.GONE, _plain(words))
    rest = 0
    if status in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        rest = min(retry_after(response.headers.get("retry-after", ""), now), LONGEST_REST_S)
    return Answer(Came.FAILED, _plain(words), rest)


def retry_after(text: str, now: Instant) -> int:
    """Seconds to wait, from a number of them or a date (RFC 9110); 0 where it is neither."""
    if text.isascii() and text.isdigit():
        return int(text[:10])
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0, instant_of(until) - now)


def _plain(text: str) -> str:
    """A short line that any store and terminal can hold."""
    return "".join(c if c.isprintable() else " " for c in text)[:_TOLD_CHARACTERS].strip(" :")
