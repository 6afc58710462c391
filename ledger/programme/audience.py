"""Whom a campaign addresses, how deep it goes for whom, and what it is to bring about."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ledger.programme.parts import Contradictions, Goods, Name, Part, Positive

LOYAL = ("own", "national", "switcher", "unknown")
"""To which kind of brand a member is loyal in a category."""
USAGES = ("heavy", "medium", "light")
CELLS = tuple(f"{loyal} {usage}" for loyal in LOYAL for usage in USAGES)
MOST_STEPS = 12
WINDOW = r"^[1-9][0-9]{0,3}[dm]$"
"""`12m` or `90d`: so many months or days."""
Steps = Annotated[tuple[Positive, ...], Meta(min_length=1, max_length=MOST_STEPS)]
LimitDays = Annotated[int, Meta(ge=1, le=366)]


class Audience(Part, frozen=True):
    """Who is addressed: members by what they bought in a window."""

    category: Name | None = None
    window: Annotated[str, Meta(pattern=WINDOW)] = "12m"
    cells: tuple[Name, ...] = ()
    due_days: Annotated[int, Meta(ge=0, le=366)] = 0
    together: Annotated[int, Meta(ge=0, le=1_000)] = 0

    @property
    def whole_cells(self) -> tuple[str, ...]:
        """The cells by their whole names, in order; all where none is said."""
        said = [cell for cell in CELLS if cell in self.cells or cell.split()[0] in self.cells]
        return tuple(said) if self.cells else CELLS


class Usages(Part, frozen=True):
    """What members get on their first list, the next, and so on, by how much they use."""

    heavy: Steps | None = None
    medium: Steps | None = None
    light: Steps | None = None


class Depth(Part, frozen=True):
    """The same by the kind of brand that they are loyal to."""

    own: Usages | None = None
    national: Usages | None = None
    switcher: Usages | None = None
    unknown: Usages | None = None

    @property
    def steps(self) -> dict[str, tuple[int, ...]]:
        """By cell, where something is said."""
        return {
            f"{loyal} {usage}": amounts
            for loyal in LOYAL
            for usage in USAGES
            if (amounts := getattr(getattr(self, loyal), usage, None))
        }


class Goal(Part, frozen=True):
    """Turn who bought one kind of brand into buyers of the other, or of a product."""

    from_: Literal["own", "national"] = field(name="from")
    to: Literal["own", "national"] | None = None
    product: Name | None = None


class Limit(Part, frozen=True):
    """So many lists at most that begin within so many days."""

    lists: Positive
    days: LimitDays


class WithGoods(Part, frozen=True):
    """Goods that must be bought with it."""

    products: Goods = ()
    categories: Goods = ()


def aimed(
    audience: Audience | None, depth: Depth | None, goal: Goal | None, offer: tuple[str, int]
) -> Contradictions:
    """Find what the types cannot say; `offer` is its kind and the deepest amount."""
    if audience:
        yield from _addressed(audience)
    category = audience.category if audience else None
    if depth:
        yield from _deep(audience, depth, offer)
    for key, part in (("depth", depth), ("goal", goal)):
        if part and not category:
            yield key, "needs `audience.category`"
    if goal and (goal.to is None) == (goal.product is None):
        yield "goal", "needs exactly one of `to`, `product`"
    if goal and goal.to == goal.from_:
        yield "goal.to", "is what it turns from"


def _addressed(audience: Audience) -> Contradictions:
    for index, cell in enumerate(audience.cells):
        if cell not in CELLS and cell not in LOYAL:
            yield f"audience.cells[{index}]", f"names no cell; they are {', '.join(CELLS)}"
    if not audience.category and not audience.together:
        yield "audience", "needs `category` or `together`"
    for key in ("cells", "due_days"):
        if getattr(audience, key) and not audience.category:
            yield f"audience.{key}", "needs `audience.category`"


def _deep(audience: Audience | None, depth: Depth, offer: tuple[str, int]) -> Contradictions:
    kind, most = offer
    cells = audience.whole_cells if audience else CELLS
    if not depth.steps:
        yield "depth", "says nothing"
    if kind == "reward":
        yield "depth", "has no meaning for a reward"
    for cell, amounts in depth.steps.items():
        key = f"depth.{cell.replace(' ', '.')}"
        if cell not in cells:
            yield key, "is not addressed by `audience.cells`"
        for index, amount in enumerate(amounts):
            if kind != "reward" and (amount < most if kind == "price_minor" else amount > most):
                yield f"{key}[{index}]", f"goes deeper than `offer.{kind}`"
