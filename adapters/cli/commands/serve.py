"""`loyalty serve`: the API over HTTP."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters.cli.render import Speaker
from adapters.cli.values import positive
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=positive, default=8080)
    parser.add_argument("--tls-cert", help="certificate; without one, let a proxy do TLS")
    parser.add_argument("--tls-key", help="its key")
    parser.add_argument(
        "--proxy", default="", metavar="ADDRESS", help="whose X-Forwarded headers are believed"
    )
    parser.add_argument("--calls-per-second", type=positive, default=50, help="of one key")
    parser.add_argument(
        "--calls-at-once",
        type=positive,
        default=1_000,
        help="under way; more are told to come again",
    )
    parser.add_argument(
        "--webhooks", type=Path, metavar="FILE", help="who sends webhooks: a TOML file"
    )
    parser.add_argument(
        "--webhook-rejects", type=Path, metavar="FILE", help="(default: WEBHOOKS.rejects.ndjson)"
    )
    parser.add_argument("--seconds", type=positive, default=30, help="that a call may take")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Serve until stopped: calls under way are answered first."""
    try:
        from adapters.http.app import Limits, api
        from adapters.http.hooks import hooks_of
        from adapters.http.serving import serve
    except ImportError:
        raise InputInvalid("Serving needs the extra `http`.", field="serve") from None
    if bool(options.tls_cert) != bool(options.tls_key):
        raise InputInvalid("A certificate and its key go together.", field="tls-cert")
    with LoyaltyLedger.open(options.db) as ledger:
        file: Path | None = options.webhooks
        hooks = hooks_of(ledger, file, options.webhook_rejects) if file else {}
        limits = Limits(options.calls_per_second, options.seconds, options.calls_at_once)
        app = api(ledger, limits, hooks)
        scheme = "https" if options.tls_cert else "http"
        speaker.note(f"Serving on {scheme}://{options.host}:{options.port}; Ctrl-C ends it.")
        serve(
            app, options.host, options.port, ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key, proxy_headers=bool(options.proxy),
            forwarded_allow_ips=options.proxy or None, timeout_graceful_shutdown=options.seconds,
        )  # fmt: skip
    return 0
