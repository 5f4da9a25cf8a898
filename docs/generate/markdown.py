"""Markdown that is generated."""

import html
import re
from collections.abc import Iterable
from typing import Final


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown, whose cells may hold any text, and code between backticks."""
    heads = tuple(heads)
    lines = [heads, ('---',) * len(heads), *(map(_cell, row) for row in rows)]
    return '\n'.join(f'| {" | ".join(line)} |'.replace('  ', ' ') for line in lines)


def _cell(text: str) -> str:
    if text.startswith('`') and '|' in text:
        # In code, a backslash before `|` is shown by some readers of Markdown and not by others.
        return _CODE.sub(_as_html, text)
    return text if text.startswith('`') else html.escape(text, quote=False).replace('|', '\\|')


_CODE: Final = re.compile(r'`([^`]*[|][^`]*)`')


def _as_html(found: re.Match[str]) -> str:
    return f'<code>{html.escape(found[1], quote=False).replace("|", "&#124;")}</code>'
