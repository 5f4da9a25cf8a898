"""The tags of web pages, sound and hostile."""

import time

import pytest

from dlmachine.core.access.login_form import MAX_SCANNED_CHARS, Form, read_page
from dlmachine.core.text.html_tags import decode_page, plain_text, read_tags


@pytest.mark.parametrize(
    ('page', 'tags'),
    [
        ('<p>a<BR/>b</p>', ['p{} a', 'br{} b', '/p{} ']),
        ('<a b = "c>d" E=\'f\' g=h/i j>k', ["a{'b': 'c>d', 'e': 'f', 'g': 'h/i', 'j': ''} k"]),
        ('<a b=>c<a b= >d', ["a{'b': ''} c", "a{'b': ''} d"]),
        ('<a b=1 b=2>', ["a{'b': '1'} "]),
        ('<a b="&lt;&#228;"/>', ["a{'b': '<ä'} "]),
        ('a < b <1> <', []),
        ('<!-- <a> --><b><!--><c><!---><d><!doctype <e>f<?x <g>h', ['b{} ', 'c{} ', 'd{} ']),
        (
            '<script>"<a>"</scripts></SCRIPT ><b>',
            ['script{} "<a>"</scripts>', '/script{} ', 'b{} '],
        ),
        ('<textarea>\n<a></textarea>', ['textarea{} \n<a>', '/textarea{} ']),
        ('<title>a', []),
        ('<a><b', ['a{} ']),
        ('<a><b c="d>', ['a{} ']),
        ('<a><b c="d" ', ['a{} ']),
        ('<a><!-- b', ['a{} ']),
        ('<a><!b', ['a{} ']),
        ('</a b="c">d', ["/a{'b': 'c'} d"]),
        ('</>a<b>', ['b{} ']),
    ],
)
def test_tags(page: str, tags: list[str]) -> None:
    """As browsers read them; what does not end is none."""
    read = [
        f'{"/" * one.is_end}{one.name}{dict(one.attributes)} {one.text}' for one in read_tags(page)
    ]
    assert read == tags


@pytest.mark.parametrize(
    ('body', 'content_type', 'text'),
    [
        ('ä'.encode(), 'text/html', 'ä'),
        ('ä'.encode('latin-1'), 'text/html; charset=ISO-8859-1', 'ä'),
        (b'<meta charset="windows-1252">\xe4', '', '<meta charset="windows-1252">ä'),
        ('\ufeffä'.encode(), 'text/html; charset=koi8-r', 'ä'),
        ('ä'.encode(), 'text/html; charset=punycode', 'ä'),
        (b'\xff', 'text/html; charset=utf-8', '\ufffd'),
    ],
)
def test_charsets(body: bytes, content_type: str, text: str) -> None:
    """The byte order mark, the header field, the page, else UTF-8."""
    assert decode_page(body, content_type) == text


def test_characters_by_number() -> None:
    """A number of thousands of digits is left as it is."""
    assert plain_text('&amp;&#x41;') == '&A'
    long = f'&#{"1" * 5_000};'
    assert plain_text(long) == long


def test_the_fields_of_a_form() -> None:
    """What a browser would send, and the names of what it would not."""
    page = (
        '<form><input name=q></form><form action="/in?a=1&amp;b=2" METHOD=Post>'
        '<meta name=token content=t><meta name=x><form action=/other>'
        '<input name=user value=me><input><input name=off disabled><input type=checkbox name=on checked>'
        '<input type=radio name=no><input type=file name=file><input type=PASSWORD name=pw>'
        '<select name=s><option value=1>a</option><option selected>two </select>'
        '<select name=first><option>one<option value=2></select><select name=none></select><option>x'
        '<textarea name=t>\n&lt;b></textarea><button name=go>Go</button></form></form>'
        '<input name=late><form action=/last><input name=z>'
    )
    read = read_page('https://h/', page.encode(), '')
    assert read.metas == (('token', 't'),)
    assert read.forms == (
        Form(fields=(('q', ''),)),
        Form(
            action='/in?a=1&b=2',
            method='Post',
            fields=(
                ('user', 'me'), ('on', 'on'), ('pw', ''), ('s', 'two'), ('first', 'one'), ('none', ''), ('t', '<b>'),
            ),
            unsent=('off', 'no', 'file', 'go'),
            has_password=True,
        ),
        Form(action='/last', fields=(('z', ''),)),
    )  # fmt: skip


@pytest.mark.timing
@pytest.mark.parametrize(
    'unit',
    [
        '<a ', '<a b=', '<a b="', '<!--', '<form><input name=a>', '</', '<!', '<?', '<title>', '<textarea>', '&', '&#1',
        '<select name=a>', '<form><select name=a><option>', '<', ' a=b', '<p>', '<script></scrip', 'x',
    ],
)  # fmt: skip
def test_a_hostile_page_takes_a_moment(unit: str) -> None:
    """The largest page that is downloaded; the text after the scanned part is kept."""
    page = b'<form action=/><input name=a>' + unit.encode() * ((8 << 20) // len(unit))
    began = time.process_time()
    read = read_page('https://h/', page, 'text/html')
    assert time.process_time() - began < 2
    assert len(read.text) == len(page) > MAX_SCANNED_CHARS


@pytest.mark.parametrize('declared', [
    'charset="ISO-8859-1"', 'charset=iso-8859-1; x=y', 'charset=iso-8859-1; charset=utf-8',
])  # fmt: skip
def test_forms_of_a_declared_charset(declared: str) -> None:
    """In quotation marks, before other parameters, and the first of two."""
    assert decode_page(b'caf\xe9', f'text/html; {declared}') == 'café'


def test_bytes_that_are_not_in_the_charset_are_replaced() -> None:
    """Also behind a byte order mark."""
    assert decode_page(b'\xef\xbb\xbfcaf\xe9', '') == decode_page(b'caf\xe9', '') == 'caf\ufffd'


@pytest.mark.parametrize(('page', 'names'), [
    ('1 < 2 <b>x</b><i>', ['b', 'b', 'i']),
    ('<<b>x', ['b']),
    ('<!DOCTYPE html><b>x</b><i>', ['b', 'b', 'i']),
    ('<?xml version="1.0"?><b>x', ['b']),
    ('<!-- a > <b> --><i><!-- --><u>', ['i', 'u']),
    ('</script><script>a<b></script><i>', ['script', 'script', 'script', 'i']),
    ('<b>x<!-- <i>', ['b']),
    ('<!-- --><!DOCTYPE html><b>x', ['b']),
])  # fmt: skip
def test_where_tags_begin(page: str, names: list[str]) -> None:
    """Not at a sign of comparison, in a comment or in a script; those around them are found."""
    assert [tag.name for tag in read_tags(page)] == names
