"""Folders of retail data in Parquet, told apart by the files in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from adapters.records import Item, Place, Progress
from adapters.retail import completejourney, lgsr
from ledger.errors import InputInvalid


class Format(Protocol):
    """What a module of this package offers; it needs pyarrow only once it reads."""

    FILES: tuple[str, ...]

    def read(self, folder: Path, *, progress: Progress | None = None) -> Iterator[Item]:
        """Yield one item for every basket; `progress` is told rows."""
        ...

    def total(self, folder: Path) -> int:
        """How many rows there are to read."""
        ...

    def products(
        self, folder: Path, *, progress: Progress | None = None
    ) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield each product with the columns of a catalogue; `progress` is told rows."""
        ...

    def products_total(self, folder: Path) -> int:
        """How many products there are to read."""
        ...


FORMATS: dict[str, Format] = {
    "lgsr": lgsr,
    "completejourney": completejourney,
}


def detect(folder: Path) -> str:
    """Tell the format of a folder.

    Raises:
        InputInvalid: no format has all its files there.
    """
    for name, form in FORMATS.items():
        if all((folder / file).is_file() for file in form.FILES):
            return name
    known = "; ".join(f"{name}: {', '.join(form.FILES)}" for name, form in FORMATS.items())
    msg = f"{folder} holds no known retail data ({known})"
    raise InputInvalid(msg)
