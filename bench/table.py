"""Tables and pages: figures -> Markdown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Final

NO_BREAK: Final = "\u00a0"
NOISE: Final = "within the noise"
FAILED: Final = "failed: "


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def markdown(self) -> str:
        """Return the table; all columns but the first are flush right where their rows are figures, or say why not."""
        rules = ["---", *("---:" if self._is_figures(column) else "---" for column in range(1, len(self.head)))]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, rules, *self.rows))

    def _is_figures(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column]]
        return all(cell[0] in "0123456789-" or cell.startswith((NOISE, FAILED)) for cell in cells)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: what was measured, in sentences, tables and charts."""

    title: str
    text: str
    """One sentence a line."""
    tables: list[Table]
    charts: dict[str, str] = field(default_factory=dict)
    """File name without ending -> SVG."""

    def markdown(self, charts_folder: str) -> str:
        images = [f"![{self.title}]({charts_folder}/{name}.svg)" for name in self.charts]
        return "\n\n".join([f"## {self.title}", self.text, *(table.markdown() for table in self.tables), *images])


def failed(why: str, columns: int) -> tuple[str, ...]:
    """Return the cells of a row that has nothing but a reason."""
    return (f"{FAILED}{why}", *[""] * (columns - 1))


def spread(values: Iterable[float | None], digits: int = 0) -> str:
    """
    Return the median, and the least and the greatest behind it where there are several: `102 (98 to 110)`.

    None is a value that could not be taken; empty when none could.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    middle = figure(median(known), digits)
    return middle if len(known) == 1 else f"{middle}{NO_BREAK}{between(min(known), max(known), digits)}"


def between(least: float, greatest: float, digits: int = 0) -> str:
    return f"({figure(least, digits)} to {figure(greatest, digits)})"


def figure(value: float, digits: int = 0) -> str:
    return f"{value:,.{digits}f}"
