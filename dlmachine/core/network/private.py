"""IP addresses that are not public: those of this computer, of a local network, and special ones.

Pure. An IPv4 address within an IPv6 address counts as itself: mapped (RFC 4291 section 2.5.5),
translated by NAT64 (RFC 6052), of 6to4 (RFC 3056) and of Teredo (RFC 4380).
"""

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_Address: TypeAlias = 'IPv4Address | IPv6Address'
#: The first 96 bits of 64:ff9b::/96, and the last 32 bits of an address.
_NAT64: Final = 0x0064_FF9B << 64
_LOW_BITS: Final = 0xFFFF_FFFF
#: Networks without public servers that not every version of Python knows, in part or as a whole:
#: for protocols (RFC 6890), local NAT64 (RFC 8215), documentation (RFC 9637), segment routing
#: (RFC 9602), site-local (RFC 3879).
_LOCAL: Final = (
    '192.0.0.0/24', '2001::/23', '64:ff9b:1::/48', '3fff::/20', '5f00::/16', 'fec0::/10',
)  # fmt: skip


def private_kind(text: str) -> str:
    """What kind of address this is, unless it is public; then the text is empty.

    >>> private_kind('127.0.0.1'), private_kind('::ffff:10.0.0.1'), private_kind('8.8.8.8')
    ('loopback', 'private', '')
    """
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return 'unknown'
    return _kind(_embedded(address))


def _kind(address: '_Address') -> str:
    from ipaddress import ip_network

    is_local = any(address in ip_network(one) for one in _LOCAL)
    kinds = (
        ('unspecified', address.is_unspecified),
        ('loopback', address.is_loopback),
        ('link-local', address.is_link_local),
        ('multicast', address.is_multicast),
        ('private', is_local or not address.is_global),
    )
    return next((kind for kind, is_one in kinds if is_one), '')


def _embedded(address: '_Address') -> '_Address':
    """The IPv4 address within an IPv6 address, or the address itself."""
    from ipaddress import IPv4Address, IPv6Address

    if not isinstance(address, IPv6Address):
        return address
    number = int(address)
    if number >> 32 in {0, _NAT64} and number > 1:
        return IPv4Address(number & _LOW_BITS)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
