"""Faults on the way to the server: of a proxy, and an address that is not allowed.

Pure. `proxy` is the URL of a proxy, with the login masked.
"""

from dataclasses import field
from typing import TypeAlias

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.frozen import frozen

_WHERE = 'proxy=, or http_proxy and https_proxy in the environment'


@frozen
class ProxyUnreachable(FaultBase):
    """The proxy could not be reached.

    `errno` is the system's error number, if the library reports it.
    """

    party = Party.NETWORK
    code = 'proxy_unreachable'
    url: str
    proxy: str
    detail: str = ''
    errno: int | None = field(default=None, compare=False)

    def what(self) -> str:
        detail = f' ({self.detail})' if self.detail else ''
        return f'{self.url}: the proxy {self.proxy} could not be reached{detail}'

    def remedy(self) -> str:
        return f'Check its host and port: {_WHERE}; no_proxy= lists hosts to reach without it'


@frozen
class ProxyLoginRefused(FaultBase):
    """The proxy asks for a login (407), or did not accept that of the client."""

    party = Party.NETWORK
    code = 'proxy_login_refused'
    url: str
    proxy: str

    @property
    def has_login(self) -> bool:
        """Whether the client sent one."""
        return '@' in self.proxy

    def what(self) -> str:
        refused = 'did not accept the user and password' if self.has_login else 'asks for a login'
        return f'{self.url}: the proxy {self.proxy} {refused}'

    def remedy(self) -> str:
        if self.has_login:
            return 'Check them: proxy_auth=, or the URL of the proxy'
        return "Pass proxy_auth=('user', 'env:PASSWORD')"


@frozen
class ProxyRefused(FaultBase):
    """The proxy did not connect to the server; `status` is that of its response to CONNECT."""

    party = Party.NETWORK
    code = 'proxy_refused'
    url: str
    proxy: str
    detail: str = ''
    status: int | None = None

    def what(self) -> str:
        detail = f' ({self.detail})' if self.detail else ''
        return f'{self.url}: the proxy {self.proxy} did not connect to the server{detail}'

    def remedy(self) -> str:
        if self.status is not None and self.status >= 500:
            return 'Check host and port of the URL, or try later: the server may be down'
        return 'Ask its operators to allow this host and port, or list the host in no_proxy='


@frozen
class ProxyUnusable(FaultBase):
    """What answered is not a proxy, for example a web server that sent HTML."""

    party = Party.NETWORK
    code = 'proxy_unusable'
    url: str
    proxy: str
    detail: str = ''

    def what(self) -> str:
        detail = f' ({self.detail})' if self.detail else ''
        return f'{self.url}: {self.proxy} did not answer as a proxy does{detail}'

    def remedy(self) -> str:
        return f'Check its scheme, host and port: {_WHERE}'


@frozen
class AddressRefused(FaultBase):
    """The host has no public IP address, which `forbid_private` requires."""

    party = Party.CALLER
    code = 'address_refused'
    url: str
    address: str
    kind: str

    def what(self) -> str:
        return f'{self.url}: its IP address {self.address} is {self.kind}, and not public'

    def remedy(self) -> str:
        return 'It is refused because of forbid_private=True; check the URL'


RouteFault: TypeAlias = (
    ProxyUnreachable | ProxyLoginRefused | ProxyRefused | ProxyUnusable | AddressRefused
)
