"""Which IP addresses are public."""

import pytest

from dlmachine.core.network.private import private_kind


@pytest.mark.parametrize(
    ('address', 'kind'),
    [
        ('8.8.8.8', ''),
        ('2001:4860:4860::8888', ''),
        ('0.0.0.0', 'unspecified'),
        ('::', 'unspecified'),
        ('127.0.0.1', 'loopback'),
        ('127.255.255.254', 'loopback'),
        ('::1', 'loopback'),
        ('::2', 'private'),
        ('::ffff:127.0.0.1%eth0', 'loopback'),
        ('127.0.0.1%eth0', 'unknown'),
        ('169.254.169.254', 'link-local'),
        ('fe80::1', 'link-local'),
        ('fe80::1%eth0', 'link-local'),
        ('224.0.0.1', 'multicast'),
        ('ff02::1', 'multicast'),
        ('10.0.0.1', 'private'),
        ('172.16.0.1', 'private'),
        ('192.168.1.1', 'private'),
        ('100.64.0.1', 'private'),
        ('192.0.0.8', 'private'),
        ('192.0.0.9', 'private'),
        ('192.0.1.1', ''),
        ('2001:1::1', 'private'),
        ('2001:200::1', ''),
        ('3fff::1', 'private'),
        ('5f00::1', 'private'),
        ('198.18.0.1', 'private'),
        ('240.0.0.1', 'private'),
        ('255.255.255.255', 'private'),
        ('0.1.2.3', 'private'),
        ('fc00::1', 'private'),
        ('fd00::1', 'private'),
        ('fec0::1', 'private'),
        ('2001:db8::1', 'private'),
        ('64:ff9b:1::1', 'private'),
        ('::ffff:127.0.0.1', 'loopback'),
        ('::ffff:8.8.8.8', ''),
        ('::127.0.0.1', 'loopback'),
        ('::ffff:10.0.0.1', 'private'),
        ('64:ff9b::7f00:1', 'loopback'),
        ('64:ff9b::a00:1', 'private'),
        ('64:ff9b::808:808', ''),
        ('2002:7f00:1::', 'loopback'),
        ('2002:a00:1::1', 'private'),
        ('2002:808:808::', ''),
        ('2001:0:4136:e378:8000:63bf:80ff:fffe', 'loopback'),
        ('not an address', 'unknown'),
    ],
)
def test_kinds(address: str, kind: str) -> None:
    """An IPv4 address within an IPv6 address counts as itself."""
    assert private_kind(address) == kind
