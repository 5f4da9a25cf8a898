"""Cookies (RFC 6265): of one download, kept from its first request to its last; and of a jar.

Pure. Cookies are never recorded. This module also closes the holes in RFC 6265 that browsers have
closed (the draft rfc6265bis): http can neither set nor replace a Secure cookie, and the prefixes
`__Secure-` and `__Host-` are enforced.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import Final

from dlmachine.core.access.set_cookie import RUN_LIMITS, Limits, SetCookie, parse_set_cookie
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import Url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import secrets_in_fields
from dlmachine.core.secrets.secret_names import SecretNames
from dlmachine.core.text.control_chars import as_utf8

_SCHEMES: Final = frozenset({'http', 'https'})
#: The last label is a number: an IPv4 address in one of its notations.
_IPV4: Final = regex(r'(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)')


@frozen
class Cookie:
    """One cookie; a later cookie has a greater `number`.

    With `is_host_only` it is sent only to `domain` itself, otherwise to its subdomains too. The
    caller's own cookies have the `origin` of their URL, and are sent only to it; `is_kept` says
    that it comes from a jar, so that servers know it only once it is sent to them.
    """

    name: str
    value: str
    domain: str
    path: str
    number: int
    is_host_only: bool = True
    is_secure: bool = False
    expires: datetime | None = None
    is_http_only: bool = False
    origin: tuple[str, str, int | None] | None = None
    is_kept: bool = False

    def __repr__(self) -> str:
        """Show the cookie without its value."""
        return f'Cookie({self.name!r} of {self.domain}{self.path})'

    @property
    def identity(self) -> tuple[str, str, str, bool]:
        """A later cookie with the same identity replaces this one (section 5.3)."""
        return self.name, self.domain, self.path, self.is_host_only

    def goes_to(self, url: Url, now: datetime) -> bool:
        """Whether it is sent to this URL (section 5.4)."""
        if self.origin is not None and url.origin != self.origin:
            return False
        is_there = url.host == self.domain or (
            not self.is_host_only and domain_matches(url.host, self.domain)
        )
        is_private = url.scheme == 'https' or not self.is_secure
        return is_there and is_private and self.lasts(now) and path_matches(url.path, self.path)

    def lasts(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires


@frozen(kw_only=False)
class CookieStore:
    """The cookies that a download has received so far, or those of a jar.

    >>> from datetime import UTC
    >>> from dlmachine.core.http.url import parse_url
    >>> now, url = datetime(2024, 5, 1, tzinfo=UTC), parse_url('https://h.example/a/b').unwrap()
    >>> store = CookieStore().received(url, ['sid=1', 'all=2; Path=/'], now)
    >>> store.header_for(url, now)
    'sid=1; all=2'
    >>> store.header_for(parse_url('https://h.example/').unwrap(), now)
    'all=2'
    """

    cookies: tuple[Cookie, ...] = ()
    limits: Limits = RUN_LIMITS

    def __repr__(self) -> str:
        """Show the cookies without their values."""
        return f'CookieStore({list(self.cookies)!r})'

    def received(
        self, url: Url, values: Iterable[str], now: datetime, public_suffixes: Collection[str] = ()
    ) -> 'CookieStore':
        """Add the cookies that a response from a URL sets with its Set-Cookie fields.

        `public_suffixes` are the named domains under which anybody can register names, such as
        `co.uk`; a name without a dot always is one.
        """
        if url.scheme not in _SCHEMES:
            return self
        kept = {cookie.identity: cookie for cookie in self.cookies}
        number = max((cookie.number for cookie in self.cookies), default=0)
        secure = [cookie for cookie in self.cookies if cookie.is_secure]
        for value in islice(values, RUN_LIMITS.cookies):
            parsed = parse_set_cookie(value)
            domain = None if parsed is None else _domain_for(parsed, url, public_suffixes)
            if parsed is None or domain is None or not _may_be_set(parsed, url, secure):
                continue
            number += 1
            made = _cookie(parsed, url, domain, number, now)
            before = kept.get(made.identity)
            kept[made.identity] = made if before is None else replace(made, number=before.number)
        lasting = tuple(one for one in kept.values() if one.lasts(now))
        return CookieStore(lasting, self.limits).within_limits()

    def with_own(self, pairs: Iterable[tuple[str, str]], url: Url) -> 'CookieStore':
        """Add a caller's cookies, which are sent only to the origin of the URL."""
        number = max((cookie.number for cookie in self.cookies), default=0)
        own = tuple(
            Cookie(
                name=name,
                value=value,
                domain=url.host,
                path='/',
                number=number + place,
                origin=url.origin,
            )
            for place, (name, value) in enumerate(pairs, start=1)
        )
        return replace(self, cookies=(*self.cookies, *own))

    def within_limits(self) -> 'CookieStore':
        """Drop the oldest cookies that exceed the limits."""
        limits, counts = self.limits, dict[str, int]()
        kept: list[Cookie] = []
        characters = 0
        for cookie in sorted(self.cookies, key=lambda one: -one.number):
            counts[cookie.domain] = counts.get(cookie.domain, 0) + 1
            characters += len(cookie.name) + len(cookie.value)
            is_few = counts[cookie.domain] <= limits.cookies_of_domain
            if is_few and characters <= limits.characters and len(kept) < limits.cookies:
                kept.append(cookie)
        return replace(self, cookies=tuple(reversed(kept)))

    def matching(self, url: Url, now: datetime) -> tuple[Cookie, ...]:
        """The cookies for a URL: longer paths first, then earlier cookies (section 5.4)."""
        if not self.cookies or url.scheme not in _SCHEMES:
            return ()
        found = [cookie for cookie in self.cookies if cookie.goes_to(url, now)]
        own = {cookie.name for cookie in found if cookie.origin is not None}
        if own:  # A caller's cookie overrides a server's cookie of the same name.
            found = [one for one in found if one.origin is not None or one.name not in own]
        return tuple(sorted(found, key=lambda cookie: (-len(cookie.path), cookie.number)))

    def has_kept_for(self, url: Url, now: datetime) -> bool:
        """Whether a cookie of a jar is sent to a URL, so that a session may be open."""
        return any(cookie.is_kept and cookie.goes_to(url, now) for cookie in self.cookies)

    def renewed(self, kept: 'CookieStore') -> 'CookieStore':
        """The cookies of a jar as they are now, with the caller's own ones of this store."""
        number = max((cookie.number for cookie in kept.cookies), default=0)
        own = (one for one in self.cookies if one.origin is not None)
        numbered = (replace(one, number=number + place) for place, one in enumerate(own, start=1))
        return replace(kept, cookies=(*kept.cookies, *numbered))

    def header_for(self, url: Url, now: datetime) -> str:
        """The value of the Cookie field in a request for a URL; empty if no cookie matches."""
        return as_field(self.matching(url, now))

    def secrets(self, declared: SecretNames = ()) -> frozenset[str]:
        """Their secrets: those of a Cookie field that contains all that servers know already."""
        return secrets_of((one for one in self.cookies if not one.is_kept), declared)


