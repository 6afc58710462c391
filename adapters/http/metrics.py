"""How the API fares, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from adapters.relay.registering import Fares

RELAYED = {
    "lag": "Events of the log that were not sent yet, by endpoint",
    "lag_seconds": "Age of the first event that was not sent yet",
    "waiting": "Events put aside, to be tried again",
    "dead": "Dead letters",
    "failures": "Tries in a row that failed, up to now",
}
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        """Nothing was counted yet."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.calls = Counter(
            "loyalty_http_calls", "Calls, by operation and status",
            ("operation", "status"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "loyalty_http_seconds", "Seconds to the answer, by operation",
            ("operation",), buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.open = Gauge("loyalty_http_open_calls", "Calls under way", registry=self.registry)
        self._relay = {
            name: Gauge(f"loyalty_relay_{name}", about, ("endpoint",), registry=self.registry)
            for name, about in RELAYED.items()
        }

    def told(self, operation: str, status: int, seconds: float) -> None:
        """Count a call."""
        self.calls.labels(operation, str(status)).inc()
        self.seconds.labels(operation).observe(seconds)

    def relayed(self, fares: Sequence[Fares]) -> None:
        """Take over how the relay's endpoints fare, those that are there now."""
        for name, gauge in self._relay.items():
            gauge.clear()
            for one in fares:
                gauge.labels(one.name).set(getattr(one, name))
