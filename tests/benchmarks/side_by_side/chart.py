# SPDX-License-Identifier: BSD-3-Clause
"""Plain charts as SVG."""
import math

COLORS = ["#1f5fa8", "#c8501e", "#6aa5e3", "#f0a070", "#555555"]
TEXT = 'font-family="sans-serif" font-size="12"'


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {TEXT} text-anchor="{anchor}" {extra}>{words}</text>'


def line(x1, y1, x2, y2, color="#cccccc", extra=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" {extra}/>'


def bars(title, rows):
    """rows: (name, ratio, least or None); 1 is a line, `least` a mark on the bar."""
    left, right, step, top = 290, 80, 26, 40
    width, height = 800, top + step * len(rows) + 20
    scale = (width - left - right) / max([1.2, *[max(ratio, least or 0) for _, ratio, least in rows]])
    parts = [text(left, 20, title, extra='font-weight="bold"'), line(left + scale, top - 8, left + scale, height - 14, "black")]
    for i, (name, ratio, least) in enumerate(rows):
        y = top + step * i
        reached = least is None or ratio >= least
        parts.append(text(left - 8, y + 13, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{ratio * scale:.1f}" height="18" fill="{COLORS[0] if reached else COLORS[1]}"/>')
        if least:
            parts.append(line(left + least * scale, y - 3, left + least * scale, y + 21, "black", 'stroke-width="2"'))
        parts.append(text(width - 8, y + 13, f"{ratio:.2f}", "end"))
    return svg(width, height, parts)


def powers(low, high):
    """Powers of 2 or 10 around a range: the ticks of a logarithmic axis."""
    base = 2 if high / low < 600 else 10
    first, last = math.floor(math.log(low, base) + 1e-9), math.ceil(math.log(high, base) - 1e-9)
    return [float(base)**i for i in range(first, max(last, first + 1) + 1)]


def steps(low, high):
    """Round numbers around a range: the ticks of a linear axis."""
    rough = (high - low) / 6 or 1
    size = next(digit * 10**math.floor(math.log10(rough)) for digit in (1, 2, 5, 10) if digit * 10**math.floor(math.log10(rough)) >= rough)
    return [size * i for i in range(math.floor(low / size), math.ceil(high / size) + 1)]


def lines(x_label, y_label, series, logarithmic=True, proportional=None):
    """series: name -> points. With logarithmic axes what grows in proportion is a straight line of slope 1: `proportional`, a
    point, gets one drawn through it."""
    width, height, left, right, top, bottom = 800, 420, 70, 170, 20, 50
    points = [point for found in series.values() for point in found]
    ticks, scale = (powers, math.log) if logarithmic else (steps, float)
    xs, ys = (ticks(min(p[i] for p in points), max(p[i] for p in points)) for i in (0, 1))

    def place(x, y):
        along = [(scale(value) - scale(axis[0])) / (scale(axis[-1]) - scale(axis[0])) for value, axis in ((x, xs), (y, ys))]
        return left + along[0] * (width - left - right), height - bottom - along[1] * (height - top - bottom)

    parts = [line(*place(x, ys[0]), *place(x, ys[-1])) for x in xs] + [line(*place(xs[0], y), *place(xs[-1], y)) for y in ys]
    parts += [text(place(x, ys[0])[0], height - bottom + 16, f"{x:g}", "middle") for x in xs]
    parts += [text(left - 6, place(xs[0], y)[1] + 4, f"{y:g}", "end") for y in ys]
    parts += [text((left + width - right) / 2, height - 12, x_label, "middle"),
              text(16, height / 2, y_label, "middle", f'transform="rotate(-90 16 {height / 2})"')]
    def legend(i, name, color, extra):
        return [line(width - right + 12, top + 20 * i + 8, width - right + 32, top + 20 * i + 8, color, extra),
                text(width - right + 38, top + 20 * i + 12, name)]

    if proportional:
        slope = proportional[1] / proportional[0]
        low, high = max(xs[0], ys[0] / slope), min(xs[-1], ys[-1] / slope)
        dashed = 'stroke-dasharray="6 4"'
        parts += [line(*place(low, slope * low), *place(high, slope * high), COLORS[-1], dashed),
                  *legend(len(series), "in proportion", COLORS[-1], dashed)]
    for i, (name, found) in enumerate(sorted(series.items())):
        color = COLORS[i % len(COLORS)]
        places = [place(x, y) for x, y in sorted(found)]
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="' +
                     " ".join(f"{x:.1f},{y:.1f}" for x, y in places) + '"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
        parts += legend(i, name, color, 'stroke-width="2"')
    return svg(width, height, parts)
