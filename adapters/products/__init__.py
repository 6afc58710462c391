"""Products, prices and promotions from files, into the catalogue."""

from __future__ import annotations

from adapters.products.feeding import feed
from adapters.products.files import read, total

__all__ = ["feed", "read", "total"]
