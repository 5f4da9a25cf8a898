"""What must be read before a request, and the port that reads it.  Pure.

Cookies, the session of a login by a form, the secret of `auth`, the password of a proxy.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from dlmachine.core.access.cookies import CookieStore
from dlmachine.core.access.login import Credentials
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import Request, Tls
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import parse_url
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.effects import LogIn, ReadCookies, ReadSecret
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


class Known(Protocol):
    """What a run or a probe has read so far."""

    @property
    def cookies(self) -> CookieStore:
        """The cookies that are known."""

    @property
    def cookies_at(self) -> datetime | None:
        """When those of the caller and of the jar were read, if they were."""

    @property
    def has_logged_in(self) -> bool:
        """Whether it has logged in by a form."""

    @property
    def is_session_over(self) -> bool:
        """Whether the server does not know the session of the jar."""

    @property
    def login(self) -> Credentials | None:
        """The login of `auth`, with its secret if that was read."""

    @property
    def key_password(self) -> str | None:
        """The password of the client certificate's key, if it was read."""

    @property
    def proxy_password(self) -> str | None:
        """The password of the proxy, if it was read."""


def next_to_read(
    descriptor: Descriptor, policy: Policy, known: Known, at: datetime
) -> ReadCookies | LogIn | ReadSecret | None:
    """The effect for what is not known yet; None if the request can be sent."""
    patience = policy.stall_timeout
    if descriptor.cookies.is_used and known.cookies_at is None:
        return ReadCookies(cookies=descriptor.cookies, patience=patience)
    if asks_for_key_password(descriptor, known) and descriptor.key_password is not None:
        return ReadSecret(secret=descriptor.key_password, patience=patience)
    if known.cookies_at is not None and not known.has_logged_in:
        session = _session_needed(descriptor, patience, known, known.cookies_at, at)
        if session is not None:
            return session
    login = known.login
    if login is not None and login.needs_secret and login.auth.secret is not None:
        is_again = login.refused is not None
        return ReadSecret(secret=login.auth.secret, patience=patience, is_again=is_again)
    if policy.network is NO_NETWORK or known.proxy_password is not None:
        return None
    secret = policy.network.secret
    return None if secret is None else ReadSecret(secret=secret, patience=patience)


def _session_needed(
    descriptor: Descriptor, patience: timedelta, known: Known, since: datetime, at: datetime
) -> LogIn | None:
    # A session that the jar may have is tried first.
    recipe, url = descriptor.auth.recipe, parse_url(descriptor.url).unwrap()
    if recipe is None or (known.cookies.has_kept_for(url, at) and not known.is_session_over):
        return None
    is_same = url.origin == recipe.location.origin
    return LogIn(
        login=recipe,
        cookies=descriptor.cookies,
        tls=tls_with(descriptor, known) if is_same else descriptor.tls.without_client(),
        since=since,
        patience=patience,
    )


def asks_for_key_password(descriptor: Descriptor, known: Known) -> bool:
    """Whether the password of a client's key is still to be read."""
    secret, has_key = descriptor.key_password, descriptor.tls.has_client
    is_named = secret is not None and secret.is_reference
    return is_named and has_key and known.key_password is None


def tls_with(descriptor: Descriptor, known: Known) -> Tls:
    """The certificates of a request, with the password of the key if there is one."""
    tls, secret = descriptor.tls, descriptor.key_password
    if secret is None or not tls.has_client:
        return tls
    return replace(tls, passphrase=known.key_password or secret.text)


def network_with(policy: Policy, proxy_password: str | None) -> Network:
    """The way to the server, with the password of the proxy if it was read."""
    network = policy.network
    return network if proxy_password is None else network.with_password(proxy_password)


class Access(Protocol):
    """Who the client is."""

    def read_secret(self, effect: effects.ReadSecret) -> events.SecretRead | events.EffectFailed:
        """Read a password or a token where it is kept."""

    def read_cookies(self, effect: effects.ReadCookies) -> events.CookiesRead | events.EffectFailed:
        """Read a caller's cookies, and those of jars."""

    def keep_cookies(self, jar: str, request: Request, head: ResponseHead) -> Fault | None:
        """Keep in a jar the cookies that the response to a request sets; the fault if it fails."""

    def log_in_once(
        self, effect: effects.LogIn, values: str, perform: Callable[[], Fault | None]
    ) -> Fault | None:
        """Call `perform` to log in, unless another thread has just done so; the fault if it fails.

        `values` is a digest of the form's values, which are tried once only if they are wrong.
        """
