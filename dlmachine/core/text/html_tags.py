"""The tags of a web page, with their attributes and the text after each.

Pure. One pass (HTML Living Standard, section 13.2.5), whose time is linear in the page, whatever a
server sends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from html import unescape
from typing import Final, TypeAlias

from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex
from dlmachine.core.text.charsets import TEXT_CHARSETS

Attributes: TypeAlias = Mapping[str, str]

_TAG_NAME: Final = regex(r'[A-Za-z][^\s/>]*+')
_ATTRIBUTE: Final = regex(
    r'[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|\'([^\']*+)\'|(?!["\'])([^\s>]*+)))?'
)
_TAG_END: Final = regex(r'[\s/]*+>')
#: Elements whose content has no tags.
_RAW: Final = {
    name: regex(rf'(?i)</{name}(?=[\s/>])')
    for name in ('script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes')
}
_CHARSET: Final = regex(rb'(?i)<meta\b[^>]{0,200}?charset\s{0,9}=\s{0,9}["\']?([a-z0-9_-]{1,30})')
#: A page declares its charset in these bytes (HTML Living Standard, section 4.2.5.4).
_DECLARING_BYTES: Final = 1_024


@frozen(kw_only=False)
class Tag:
    """A tag, and the text after it, up to the next one."""

    name: str
    attributes: Attributes = field(default_factory=dict)
    is_end: bool = False
    text: str = ''


def decode_page(body: bytes, content_type: str) -> str:
    r"""The text of a page, by its Content-Type, its byte order mark or its `meta` element.

    >>> decode_page(b'caf\xe9', 'text/html; charset=iso-8859-1')
    'café'
    """
    named = content_type.lower().partition('charset=')[2].partition(';')[0].strip(' "')
    if body.startswith(b'\xef\xbb\xbf'):
        return body.decode('utf-8-sig', 'replace')
    found = _CHARSET.search(body[:_DECLARING_BYTES])
    declared = '' if found is None else found[1].decode('ascii').lower()
    charset = next((one for one in (named, declared) if one in TEXT_CHARSETS), 'utf-8')
    return body.decode(charset, 'replace')


def read_tags(page: str) -> Iterator[Tag]:
    """The tags of a page, in order, without those in comments and scripts.

    >>> [(tag.name, dict(tag.attributes), tag.text) for tag in read_tags('<P a=b&amp;c>hi<br>')]
    [('p', {'a': 'b&c'}, 'hi'), ('br', {}, '')]
    """
    position = page.find('<')
    while position != -1:
        start = page[position + 1 : position + 2]
        if start in {'!', '?'}:
            end = _end_of_comment(page, position)
        else:
            is_end = start == '/'
            name = _TAG_NAME.match(page, position + 1 + is_end)
            if name is None:
                position = page.find('<', position + 1)
                continue
            attributes, end = _attributes(page, name.end())
            if end != -1:
                raw = None if is_end else _RAW.get(name[0].lower())
                closing = None if raw is None else raw.search(page, end)
                if raw is not None and closing is None:
                    return  # The rest of the page is its content.
                after = page.find('<', end) if closing is None else closing.start()
                text = page[end:after] if after != -1 else page[end:]
                yield Tag(name[0].lower(), attributes, is_end, plain_text(text))
                position = after
                continue
        if end == -1:
            return  # A tag or a comment that does not end.
        position = page.find('<', end)


def _end_of_comment(page: str, position: int) -> int:
    if not page.startswith('<!--', position):
        return page.find('>', position)
    return -1 if (end := page.find('-->', position + 2)) == -1 else end + 3


def _attributes(page: str, position: int) -> tuple[Attributes, int]:
    # The attributes of a tag, and where it ends; -1 if it does not.
    found: dict[str, str] = {}
    while (end := _TAG_END.match(page, position)) is None:
        one = _ATTRIBUTE.match(page, position)
        if one is None or page.startswith('=', one.end()):  # The quotation mark is not closed.
            return {}, -1
        value = next((text for text in one.groups()[1:] if text is not None), '')
        found.setdefault(one[1].lower(), plain_text(value))
        position = one.end()
    return found, end.end()


def plain_text(text: str) -> str:
    """The text without character references.

    >>> plain_text('a &lt; b')
    'a < b'
    """
    try:
        return unescape(text)
    except ValueError:  # The number of a character that has thousands of digits.
        return text
