"""What the commands of a batch take from quantities that members share."""

from __future__ import annotations


class Draws:
    """Quantities by stream, until the batch appends one event for each.

    Each command sees what those before it took, and a refused one leaves nothing behind.
    """

    def __init__(self) -> None:
        """Begin with nothing taken."""
        self._taken: list[tuple[bytes, int]] = []
        self._sums: dict[bytes, int] = {}

    def of(self, stream: bytes) -> int:
        """What this batch has taken so far."""
        return self._sums.get(stream, 0)

    def add(self, stream: bytes, quantity: int) -> None:
        """Take a quantity; below zero it is given back."""
        if quantity:
            self._taken.append((stream, quantity))
            self._sums[stream] = self.of(stream) + quantity

    def mark(self) -> int:
        """A point to come back to."""
        return len(self._taken)

    def back_to(self, mark: int) -> None:
        """Undo everything since the mark."""
        for stream, quantity in self._taken[mark:]:
            self._sums[stream] -= quantity
        del self._taken[mark:]

    def sums(self) -> list[tuple[bytes, int]]:
        """What was taken of each stream in the end, in the order of streams."""
        return sorted((stream, quantity) for stream, quantity in self._sums.items() if quantity)
