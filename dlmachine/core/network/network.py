"""The options for the way to a server, as one value.  Pure."""

from dlmachine.core.access.auth import Auth
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import InvalidInput
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.network.proxy import Proxy
from dlmachine.core.network.resolve import Resolved, as_curl_writes


@frozen
class Network:
    """The way to a server.

    `proxy` is a proxy, False for none at all, or None for that of the environment; `proxy_auth` is
    the login to it, instead of that in its URL. `no_proxy` are hosts that are reached without it;
    None: those of the environment. `resolve` are the IP addresses of hosts, instead of those of the
    resolver. `forbid_private` refuses to connect to an IP address that is not public. `allow_file`
    allows URLs of local files.
    """

    proxy: Proxy | bool | None = None
    proxy_auth: Auth | None = None
    no_proxy: tuple[str, ...] | None = None
    resolve: Resolved = ()
    forbid_private: bool = False
    allow_file: bool = False

    @property
    def secret(self) -> Secret | None:
        """The password of the proxy that must be read before a request; None if there is none."""
        secret = None if self.proxy_auth is None else self.proxy_auth.secret
        is_used = secret is not None and secret.is_reference and self.proxy is not False
        return secret if is_used else None

    @property
    def connections(self) -> object:
        """The options that all requests over one connection must share; None by default."""
        return (self.resolve, self.forbid_private) if self.resolve or self.forbid_private else None

    def with_password(self, password: str) -> 'Network':
        """A copy with the password as it was read."""
        if self.proxy_auth is None:
            return self
        return replace(self, proxy_auth=replace(self.proxy_auth, secret=Secret(text=password)))

    def redacted(self) -> 'Network':
        """A copy to be shown and stored; references to variables and files stay."""
        if self is NO_NETWORK:
            return self
        auth, proxy = self.proxy_auth, self.proxy
        return replace(
            self,
            proxy=proxy.redacted() if isinstance(proxy, Proxy) else proxy,
            proxy_auth=None if auth is None else auth.redacted(),
        )

    def lines(self) -> tuple[tuple[str, str], ...]:
        """What differs from the default, as names with values to be shown."""
        found = []
        if self.proxy is not None:
            found.append(('proxy', str(self.proxy) if self.proxy else 'none'))
        if self.proxy_auth is not None:
            found.append(('proxy auth', str(self.proxy_auth)))
        if self.no_proxy is not None:
            found.append(('no proxy', ', '.join(self.no_proxy) or 'no exceptions'))
        found += [('resolve', one) for one in as_curl_writes(self.resolve)]
        if self.forbid_private:
            found.append(('addresses', 'only public ones (forbid_private=True)'))
        if self.allow_file:
            found.append(('local files', 'allowed (allow_file=True)'))
        return tuple(found)


#: The default.
NO_NETWORK = Network()


def refuse_proxy(proxy: Proxy) -> InvalidInput:
    """The fault for a proxy if addresses that are not public are forbidden."""
    problem = f'cannot be used with the proxy {proxy}: the proxy connects to the server'
    advice = 'The IP address cannot be checked here; to connect without a proxy, pass proxy=False'
    return InvalidInput(where='forbid_private', problem=problem, advice=advice)
