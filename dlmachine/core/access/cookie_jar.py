"""A cookie jar as a file: the format of Netscape, which curl and wget read and write.  Pure.

A line has seven fields, separated by tabs: domain, whether subdomains receive the cookie, path,
whether it is Secure, when it expires in seconds since 1970 (0: with the session), name, and value.
Before the domain of a cookie that scripts may not read stands `#HttpOnly_`.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.access.cookies import Cookie, CookieStore, is_allowed_by_prefix
from dlmachine.core.access.set_cookie import JAR_LIMITS
from dlmachine.core.faults import Fault, JarUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.regex import regex

_HEADER: Final = '# Netscape HTTP Cookie File\n# Written by dlmachine. Keep it private.\n\n'
_HTTP_ONLY: Final = '#HttpOnly_'
_FLAGS: Final = {'TRUE': True, 'FALSE': False}
#: Some programs write a fraction, nothing, or -1 for a cookie of a session.
_SECONDS: Final = regex(r'-?[0-9]{1,20}(?:\.[0-9]{0,20})?')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SECONDS: Final = 253_402_300_799
#: Not allowed in a field of the file.
_UNWRITABLE: Final = regex('[\x00-\x1f\x7f]|[^\x00-\xff]')


def parse_jar(text: str, path: str, now: datetime) -> Result[CookieStore, Fault]:
    r"""Read the text of a jar; `path` is that of its file.

    Cookies that have expired, or whose prefix does not allow them, are left out. Faults:
    `JarUnusable` with the line.

    >>> read = parse_jar('.h.org\tTRUE\t/\tTRUE\t0\tsid\tabc\n', 'jar', datetime.now(UTC))
    >>> read.unwrap()
    CookieStore([Cookie('sid' of h.org/)])
    >>> print(parse_jar('{}', 'jar', datetime.now(UTC)).failure().what())
    cookie jar jar: line 1 has 1 field separated by tabs, not 7
    """
    found: dict[object, Cookie] = {}
    for number, line in enumerate(text.split('\n'), start=1):
        content = line.removesuffix('\r')
        is_http_only = content.startswith(_HTTP_ONLY)
        content = content.removeprefix(_HTTP_ONLY)
        if not content.strip() or (content.startswith('#') and not is_http_only):
            continue
        cookie = _parse_line(content, number)
        if isinstance(cookie, str):
            return Failure(JarUnusable(path=path, problem=f'line {number} {cookie}'))
        if cookie.lasts(now) and is_allowed_by_prefix(cookie):
            found[cookie.identity] = replace(cookie, is_http_only=is_http_only)
    return Success(CookieStore(tuple(found.values()), limits=JAR_LIMITS).within_limits())


def format_jar(store: CookieStore) -> str:
    """The text of a jar.

    A cookie with a character that the file cannot hold, such as a tab, is left out.
    """
    return _HEADER + ''.join(map(_line_of, store.cookies))


def as_kept(store: CookieStore) -> CookieStore:
    """The store with all its cookies marked as those of a jar, in which a session may be open."""
    kept = (one if one.is_kept else replace(one, is_kept=True) for one in store.cookies)
    return replace(store, cookies=tuple(kept))


def without_suffixes(store: CookieStore, public_suffixes: Collection[str]) -> CookieStore:
    """The store without cookies that would go to all domains below a public suffix."""
    kept = (one for one in store.cookies if one.is_host_only or one.domain not in public_suffixes)
    return replace(store, cookies=tuple(kept))


def _parse_line(line: str, number: int) -> Cookie | str:
    fields = line.split('\t')
    if len(fields) == 6:
        fields.append('')  # A value that is empty, without its tab.
    if len(fields) != 7:
        noun = 'field' if len(fields) == 1 else 'fields'
        return f'has {len(fields)} {noun} separated by tabs, not 7'
    domain, subdomains, path, secure, expires, name, value = fields
    if not {subdomains.upper(), secure.upper()} <= _FLAGS.keys():
        return 'must have TRUE or FALSE in its second and fourth field'
    if expires and _SECONDS.fullmatch(expires) is None:
        return 'must have a number of seconds in its fifth field'
    domain = domain.lower().removeprefix('.')
    if not domain or not name:
        return f'has no {"name" if domain else "domain"}'
    return Cookie(
        name=name,
        value=value,
        domain=domain,
        path=path if path.startswith('/') else '/',
        number=number,
        is_host_only=not _FLAGS[subdomains.upper()],
        is_secure=_FLAGS[secure.upper()],
        expires=_time_of(float(expires or 0)),
        is_kept=True,
    )


def _time_of(seconds: float) -> datetime | None:
    if seconds <= 0:
        return None
    return _EPOCH + timedelta(seconds=min(seconds, _MAX_SECONDS))


def _line_of(cookie: Cookie) -> str:
    expires = 0 if cookie.expires is None else max(1, int(cookie.expires.timestamp()))
    domain = cookie.domain if cookie.is_host_only else f'.{cookie.domain}'
    flags = ['FALSE' if flag else 'TRUE' for flag in (cookie.is_host_only, not cookie.is_secure)]
    fields = [domain, flags[0], cookie.path, flags[1], str(expires), cookie.name, cookie.value]
    if any(_UNWRITABLE.search(one) is not None for one in fields):
        return ''
    line = '\t'.join(fields)
    return f'{_HTTP_ONLY}{line}\n' if cookie.is_http_only else f'{line}\n'
