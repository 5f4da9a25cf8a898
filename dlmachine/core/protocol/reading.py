"""What must be read before a request: cookies, the secret of `auth`, the password of a proxy.

Pure.
"""

from typing import Protocol

from dlmachine.core.access.login import Login
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.protocol.effects import ReadCookies, ReadSecret
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


class Known(Protocol):
    """What a run or a probe has read so far."""

    @property
    def has_read_cookies(self) -> bool:
        """Whether the cookies of the caller and of the jar were read."""

    @property
    def login(self) -> Login | None:
        """The login of `auth`, with its secret if that was read."""

    @property
    def proxy_password(self) -> str | None:
        """The password of the proxy, if it was read."""


def next_to_read(
    descriptor: Descriptor, policy: Policy, known: Known
) -> ReadCookies | ReadSecret | None:
    """The effect for what is not known yet; None if the request can be sent."""
    patience = policy.stall_timeout
    if not known.has_read_cookies and descriptor.cookies.is_used:
        return ReadCookies(cookies=descriptor.cookies, patience=patience)
    login = known.login
    if login is not None and login.needs_secret and login.auth.secret is not None:
        is_again = login.refused is not None
        return ReadSecret(secret=login.auth.secret, patience=patience, is_again=is_again)
    if policy.network is NO_NETWORK or known.proxy_password is not None:
        return None
    secret = policy.network.secret
    return None if secret is None else ReadSecret(secret=secret, patience=patience)


def network_with(policy: Policy, proxy_password: str | None) -> Network:
    """The way to the server, with the password of the proxy if it was read."""
    network = policy.network
    return network if proxy_password is None else network.with_password(proxy_password)
