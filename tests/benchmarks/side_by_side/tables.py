# SPDX-License-Identifier: BSD-3-Clause
"""Tables of the page in Markdown."""

NOTHING = "–"


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value):
    """Three digits."""
    if value is None:
        return NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def verdict(value, least):
    """The value, bold where it misses what it should reach at least."""
    if value is None:
        return NOTHING
    return number(value) if least is None or value >= least else f"**{number(value)}**"


def without_empty_columns(header, rows, optional):
    """Leaves out those of the columns `optional`, numbers of columns, that say nothing in any row."""
    kept = [i for i in range(len(header)) if i not in optional or any(row[i] != NOTHING for row in rows)]
    return [header[i] for i in kept], [[row[i] for i in kept] for row in rows]


def joined(*parts):
    """Those that say something, with a line between."""
    return "\n\n".join(part for part in parts if part)
