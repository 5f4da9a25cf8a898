"""The plots of a report, as SVG by matplotlib, which is an optional package.

Their colours are names of the page's style sheet, so that they suit light and dark.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

from dlmachine.core.report.report import Share
from dlmachine.core.report.rows import Level
from dlmachine.notebooks.markup import Html
from dlmachine_adapters.progress.layout import amount

#: As wide as a phone, so that texts keep their size.
_WIDTH_INCHES: Final = 3.4
_BAR_INCHES: Final = 0.4
_MAX_BARS: Final = 8
_MAX_CHARS: Final = 26
#: Colours that are drawn, for each of which the page has its own.
_COLOURS: Final[Mapping[str, str]] = {
    'bar': '#010001',
    'ink': '#020001',
    'soft': '#030001',
    **{level.value: f'#0{number}0001' for number, level in enumerate(Level, start=4)},
}
_SETTINGS: Final[dict[Any, Any]] = {'svg.fonttype': 'none', 'svg.hashsalt': 'dlmachine'}


def has_plots() -> bool:
    """Whether matplotlib is installed."""
    from importlib.util import find_spec

    return find_spec('matplotlib') is not None


def bars(shares: Sequence[Share], title: str, *, of_sizes: bool = False) -> Html:
    """Bars of counts or sizes, with names and values above them; of many, the first ones."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    shown = shares[:_MAX_BARS]
    values = [one.size_bytes if of_sizes else one.count for one in shown]
    largest = max(values, default=0) or 1
    figure = Figure(figsize=(_WIDTH_INCHES, _BAR_INCHES * len(shown)))
    figure.patch.set_visible(False)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, largest), ylim=(len(shown) - 0.8, -0.8))
    axes.axis('off')
    colours = [_COLOURS['bar' if one.level is None else one.level.value] for one in shown]
    axes.barh(range(len(shown)), values, height=0.3, color=colours, clip_on=False)
    for place, one in enumerate(shown):
        files = '1 file' if one.count == 1 else f'{one.count:,} files'
        pair = (files, amount(one.size_bytes))
        text = ' · '.join(reversed(pair) if of_sizes else pair)
        at: dict[str, Any] = {'y': place - 0.22, 'va': 'bottom'}
        axes.text(0, s=_cut(one.name), ha='left', **at, **_text('ink'))
        axes.text(largest, s=text, ha='right', **at, **_text('soft'))
    drawn, canvas = io.StringIO(), FigureCanvasSVG(figure)
    with rc_context(_SETTINGS):
        canvas.print_svg(drawn, metadata={'Date': None})
    return _inlined(ET.fromstring(drawn.getvalue()), title)  # noqa: S314 -- our own


def _text(colour: str) -> dict[str, Any]:
    # A dollar in a name does not begin a formula.
    return {'color': _COLOURS[colour], 'size': 9.5, 'parse_math': False, 'usetex': False}


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_CHARS else f'{name[: _MAX_CHARS - 1]}…'


def _inlined(root: Any, title: str) -> Html:
    """A drawing as a part of a page: without ids, style sheets and metadata."""
    for child in [*root]:
        if child.tag.endswith(('}defs', '}metadata')):
            root.remove(child)
    names = {colour: f'var(--{name})' for name, colour in _COLOURS.items()}
    for each in root.iter():
        each.tag = each.tag.rpartition('}')[2]
        each.attrib.pop('id', None)
        style = each.get('style', '')
        for colour, name in names.items():
            style = style.replace(colour, name)
        if style:
            each.set('style', style)
    for name in ('width', 'height', 'version'):
        root.attrib.pop(name, None)
    root.set('role', 'img')
    root.set('aria-label', title)
    return Html(ET.tostring(root, encoding='unicode'))
