"""IP addresses that a caller sets for hosts, instead of those of the resolver.

Pure. As curl's `--resolve`: `host:port:address`, several addresses with commas, `*` for any host.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.http.url import parse_url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.refusal import refused

#: Host, port and addresses; the last one for a host counts.
Resolved: TypeAlias = tuple[tuple[str, int, tuple[str, ...]], ...]
#: What a caller may pass as `resolve`.
ResolveLike: TypeAlias = Mapping[str, str | Iterable[str]] | Iterable[str] | str | None

_ANY: Final = '*'
#: An entry of curl: host and port, and the addresses.
_ENTRY: Final = regex(r'(?s)([^:]*:[^:]*):(.*)')
_PORT: Final = regex('[0-9]{1,5}')
_EXAMPLE: Final = "Write it like {'example.org:443': '192.0.2.7'}"


def read_resolve(name: str, value: object) -> Result[object, Fault]:
    """Parse the option: a mapping, or texts as curl has them.

    >>> read_resolve('resolve', {'Example.org:443': '192.0.2.7'}).unwrap()
    (('example.org', 443, ('192.0.2.7',)),)
    >>> read_resolve('resolve', 'example.org:443:192.0.2.7,[::1]').unwrap()
    (('example.org', 443, ('192.0.2.7', '::1')),)
    """
    if value is None:
        return Success(())
    pairs = _pairs(value)
    if pairs is None:
        return refused(name, value, 'a mapping from host:port to IP addresses')
    found = []
    for place, addresses in pairs:
        one = _parse(name, place, addresses)
        if not is_successful(one):
            return Failure(one.failure())
        found.append(one.unwrap())
    return Success(tuple(found))


def addresses_of(resolved: Resolved, host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host and a port that a caller has set; none if they are not set.

    >>> addresses_of((('*', 443, ('::1',)), ('h', 443, ('127.0.0.1',))), 'h', 443)
    ('127.0.0.1',)
    """
    for wanted in (host, _ANY):
        for name, number, addresses in reversed(resolved):
            if name == wanted and number == port:
                return addresses
    return ()


def as_curl_writes(resolved: Resolved) -> tuple[str, ...]:
    """The entries as curl has them, so that for each host and port the last one counts.

    >>> as_curl_writes((('h', 443, ('127.0.0.1', '::1')),))
    ('h:443:127.0.0.1,[::1]',)
    """
    last = {(host, port): addresses for host, port, addresses in resolved}
    return tuple(
        f'{host}:{port}:{",".join(f"[{one}]" if ":" in one else one for one in addresses)}'
        for (host, port), addresses in last.items()
    )


def _pairs(value: object) -> list[tuple[object, object]] | None:
    if isinstance(value, Mapping):
        return list(value.items())
    texts = value.split() if isinstance(value, str) else value
    if not isinstance(texts, Iterable) or isinstance(texts, (bytes, bytearray)):
        return None
    found: list[tuple[object, object]] = []
    for text in texts:
        if isinstance(text, tuple) and len(text) == 3:
            found.append((f'{text[0]}:{text[1]}', text[2]))
            continue
        one = _ENTRY.fullmatch(text) if isinstance(text, str) else None
        found.append((text, '') if one is None else (one[1], one[2]))
    return found


def _parse(
    name: str, place: object, given: object
) -> Result[tuple[str, int, tuple[str, ...]], Fault]:
    host, _, port = str(place).rpartition(':')
    is_port = _PORT.fullmatch(port) is not None and 0 < int(port) < 1 << 16
    url = Success(None) if host == _ANY else parse_url(f'proxy://{host}/')
    if not isinstance(place, str) or not is_port or not is_successful(url):
        problem = f'has {shown_value(place)}, which is not a host and a port'
        return refuse(name, problem, _EXAMPLE)
    texts = given.split(',') if isinstance(given, str) else given
    if not isinstance(texts, Iterable):
        texts = (texts,)
    addresses = tuple(_address(one) for one in texts)
    if not addresses or '' in addresses:
        problem = f'has {shown_value(given)} for {place}, which is not an IP address'
        return refuse(name, problem, _EXAMPLE)
    known = url.unwrap()
    return Success((_ANY if known is None else known.host, int(port), addresses))


def _address(given: object) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(str(given).strip().removeprefix('[').removesuffix(']')))
    except ValueError:
        return ''
