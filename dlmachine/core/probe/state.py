"""The state of a probe.  Pure."""

from dataclasses import field
from datetime import datetime

from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.access.login import Credentials
from dlmachine.core.cache.key import full_url
from dlmachine.core.decision.verdict import Address
from dlmachine.core.frozen import frozen
from dlmachine.core.probe.result import KnownVersion, ProbeResult
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


@frozen
class Probe:
    """The state of a probe.

    `position` is the URL that is requested, by `method`, `redirects` its requests so far
    (`redirect.hop_of`), `is_permanent` whether all of these redirects were permanent, `moved_to`
    where the permanent ones lead. `round` counts the repetitions. `earlier` is the result of the
    first URL, if it failed. `login` is what is known of the credentials, `key_password` and
    `proxy_password` are those of the certificate's key and of the proxy, if they were read,
    `refusal` is the result if the secret that is read again is the one that the server refused.
    """

    descriptor: Descriptor
    policy: Policy
    began_at: datetime
    chance: float
    addresses: tuple[Address, ...]
    known: KnownVersion
    position: int = 0
    method: str = 'HEAD'
    redirects: tuple[str, ...] = ()
    is_permanent: bool = True
    moved_to: str | None = None
    cookies: CookieStore = NO_COOKIES
    cookies_at: datetime | None = None
    has_logged_in: bool = False
    round: int = 0
    earlier: ProbeResult | None = None
    login: Credentials | None = None
    key_password: str | None = field(default=None, repr=False)
    proxy_password: str | None = field(default=None, repr=False)
    is_session_over: bool = False
    refusal: ProbeResult | None = None

    @property
    def shown_url(self) -> str:
        """The requested URL before redirects, masked."""
        address = self.addresses[self.position].url
        return self.descriptor.redactor.url(full_url(address, self.descriptor))