def secrets_of(cookies: Iterable[Cookie], declared: SecretNames = ()) -> frozenset[str]:
    """The secrets of a Cookie field with these cookies."""
    return secrets_in_fields((('Cookie', as_field((one,))) for one in cookies), declared)


NO_COOKIES: Final = CookieStore()


def as_field(cookies: Iterable[Cookie]) -> str:
    """Format cookies as the value of a Cookie field (section 4.2.1)."""
    return '; '.join(f'{cookie.name}={cookie.value}' for cookie in cookies)


def domains_named(values: Iterable[str]) -> frozenset[str]:
    """The domains in Set-Cookie values; the caller finds out which are public suffixes.

    >>> sorted(domains_named(['a=1', 'b=2; Domain=.co.uk']))
    ['co.uk']
    """
    # Most values have no Domain, and searching for the word is cheap.
    likely = (value for value in islice(values, RUN_LIMITS.cookies) if 'domain' in value.lower())
    read = map(parse_set_cookie, likely)
    return frozenset(parsed.domain for parsed in read if parsed is not None and parsed.domain)


def domain_matches(host: str, domain: str) -> bool:
    """Whether a host is the domain or a subdomain (section 5.1.3); an IP address has no domains.

    >>> domain_matches('a.h.org', 'h.org'), domain_matches('ah.org', 'h.org')
    (True, False)
    >>> domain_matches('127.0.0.1', '0.0.1')
    False
    """
    return host == domain or (host.endswith(f'.{domain}') and not is_address(host))


