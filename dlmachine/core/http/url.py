"""URLs: parse, normalize, join, and compare origins.

Pure. RFC 3986 for syntax and normalization (section 6.2.2), RFC 6454 for origins,
UTS 46 for host names.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urljoin, urlsplit

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.host import ascii_host
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.text.control_chars import find_control_char

DATA: Final = 'data'
FILE: Final = 'file'
#: The schemes of sources on this computer, which need no network.
LOCAL_SCHEMES: Final = frozenset({DATA, FILE})
_OPAQUE: Final = frozenset({DATA, 'doi'})
_PLAIN_SCHEMES: Final = frozenset({'http', 'https'})
_SERVERLESS: Final = _OPAQUE | {FILE}
DEFAULT_PORTS: Final = {'http': 80, 'https': 443, 'ftp': 21, 'ftps': 990, 'sftp': 22, 'scp': 22}

_SCHEME: Final = regex(r'[A-Za-z][A-Za-z0-9+.\-]*')
_MAX_CHARACTERS: Final = 65_536
#: Labels of 1 to 63 characters (RFC 1035 section 2.3.4).
_HOST_NAME: Final = regex(r'(?:[a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63})*)?')
#: A host, with or without port and path, of a URL without its scheme.
_HOST_FIRST: Final = regex(
    r'(?i)(?:localhost|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9})(?::[0-9]{1,5})?(?:/[^\s]{0,60})?'
)
#: URLs in normal form without userinfo and escapes, as most are.
_NORMAL: Final = regex(
    r'(https?)://([a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63})*)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?'
    r"(/[A-Za-z0-9_.~/:@!$&'()*+,;=\-]*)(?:\?([A-Za-z0-9_.~/:@!$&'()*+,;=?\-]+))?"
)
#: An address in brackets, and what is checked as a port.
_BRACKETED: Final = regex(r'\[([^\[\]]*)\](?::.*)?')
#: IPv6, with a zone (RFC 6874).
_ADDRESS: Final = regex(r'[0-9a-f:.]+(%[a-z0-9_.~\-]+)?')


@frozen(kw_only=False)
class Url:
    """A URL in normal form; `str()` writes it, `repr()` masks its secrets.

    Host in lower case and in ASCII (UTS 46), default port dropped, dot segments removed,
    percent-encoding in one way only, no fragment.
    """

    scheme: str
    host: str
    port: int | None = None
    path: str = '/'
    query: str = ''
    userinfo: str = ''

    def __str__(self) -> str:
        """The complete URL with its secrets: for requests and cache keys only."""
        userinfo = f'{self.userinfo}@' if self.userinfo else ''
        query = f'?{self.query}' if self.query else ''
        joint = ':' if self.scheme in _OPAQUE else '://'
        return f'{self.scheme}{joint}{userinfo}{self.authority}{self.path}{query}'

    def __repr__(self) -> str:
        """Show the URL with secrets masked."""
        return f'Url({redact_url(str(self))!r})'

    @property
    def authority(self) -> str:
        """The host, with the port unless it is the default."""
        return self.host if self.port is None else f'{self.host}:{self.port}'

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """The origin: scheme, host and effective port (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port or DEFAULT_PORTS.get(self.scheme)

    def without_userinfo(self) -> 'Url':
        """The same URL without user name and password."""
        return replace(self, userinfo='')


def scheme_of(url: str) -> str:
    """The scheme of a URL.

    >>> scheme_of('HTTPS://h/'), scheme_of('file:///x')
    ('https', 'file')
    """
    return url.partition(':')[0].lower()


def is_local(url: str) -> bool:
    """Whether a URL is that of a source on this computer."""
    return scheme_of(url) in LOCAL_SCHEMES


def is_store(url: str) -> bool:
    """Whether a URL is that of a store, which fsspec reads.

    >>> is_store('S3://bucket/x'), is_store('https://h/x')
    (True, False)
    """
    scheme = scheme_of(url)
    if scheme in _PLAIN_SCHEMES:
        return False
    # Imported late: most downloads are from servers.
    from dlmachine.core.text.stores import STORES

    return scheme in STORES


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL, and not as a path; it may be a bad one.

    >>> is_url('https://h/x'), is_url('DOI:10.5281/zenodo.1'), is_url('C:/x'), is_url('a:b')
    (True, True, False, False)
    """
    return '://' in text or text.partition(':')[0].lower() in _SERVERLESS


def parse_url(text: object, where: str = 'url') -> Result[Url, Fault]:
    """Parse an absolute URL into normal form; `where` names the argument in a fault.

    Faults: `InvalidInput`.

    >>> str(parse_url('HTTP://Example.org:80/a/../b c').unwrap())
    'http://example.org/b%20c'
    >>> parse_url('example.org/x').failure().problem
    "'example.org/x' has no scheme"
    """
    if not isinstance(text, str):
        problem = f'must be text, not {type(text).__name__}'
        is_several = isinstance(text, (list, tuple, set, frozenset))
        advice = 'Pass several URLs to download_many' if is_several else 'Pass it as text'
        return refuse(where, problem, advice)
    return _remembered(text, where)


@lru_cache(maxsize=256)
def _remembered(text: str, where: str) -> Result[Url, Fault]:
    # One download parses the same URL many times.
    return _parse(text, where)


def _parse(text: str, where: str) -> Result[Url, Fault]:
    if len(text) <= _MAX_CHARACTERS:
        normal = _NORMAL.fullmatch(text)
        # A dot after a slash may begin a dot segment.
        if normal is not None and '/.' not in normal[4]:
            scheme, host, port, path, query = normal.groups('')
            number = int(port) if port and int(port) != DEFAULT_PORTS[scheme] else None
            return Success(Url(scheme=scheme, host=host, port=number, path=path, query=query))
    return _normalize(text, where)


def _normalize(text: str, where: str) -> Result[Url, Fault]:
    # Imported late: most URLs are in normal form.
    from dlmachine.core.text.percent import (
        QUERY_SAFE,
        USERINFO_SAFE,
        normal_escapes,
        normal_path,
        without_dots,
    )
    from dlmachine.core.text.serverless import parse_serverless

    fault = _find_fault(text, where)
    if fault is not None:
        return Failure(fault)
    special = parse_serverless(text.strip(' '), where)
    if special is not None:
        return special.bind(lambda found: _within_limit(Url(port=None, **found._asdict()), where))
    try:
        parts = urlsplit(text.strip(' '))
        host, port = _normal_host(_host_of(parts.netloc)), parts.port
    except (ValueError, UnicodeError) as error:
        return refuse(where, f'is not a URL: it has a {_reason(error)}')
    scheme = parts.scheme.lower()
    userinfo = parts.netloc.rpartition('@')[0]
    if not host:
        return refuse(where, 'has no host')
    url = Url(
        scheme=scheme,
        host=host,
        port=None if port == DEFAULT_PORTS.get(scheme) else port,
        path=without_dots(normal_path(parts.path)) or '/',
        query=normal_escapes(parts.query, QUERY_SAFE),
        userinfo=normal_escapes(userinfo, USERINFO_SAFE),
    )
    return _within_limit(url, where)


def _within_limit(url: Url, where: str) -> Result[Url, Fault]:
    # Escapes make a URL longer, and its normal form must be within the limit too.
    long = _find_excess(str(url), where)
    return Success(url) if long is None else Failure(long)


def join_url(base: Url, reference: str) -> Result[Url, Fault]:
    """Resolve the reference in a `Location` against a base URL (RFC 3986 section 5).

    >>> base = parse_url('https://h/a/b').unwrap()
    >>> str(join_url(base, '../c?x=1').unwrap())
    'https://h/c?x=1'
    """
    fault = find_control_char('Location', reference)
    if fault is not None:
        return Failure(fault)
    try:
        joined = urljoin(str(base.without_userinfo()), reference.strip(' \t'))
    except ValueError as error:
        return refuse('Location', f'is not a URL: it has a {_reason(error)}')
    return parse_url(joined, 'Location')


def _find_fault(text: str, where: str) -> InvalidInput | None:
    breaker = find_control_char(where, text)
    if breaker is not None:
        return breaker
    if '\t' in text:
        # urlsplit would remove it, and the rest may be the URL of another file.
        position = text.index('\t')
        problem = f'contains TAB at position {position}'
        return InvalidInput(where=where, problem=problem, advice='Pass one URL at a time')
    excess = _find_excess(text, where)
    if excess is not None:
        return excess
    scheme, colon, rest = text.strip(' ').partition(':')
    if colon and scheme.lower() in _SERVERLESS:
        return None
    if not colon or _SCHEME.fullmatch(scheme) is None or not rest.startswith('//'):
        return _no_scheme(text, where)
    return None


_BEGIN: Final = 'A URL begins with https://, for example'
_LOCAL: Final = 'For a local file write file:///path, and pass allow_file=True'
#: The beginning of a path of this computer.
_PATH: Final = regex(r'(?s)(?:~|\.{1,2}(?:/|\Z)|/(?!/)).*')


def _no_scheme(text: str, where: str) -> InvalidInput:
    # The caller's secret names are not known here, so parameters are not shown.
    shown = redact_url(re.split('[?#;]', text.strip(' '))[0])
    otherwise = _LOCAL if _PATH.fullmatch(shown) else _BEGIN
    advice = f'Did you mean https://{shown}?' if _HOST_FIRST.fullmatch(shown) else otherwise
    problem = f'{shown_value(shown)} has no scheme'
    return InvalidInput(where=where, problem=problem, advice=advice)


def _find_excess(text: str, where: str) -> InvalidInput | None:
    if len(text) <= _MAX_CHARACTERS:
        return None
    return InvalidInput(
        where=where,
        problem=f'has {len(text):,} characters; at most {_MAX_CHARACTERS:,} are allowed',
        advice='Send long queries in a body: post=True',
    )


def _host_of(netloc: str) -> str:
    # Not `urlsplit().hostname`: its lower case turns a final Σ into ς, which is another name.
    host = netloc.rpartition('@')[2]
    if '[' not in host:
        return host.partition(':')[0]
    found = _BRACKETED.fullmatch(host)
    # An IP address of a later version (RFC 3986 section 3.2.2) would be read as a name.
    if found is None or ':' not in found[1]:
        raise ValueError('not an address')
    return found[1]


def _normal_host(host: str) -> str:
    is_address = ':' in host
    named = host if host.isascii() else ascii_host(host)
    lowered = named.lower() if is_address else named.lower().removesuffix('.')
    if not (_ADDRESS if is_address else _HOST_NAME).fullmatch(lowered):
        raise ValueError('not a host name')
    return f'[{lowered}]' if is_address else lowered


def _reason(error: Exception) -> str:
    # Messages of the standard library quote the URL with its secrets.
    return (
        'port that is not a number from 0 to 65535'
        if str(error).startswith('Port')
        else 'malformed host'
    )
