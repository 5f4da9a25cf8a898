"""The hosts that are reached without a proxy.

Pure. Entries are separated by commas or spaces: a host, which stands for its subdomains too, also
as `.example.org` or `*.example.org`; an IP address; a network such as `10.0.0.0/8`; each host with
or without a port; `*` for all hosts.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

from returns.result import Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.http.host import ascii_host
from dlmachine.core.http.url import DEFAULT_PORTS, Url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.refusal import refused

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_Address: TypeAlias = 'IPv4Address | IPv6Address'
_Network: TypeAlias = 'IPv4Network | IPv6Network'

_SEPARATORS: Final = regex(r'[,\s]+')
#: A host or an address in brackets, and its port.
_WITH_PORT: Final = regex(r'(\[[^\]]*\]|[^:]*):([0-9]{1,5})')
_HOST: Final = regex(r'(?:\*\.|\.)?[\w\-]{1,63}(?:\.[\w\-]{1,63})*\.?')


def split_entries(text: str) -> tuple[str, ...]:
    """The entries of a list in a text.

    >>> split_entries('localhost, .example.org 10.0.0.0/8')
    ('localhost', '.example.org', '10.0.0.0/8')
    """
    return tuple(one for one in _SEPARATORS.split(text) if one)


def read_no_proxy(name: str, value: object) -> Result[object, Fault]:
    """Parse the option: a list, or a text of entries; None for that of the environment.

    >>> read_no_proxy('no_proxy', ['localhost', '*.example.org']).unwrap()
    ('localhost', '*.example.org')
    >>> print(read_no_proxy('no_proxy', '10.0.0.0/99').failure().what())
    no_proxy has the entry '10.0.0.0/99', which is not a host, an IP address or a network
    """
    if value is None:
        return Success(None)
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Iterable) or isinstance(texts, (bytes, bytearray)):
        return refused(name, value, 'a list of hosts')
    entries: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            return refused(name, text, 'a list of hosts')
        entries += split_entries(text)
    wrong = next((one for one in entries if not _is_entry(one)), None)
    if wrong is not None:
        problem = 'which is not a host, an IP address or a network'
        return refuse(name, f'has the entry {shown_value(wrong)}, {problem}')
    return Success(tuple(entries))


def is_excepted(url: Url, entries: Iterable[str]) -> bool:
    """Whether an entry stands for the host of a URL; malformed entries are ignored.

    >>> from dlmachine.core.http.url import parse_url
    >>> url = parse_url('https://data.example.org:8443/').unwrap()
    >>> is_excepted(url, ['example.org']), is_excepted(url, ['example.org:443'])
    (True, False)
    """
    host = url.host.strip('[]').partition('%')[0]
    port, address = url.port or DEFAULT_PORTS.get(url.scheme), _address(host)
    return any(_matches(one.lower(), host, port, address) for one in entries)


def _matches(entry: str, host: str, port: int | None, address: '_Address | None') -> bool:
    if entry == '*':
        return True
    if '/' in entry:
        network = _network(entry)
        return address is not None and network is not None and address in network
    found = _WITH_PORT.fullmatch(entry)
    if found is not None:
        entry = found[1]
        if int(found[2]) != port:
            return False
    if address is not None:
        return _address(entry.strip('[]')) == address
    name = _ascii(entry.removeprefix('*').strip('.'))
    return bool(name) and f'.{host}'.endswith(f'.{name}')


def _is_entry(entry: str) -> bool:
    if entry == '*':
        return True
    if '/' in entry:
        return _network(entry) is not None
    found = _WITH_PORT.fullmatch(entry)
    host = entry if found is None else found[1]
    if _HOST.fullmatch(host) is not None:
        return True
    is_open = host.startswith('[') != host.endswith(']')
    return not is_open and _address(host.strip('[]')) is not None


def _network(entry: str) -> '_Network | None':
    from ipaddress import ip_network

    try:
        return ip_network(entry.replace('[', '').replace(']', ''), strict=False)
    except ValueError:
        return None


def _address(text: str) -> '_Address | None':
    from ipaddress import ip_address  # Most downloads need none.

    try:
        return ip_address(text)
    except ValueError:
        return None


def _ascii(name: str) -> str:
    try:
        return name if name.isascii() else ascii_host(name)
    except ValueError:
        return ''
