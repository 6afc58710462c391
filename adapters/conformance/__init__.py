"""Plays a till with bad luck against a server, and says what broke."""

from __future__ import annotations

from adapters.conformance.cases import CASES
from adapters.conformance.run import Result, Settings, run

__all__ = ["CASES", "Result", "Settings", "run"]
