"""HTML in which every text is escaped, whatever it says."""

from html import escape
from typing import Final

from dlmachine.core.faults.printing import printable

#: Elements without content, and without an end.
_EMPTY: Final = frozenset({'input', 'link', 'meta'})


class Html(str):
    """Text that is HTML already; any other text is escaped."""

    __slots__ = ()


def text_of(content: object) -> Html:
    """A text as HTML; None is nothing, and HTML stays as it is.

    >>> text_of('<b>'), text_of(None), text_of(Html('<b>'))
    ('&lt;b&gt;', '', '<b>')
    """
    if isinstance(content, Html):
        return content
    return Html('' if content is None else escape(printable(str(content))))


def element(tag: str, /, *content: object, **attributes: object) -> Html:
    """An element; None and False leave an attribute out, and `_` stands for `-` in its name.

    >>> element('a', 'A & B', href='/?a=1&b="', aria_label=None, class_='x')
    '<a href="/?a=1&amp;b=&quot;" class="x">A &amp; B</a>'
    """
    shown = ''.join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(printable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inner = ''.join(map(text_of, content))
    return Html(f'<{tag}{shown}>' if tag in _EMPTY else f'<{tag}{shown}>{inner}</{tag}>')


def join(*content: object) -> Html:
    """Several pieces, one after the other.

    >>> join('<', Html('<br>'))
    '&lt;<br>'
    """
    return Html(''.join(map(text_of, content)))
