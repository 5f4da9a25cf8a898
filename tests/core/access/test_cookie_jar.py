"""Jars as files: what is read, what is refused, and what is written."""

from datetime import UTC, datetime, timedelta

import pytest
from returns.pipeline import is_successful

from dlmachine.core.access.cookie_jar import as_kept, format_jar, parse_jar, without_suffixes
from dlmachine.core.access.cookies import NO_COOKIES, Cookie, CookieStore
from dlmachine.core.faults import JarUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.http.url import parse_url

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
LATER = int((NOW + timedelta(days=1)).timestamp())


def read(*lines: str) -> CookieStore:
    """The cookies in these lines, whose fields are separated by spaces here."""
    return parse_jar('\n'.join(line.replace(' ', '\t') for line in lines), 'jar', NOW).unwrap()


def sent(store: CookieStore, url: str) -> str:
    """What is sent to a URL."""
    return store.header_for(parse_url(url).unwrap(), NOW)


def test_reading() -> None:
    """Comments and empty lines are left out, also those that end in CR LF."""
    text = (
        '# Netscape HTTP Cookie File\r\n# a\tb\n\n   \n'
        f'.h.org\tTRUE\t/\tFALSE\t{LATER}\twide\t1\r\n'
        'h.org\tFALSE\t/a\tTRUE\t0\tsecure\t2\n'
        '#HttpOnly_h.org\tFALSE\t/\tFALSE\t\thidden\t3\n'
        'H.ORG\tfalse\tnowhere\tfalse\t-1\tempty\n'
    )
    store = parse_jar(text, 'jar', NOW).unwrap()
    assert sent(store, 'https://h.org/a/b') == 'secure=2; wide=1; hidden=3; empty='
    assert sent(store, 'http://h.org/a/b') == 'wide=1; hidden=3; empty='
    assert sent(store, 'http://a.h.org/') == 'wide=1'
    assert [one.is_http_only for one in store.cookies] == [False, False, True, False]
    assert all(one.is_kept for one in store.cookies)


def test_what_is_left_out() -> None:
    """What has expired, and what is not what its prefix promises; a later line counts."""
    assert read(f'h.org FALSE / FALSE {int(NOW.timestamp())} old 1').cookies == ()
    assert read('h.org FALSE / FALSE 1 long-ago 1').cookies == ()
    assert read('h.org FALSE / FALSE 0 __Secure-a 1').cookies == ()
    assert read('.h.org TRUE / TRUE 0 __Host-a 1').cookies == ()
    assert read('h.org FALSE /a TRUE 0 __Host-a 1').cookies == ()
    assert len(read('h.org FALSE / TRUE 0 __Host-a 1', 'h.org FALSE / TRUE 0 __Secure-a 1').cookies) == 2  # fmt: skip
    assert sent(read('h.org FALSE / FALSE 0 a 1', 'h.org FALSE / FALSE 0 a 2'), 'http://h.org') == 'a=2'  # fmt: skip
    far = read('h.org FALSE / FALSE 99999999999999999999.5 a 1')
    assert far.cookies[0].expires == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    public = read('.co.uk TRUE / FALSE 0 a 1', 'co.uk FALSE / FALSE 0 b 1', '.h.org TRUE / FALSE 0 c 1')  # fmt: skip
    assert [one.name for one in without_suffixes(public, ('co.uk',)).cookies] == ['b', 'c']


@pytest.mark.parametrize(
    ('line', 'problem'),
    [
        ('{"a": 1}', 'line 2 has 1 field separated by tabs, not 7'),
        ('h.org\tFALSE', 'line 2 has 2 fields separated by tabs, not 7'),
        (
            'h.org\tyes\t/\tFALSE\t0\ta\tb',
            'line 2 must have TRUE or FALSE in its second and fourth',
        ),
        ('h.org\tTRUE\t/\tno\t0\ta\tb', 'line 2 must have TRUE or FALSE'),
        ('h.org\tTRUE\t/\tFALSE\tsoon\ta\tb', 'line 2 must have a number of seconds in its fifth'),
        ('\tTRUE\t/\tFALSE\t0\ta\tb', 'line 2 has no domain'),
        ('h.org\tTRUE\t/\tFALSE\t0\t\tb', 'line 2 has no name'),
        ('a\tb\tc\td\te\tf\tg\th', 'line 2 has 8 fields'),
    ],
)
def test_a_malformed_line(line: str, problem: str) -> None:
    """The fault names the line, and what to do."""
    found = parse_jar(f'# jar\n{line}\n', '/data/jar', NOW)
    assert not is_successful(found)
    fault = found.failure()
    assert isinstance(fault, JarUnusable)
    assert fault.problem.startswith(problem)
    assert fault.filename == '/data/jar'
    assert 'format of Netscape' in str(fault)


def test_what_is_written_is_read_again() -> None:
    """Also by curl and wget; what the file cannot hold is left out."""
    url = parse_url('https://h.org/').unwrap()
    fields = [
        'a=1; Domain=h.org; HttpOnly; Secure; Max-Age=60', 'b=2; Path=/x', 'c=\xe9',
        'tab=a\tb', '__Host-d=3; Secure; Path=/',
    ]  # fmt: skip
    store = NO_COOKIES.received(url, fields, NOW)
    text = format_jar(store)
    assert text.startswith('# Netscape HTTP Cookie File\n')
    expires = int(NOW.timestamp()) + 60
    assert text.splitlines()[3:] == [
        f'#HttpOnly_.h.org\tTRUE\t/\tTRUE\t{expires}\ta\t1',
        'h.org\tFALSE\t/x\tFALSE\t0\tb\t2',
        'h.org\tFALSE\t/\tFALSE\t0\tc\t\xe9',
        'h.org\tFALSE\t/\tTRUE\t0\t__Host-d\t3',
    ]
    again = parse_jar(text, 'jar', NOW).unwrap()
    assert format_jar(again) == text


def test_a_jar_has_limits() -> None:
    """Those of a browser, so that a file that was exported from one stays complete."""
    lines = [f'h{n // 180}.org FALSE / FALSE 0 n{n} 1' for n in range(2_900)]
    assert len(read(*lines).cookies) == 2_900
    assert len(read(*(f'h.org FALSE / FALSE 0 n{n} 1' for n in range(300))).cookies) == 180


def test_a_cookie_that_expired_in_1970_is_not_written_as_one_of_a_session() -> None:
    """Its time would be 0, which stands for the end of the session."""
    expired = Cookie(
        name='a', value='1', domain='h.org', path='/', number=1, expires=datetime(1970, 1, 1, tzinfo=UTC)
    )  # fmt: skip
    assert format_jar(CookieStore((expired,))).splitlines()[-1] == 'h.org\tFALSE\t/\tFALSE\t1\ta\t1'


def test_all_cookies_of_a_jar_count_as_kept() -> None:
    """Those that a server has just set, too; nothing else of them changes."""
    new = Cookie(name='a', value='1', domain='h', path='/', number=1)
    kept = replace(new, name='b', is_kept=True)
    found = as_kept(CookieStore(cookies=(new, kept)))
    assert found == CookieStore(cookies=(replace(new, is_kept=True), kept))
