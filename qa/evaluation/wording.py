"""Figures as they are shown."""

NOTHING = "–"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in percent, with one place: "81.3"."""
    return NOTHING if share is None else f"{100 * share:.1f}"


def decimal(value: float | None, places: int = 3) -> str:
    """A number with so many places."""
    return NOTHING if value is None else f"{value:.{places}f}"


def whole(number: int) -> str:
    """A count: "1,250"."""
    return f"{number:,}"
