"""Who is sent webhooks: a real HTTP server on loopback, which behaves as it is told and keeps a log."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Got(NamedTuple):
    """A request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def position(self):
        return int(self.id.rpartition(":")[2])

    @property
    def data(self):
        return json.loads(self.body)["data"]


class Server(ThreadingHTTPServer):
    """With room for many that connect at once: one that finds none comes back a second later."""

    request_queue_size = 128


class Receiver:
    """Answers 204, or what `answer(got)` says: a status, (status, headers, body), or a name of a mischief.

    `hang` never answers, `cut` closes the connection, `drip` sends a byte now and then for ever. A body
    `cut` breaks off.
    """

    def __init__(self, answer=lambda _: 204, tls=None):
        self.answer = answer
        self.got: list[Got] = []
        self.taken: list[Got] = []
        self._over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed in the middle of it
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._take(self, Got(self.path, headers, body))

            def do_GET(self):
                receiver.got.append(Got(self.path, {}, b""))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hooks"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def positions(self):
        """Of those that it took, in the order in which it took them."""
        return [one.position for one in self.taken]

    def _take(self, handler, got):
        self.got.append(got)
        answer = self.answer(got)
        if answer == "hang":
            self._over.wait(60)
        if answer == "drip":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
            while not self._over.wait(0.05):
                handler.wfile.write(b"y")
        if isinstance(answer, str):
            handler.close_connection = True
            return
        status, headers, body = (answer, {}, b"") if isinstance(answer, int) else answer
        if body == "cut":
            headers, body = {**headers, "content-length": "1000"}, b"a beginning"
            handler.close_connection = True
        if 200 <= status < 300:
            self.taken.append(got)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204 and "content-length" not in headers:
            handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(b"" if status == 204 else body)

    def close(self):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


def signed_by(got, secret):
    """Whether one of the signatures is of this secret: worked out from the standard alone."""
    key = base64.b64decode(secret.split("whsec_")[1])
    signed = got.id.encode() + b"." + got.headers["webhook-timestamp"].encode() + b"." + got.body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{right}" in got.headers["webhook-signature"].split(" ")


def until(holds, patience_s=30):
    """Wait until something holds; whether it did."""
    end = time.monotonic() + patience_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(holds())
