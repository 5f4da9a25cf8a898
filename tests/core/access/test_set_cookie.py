"""Set-Cookie and its dates are parsed as leniently as RFC 6265 requires."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import pytest

from dlmachine.core.access.cookie_date import parse_cookie_date
from dlmachine.core.access.set_cookie import SetCookie, parse_set_cookie

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
THEN = datetime(2024, 6, 2, 3, 4, 5, tzinfo=UTC)

DATES: list[tuple[str, datetime | None]] = [
    ('Sun, 02 Jun 2024 03:04:05 GMT', THEN),
    ('Sunday, 02-Jun-24 03:04:05 GMT', THEN),
    ('Sun Jun  2 03:04:05 2024', THEN),
    ('2 june 2024 3:4:5', THEN),
    ('03:04:05 2024 2nd JUNEtember', THEN),
    ('2024/2/Jun/03:04:05x', THEN),
    ('Sun, 02 Jun 2024 03:04:05 +0900', THEN),
    ('1 Jan 69 00:00:00', datetime(2069, 1, 1, tzinfo=UTC)),
    ('1 Jan 70 00:00:00', datetime(1970, 1, 1, tzinfo=UTC)),
    ('1 Jan 99 00:00:00', datetime(1999, 1, 1, tzinfo=UTC)),
    ('1 Jan Feb 2024 00:00:00', datetime(2024, 1, 1, tzinfo=UTC)),
    ('1 Jan 1601 00:00:00', datetime(1601, 1, 1, tzinfo=UTC)),
    ('1 Jan 1600 00:00:00', None),
    ('1 Jan 100 00:00:00', None),
    ('30 Feb 2024 00:00:00', None),
    ('0 Feb 2024 00:00:00', None),
    ('1 Feb 2024 24:00:00', None),
    ('1 Feb 2024 00:60:00', None),
    ('1 Feb 2024 123:00:00', None),
    ('1 Feb 20245 00:00:00', None),
    ('1 Feb 2024', None),
    ('Feb 2024 00:00:00', None),
    ('1 2024 00:00:00', None),
    ('1 Feb 00:00:00', None),
    ('1 Feb ٢٠٢٤ 00:00:00', None),
    ('', None),
    ('1 Jan 1970 00:00:00' + ' ' * 1005, datetime(1970, 1, 1, tzinfo=UTC)),
    ('1 Jan 1970 00:00:00' + ' ' * 1006, None),
]


@pytest.mark.parametrize(('text', 'instant'), DATES, ids=[text.strip() for text, _ in DATES])
def test_dates(text: str, instant: datetime | None) -> None:
    """Day, month, year and time in any order."""
    assert parse_cookie_date(text) == instant


def age(seconds: float) -> dict[str, Any]:
    """A Max-Age."""
    return {'max_age': timedelta(seconds=seconds)}


READ: list[tuple[str, dict[str, Any]]] = [
    ('a=b', {}),
    (' a \t=  b ;', {}),
    ('a=b; Secure', {'is_secure': True}),
    ('a=b;SECURE=no', {'is_secure': True}),
    ('a=b; SameSite=Lax; Partitioned; x=y; ; =', {}),
    ('a=b; HttpOnly', {'is_http_only': True}),
    ('a=b; Domain=Example.ORG', {'domain': 'example.org'}),
    ('a=b; domain = .example.org ', {'domain': 'example.org'}),
    ('a=b; Domain=..example.org', {'domain': '.example.org'}),
    ('a=b; Domain=', {}),
    ('a=b; Domain=.', {}),
    ('a=b; Domain=a.org; Domain=b.org', {'domain': 'b.org'}),
    ('a=b; Domain=a.org; Domain=', {'domain': 'a.org'}),
    ('a=b; Path=/x', {'path': '/x'}),
    ('a=b; Path=x', {}),
    ('a=b; Path=/x; Path=y', {}),
    ('a=b; Path', {}),
    ('a=b; Max-Age=60', age(60)),
    ('a=b; Max-Age=0060', age(60)),
    (f'a=b; Max-Age={"0" * 20}60', age(60)),
    ('a=b; Max-Age=34559999', age(34_559_999)),
    ('a=b; Path=/x\xa0; \xa0Secure', {'path': '/x\xa0'}),
    ('a=b;' + ' ' * 16_380, {}),
    ('a=b; Max-Age=0', age(0)),
    ('a=b; Max-Age=-1', age(0)),
    (f'a=b; Max-Age={"9" * 1000}', age(400 * 24 * 3600)),
    ('a=b; Max-Age=34560001', age(400 * 24 * 3600)),
    (f'a=b; Max-Age={"9" * 1025}', {}),
    ('a=b; Max-Age=1.5', {}),
    ('a=b; Max-Age=+1', {}),
    ('a=b; Max-Age=1_0', {}),
    ('a=b; Max-Age=٣', {}),
    ('a=b; Max-Age=', {}),
    ('a=b; Max-Age=60; Max-Age=soon', age(60)),
    ('a=b; Expires=Sun, 02 Jun 2024 03:04:05 GMT', {'expires': THEN}),
    ('a=b; Expires=soon', {}),
    (f'a=b; Path=/{"x" * 1024}', {}),
    (f'a=b; Path=/{"x" * 1023}', {'path': '/' + 'x' * 1023}),
]


@pytest.mark.parametrize(('text', 'attributes'), READ, ids=[text[:40] for text, _ in READ])
def test_summaries_of_error_texts(text: str, attributes: dict[str, Any]) -> None:
    """The last valid value of each attribute counts."""
    assert parse_set_cookie(text) == SetCookie(name='a', value='b', **attributes)


@pytest.mark.parametrize(
    ('text', 'name', 'value'),
    [
        ('a=', 'a', ''),
        ('a==b=', 'a', '=b='),
        ('a="b, c"', 'a', '"b, c"'),
        ('a=b c\td', 'a', 'b c\td'),
        ('a=é\xff', 'a', 'é\xff'),
        (f'a={"x" * 4095}', 'a', 'x' * 4095),
        ('\xa0a\xa0=\xa0b\xa0', '\xa0a\xa0', '\xa0b\xa0'),
    ],
)
def test_names_and_values(text: str, name: str, value: str) -> None:
    """Without surrounding white space; quotes belong to the value."""
    assert parse_set_cookie(text) == SetCookie(name=name, value=value)


@pytest.mark.parametrize(
    'text',
    [
        '',
        'a',
        ';a=b',
        '=b',
        ' =b',
        'a; b=c',
        'a=b\0',
        'a=b\r\nc: d',
        'a\x7f=b',
        'a=b; Path=/\n',
        f'a={"x" * 4096}',
        'a=b;' + ' ' * 16_381,
    ],
)
def test_invalid_set_cookie_values_are_ignored(text: str) -> None:
    """Without a name or equals sign, with control characters, or too long."""
    assert parse_set_cookie(text) is None


def test_max_age_counts_before_expires() -> None:
    """Without both a cookie lasts as long as the download."""
    both = SetCookie(name='a', value='b', max_age=timedelta(seconds=5), expires=THEN)
    assert both.until(NOW) == NOW + timedelta(seconds=5)
    assert SetCookie(name='a', value='b', expires=THEN).until(NOW) == THEN
    assert SetCookie(name='a', value='b').until(NOW) is None


def test_values_are_not_shown() -> None:
    """A cookie is a secret."""
    assert repr(SetCookie(name='sid', value='s3cret')) == "SetCookie('sid')"


@pytest.mark.parametrize(
    'piece',
    [';', 'a=b;', ' ', '=', 'Expires=1 Jan 2024;', 'Max-Age=1;', '1:', ':', '1 ', '-', 'é', '"'],
)
def test_long_set_cookie_values_take_no_time(piece: str) -> None:
    """Twice the length takes twice the time, not four times."""
    began = perf_counter()
    many = piece * (65_536 // len(piece))
    for text in (many, f'a=b;{many}', f'a=b; Expires={many}', f'a=b;{many[:16_000]}'):
        parse_set_cookie(text)
        parse_cookie_date(text)

    assert perf_counter() - began < 2
