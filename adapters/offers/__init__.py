"""Back-tests of what members are about to need, on plain files and on the log."""

from __future__ import annotations

COLUMNS = ("member", "date", "basket", "item")
"""Of a file of lines."""
