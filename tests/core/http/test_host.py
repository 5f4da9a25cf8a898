"""Host names by UTS 46, non-transitional."""

import subprocess
import sys
from time import perf_counter

import pytest

from dlmachine.core.http.url import join_url, parse_url

NAMES = [
    # Deviations: IDNA 2003 has another host.
    ('faß.example', 'xn--fa-hia.example'),
    ('FAẞ.example', 'xn--fa-hia.example'),
    ('straße.de', 'xn--strae-oqa.de'),
    ('βόλος.com', 'xn--nxasmm1c.com'),
    ('ΒΌΛΟΣ.com', 'xn--nxasmq6b.com'),
    ('क्\u200cष.com', 'xn--11b2ezcs70k.com'),
    ('क्\u200dष.com', 'xn--11b2ezcw70k.com'),
    # Names that are the same in all versions.
    ('bücher.example', 'xn--bcher-kva.example'),
    ('BÜCHER.Example', 'xn--bcher-kva.example'),
    ('bu\u0308cher.example', 'xn--bcher-kva.example'),
    ('日本語。ＪＰ', 'xn--wgv71a119e.jp'),
    ('例え．テスト', 'xn--r8jz45g.xn--zckzah'),
    ('例え｡テスト', 'xn--r8jz45g.xn--zckzah'),
    ('مثال.إختبار', 'xn--mgbh0fb.xn--kgbechtv'),
    ('ｅｘａｍｐｌｅ.org', 'example.org'),
    ('１２７.0.0.1', '127.0.0.1'),
    ('a\xadb.é', 'ab.xn--9ca'),
    ('é' + '\xad' * 1023, 'xn--9ca'),
    ('é.', 'xn--9ca'),
    ('é。', 'xn--9ca'),
    ('xn--fa-hia.é', 'xn--fa-hia.xn--9ca'),
    ('ｘｎ－－fa-hia.é', 'xn--fa-hia.xn--9ca'),
    ('a_b.é', 'a_b.xn--9ca'),
    ('é_b.de', 'xn--_b-9ia.de'),
    ('é-.de', 'xn----9fa.de'),
    # Symbols and emoji, which IDNA 2008 refuses.
    ('☃.net', 'xn--n3h.net'),
    ('💩.la', 'xn--ls8h.la'),
    ('i❤.ws', 'xn--i-7iq.ws'),
    ('i❤️.ws', 'xn--i-7iq.ws'),
    ('👨\u200d👩\u200d👧.fm', 'xn--pq8hbd.fm'),
    ('❤️\u200d🔥.ws', 'xn--qei7378m.ws'),
]


@pytest.mark.parametrize(('name', 'host'), NAMES, ids=[host for _, host in NAMES])
def test_host_names_are_converted_as_in_browsers(name: str, host: str) -> None:
    """In a URL, after userinfo and before a port, and in redirects."""
    assert parse_url(f'https://{name}/x').unwrap().host == host
    whole = parse_url(f'https://me:p%5Bw@{name}:8443/x').unwrap()
    assert (whole.host, whole.port, whole.userinfo) == (host, 8443, 'me:p%5Bw')
    assert parse_url(str(whole)).unwrap() == whole
    assert join_url(whole, f'//{name}/y').unwrap().host == host


REFUSED = [
    'a\u200db.com', 'a\u200cb.com', 'नि\u200d.com',  # joiners where none may be
    'אa.com', '1א.com', '\u0663\u0664.com',  # two directions, or digits of another one
    '\u0300a.com',  # a mark without a letter
    'a\u0378.com', 'a\ue000.com', 'a\U000e0001.com',  # characters that no name has
    'a..é', '.é', 'é..', '。é',  # empty labels
    'é' * 64, 'é' * 60, 'ß' * 2000, '\xad' * 2000, 'é' + '\xad' * 1024,  # too long
    'xn--é.com', 'ｘｎ－－é.com',  # Text that looks encoded, but is not.
    'é\u3000b.com', 'é b.com', 'é%41.com', 'é\\b.com', 'a／é.com', 'a＠é.com', 'é：80', 'é<.com',
]  # fmt: skip


@pytest.mark.parametrize('name', REFUSED, ids=ascii)
def test_invalid_host_names_are_refused(name: str) -> None:
    """All of them give the same problem."""
    fault = parse_url(f'https://{name}/').failure()
    assert (fault.code, 'malformed host' in str(fault)) == ('invalid_input', True)


ASCII = ['xn--fa-hia.example', 'xn--zz--.example', 'a_b.example', '0x7f.1', '127.1', '-a-.example']


@pytest.mark.parametrize('name', ASCII)
def test_ascii_names_are_unchanged(name: str) -> None:
    """The resolver decides whether they exist."""
    assert parse_url(f'https://{name.upper()}/').unwrap().host == name


@pytest.mark.parametrize(
    'name', ['ex%61mple.org', 'ex%C3%A9mple.org', '[::1', '[::é]', '[fe80::1%é]', '[v1.example]']
)
def test_escapes_are_not_letters(name: str) -> None:
    """A percent-encoded host is refused, as is an IP address with letters."""
    assert parse_url(f'https://{name}/').failure().code == 'invalid_input'


def test_long_names_cost_no_time() -> None:
    """The time is linear for all characters."""
    began = perf_counter()
    for piece in ('é', 'é.', '\xad', '\u200c', '\u200d', '\u0300', '﷽', '☃\u200d', 'א', 'xn--'):
        parse_url(f'https://{(piece * 65_000)[:65_000]}é/')

    assert perf_counter() - began < 2


def test_ascii_needs_no_tables() -> None:
    """The tables are loaded only for other names."""
    code = (
        'import sys; from dlmachine.core.http.url import parse_url;'
        'parse_url("https://Example.org/a%20b"); assert "idna" not in sys.modules;'
        'parse_url("https://é.org/"); assert "idna" in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
