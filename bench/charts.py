"""Figures -> SVG, plain and small, legible on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 720
ROW: Final = 26
LABELS: Final = 200
FIGURES: Final = 70
HEAD: Final = 34
HEIGHT: Final = 300
MARGIN: Final = 56
MOST_STEPS: Final = 8
"""Of the x axis, that have room for their figure."""
COLOURS: Final = ("#2a78c2", "#d9822b", "#3f9a5f", "#a05fb4")
STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.axis { stroke: #8c959f; stroke-width: 1 }
.other { fill: #8c959f } .ours { fill: #2a78c2 } .part { fill: #d0d7de }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .part { fill: #484f58 } }
"""


def bars(
    title: str, values: Mapping[str, float], *, ours: str = "tagwire", floor: float | None = None, digits: int = 0
) -> str:
    """
    Return a horizontal bar for each value, ours in colour.

    `floor` is the part of every bar that is nobody's doing, such as the bare function; it is drawn paler.
    """
    scale = (WIDTH - LABELS - FIGURES) / max(values.values())
    parts = [_text(0, 16, title, "title")]
    for row, (name, value) in enumerate(values.items()):
        y = HEAD + row * ROW
        kind = "ours" if name == ours else "other"
        parts.append(_text(LABELS - 8, y + 14, name, "", anchor="end"))
        parts.append(_bar(LABELS, y, value * scale, kind))
        if floor:
            parts.append(_bar(LABELS, y, min(floor, value) * scale, "part"))
        parts.append(_text(LABELS + value * scale + 6, y + 14, f"{value:,.{digits}f}"))
    return _svg(HEAD + len(values) * ROW + 6, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str) -> str:
    """Return a line for each series of points, over evenly spaced x values, from 0 upwards."""
    steps = sorted({at for points in series.values() for at, _ in points})
    top = max((value for points in series.values() for _, value in points), default=0.0) * 1.1 or 1.0
    across = (WIDTH - 2 * MARGIN) / max(1, len(steps) - 1)
    bottom = HEIGHT - MARGIN
    parts = [_text(0, 16, title, "title"), _text(0, 36, y), _text(WIDTH - MARGIN, HEIGHT - 8, x, anchor="end")]
    parts.append(f'<line class="axis" x1="{MARGIN}" y1="{bottom}" x2="{WIDTH - MARGIN}" y2="{bottom}"/>')
    every = max(1, -(-len(steps) // MOST_STEPS))
    for at, step in list(enumerate(steps))[::every]:
        parts.append(_text(MARGIN + at * across, bottom + 18, f"{step:,.0f}", anchor="middle"))
    for colour, (name, points) in zip(COLOURS, series.items(), strict=False):
        places = [
            (MARGIN + steps.index(at) * across, bottom - value / top * (bottom - HEAD - 16)) for at, value in points
        ]
        path = " ".join(f"{left:.1f},{up:.1f}" for left, up in places)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        for (left, up), (_, value) in zip(places, points, strict=True):
            parts.append(f'<circle cx="{left:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>')
            parts.append(_text(left, up - 8, f"{value:,.0f}", anchor="middle"))
        legend = 40 + 150 * list(series).index(name)
        parts.append(f'<rect x="{MARGIN + legend}" y="26" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(MARGIN + legend + 18, 37, name))
    return _svg(HEIGHT, parts)


def _svg(height: int, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    view = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view} role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def _text(left: float, top: float, words: str, kind: str = "", *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _bar(left: float, top: float, width: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{max(width, 1):.1f}" height="{ROW - 7}" rx="2"/>'