def is_address(host: str) -> bool:
    """Whether the host of a URL is an IP address, in any notation."""
    return host.startswith('[') or _IPV4.fullmatch(host) is not None


def path_matches(path: str, prefix: str) -> bool:
    """Whether the path of a URL is a cookie's path or below it (section 5.1.4).

    >>> path_matches('/a/b', '/a'), path_matches('/ab', '/a'), path_matches('/a', '/a/')
    (True, False, False)
    """
    return path == prefix or path.startswith(f'{prefix.removesuffix("/")}/')


def default_path(url: Url) -> str:
    """The default path of a cookie without a Path (section 5.1.4)."""
    return url.path.rpartition('/')[0] or '/'


def _domain_for(parsed: SetCookie, url: Url, public_suffixes: Collection[str]) -> str | None:
    """The domain of a cookie, empty if it is host-only; None if the host may not set it."""
    domain = parsed.domain
    if not domain:
        return ''
    if '.' not in domain or domain in public_suffixes or is_address(url.host):
        return '' if domain == url.host else None
    return domain if domain_matches(url.host, domain) else None


def is_allowed_by_prefix(cookie: Cookie) -> bool:
    """Whether a cookie is what the prefix of its name promises."""
    return _fits_prefix(
        cookie.name,
        is_secure=cookie.is_secure,
        is_of_host=cookie.is_host_only and cookie.path == '/',
    )


def _fits_prefix(name: str, *, is_secure: bool, is_of_host: bool) -> bool:
    name = name.lower()
    if name.startswith('__host-'):
        return is_secure and is_of_host
    return is_secure or not name.startswith('__secure-')


def _may_be_set(parsed: SetCookie, url: Url, secure: Iterable[Cookie]) -> bool:
    is_private = url.scheme == 'https'
    is_of_host = not parsed.domain and parsed.path == '/'
    if not _fits_prefix(parsed.name, is_secure=parsed.is_secure, is_of_host=is_of_host):
        return False
    if parsed.is_secure:
        return is_private
    return is_private or not any(_covers(one, parsed, url) for one in secure)


def _covers(cookie: Cookie, parsed: SetCookie, url: Url) -> bool:
    # A cookie from http that would replace a Secure cookie, or shadow it with a longer path.
    domain = parsed.domain or url.host
    is_near = domain_matches(domain, cookie.domain) or domain_matches(cookie.domain, domain)
    return cookie.name == parsed.name and is_near and path_matches(_path(parsed, url), cookie.path)


def _path(parsed: SetCookie, url: Url) -> str:
    # Written like the host of a URL, so that both can be compared.
    from dlmachine.core.text.percent import normal_path

    return normal_path(as_utf8(parsed.path)) if parsed.path else default_path(url)


def _cookie(parsed: SetCookie, url: Url, domain: str, number: int, now: datetime) -> Cookie:
    return Cookie(
        name=parsed.name,
        value=parsed.value,
        domain=domain or url.host,
        path=_path(parsed, url),
        number=number,
        is_host_only=not domain,
        is_secure=parsed.is_secure,
        expires=parsed.until(now),
        is_http_only=parsed.is_http_only,
    )
