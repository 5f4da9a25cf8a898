"""Choose the proxy of a URL: by the options, or by variables of the environment.

Pure. The rules are those of curl, for every backend alike: a variable in lower case overrides the
one in upper case; the variable of the URL's scheme overrides `all_proxy`; `no_proxy` lists
exceptions, also from a proxy that an option sets.
"""

from collections.abc import Mapping
from typing import Final

from returns.pipeline import is_successful

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.url import Url
from dlmachine.core.network.network import Network, refuse_proxy
from dlmachine.core.network.no_proxy import is_excepted, split_entries
from dlmachine.core.network.proxy import Proxy, parse_proxy

#: A server sets this variable for a CGI script, and HTTP_PROXY to a client's header field Proxy.
_CGI: Final = 'REQUEST_METHOD'
_BOTH: Final = 'all_proxy'


def choose_proxy(url: Url, network: Network, variables: Mapping[str, str]) -> Proxy | Fault | None:
    """The proxy of a URL; None if it is reached directly.

    Faults: `InvalidInput` for a variable that is not the URL of a proxy, and for any proxy with
    `forbid_private`.

    >>> from dlmachine.core.http.url import parse_url
    >>> url, env = parse_url('http://h/').unwrap(), {'http_proxy': 'proxy:3128', 'no_proxy': 'x'}
    >>> str(choose_proxy(url, Network(), env))
    'http://proxy:3128'
    >>> choose_proxy(url, Network(no_proxy=('h',)), env)
    >>> choose_proxy(url, Network(proxy=False), env)
    """
    proxy = network.proxy
    variable = _find_variable(url.scheme, variables)
    if proxy is False or not (isinstance(proxy, Proxy) or variable):
        return None
    excepted = network.no_proxy
    if excepted is None:
        excepted = split_entries(variables.get(_named('no_proxy', variables), ''))
    if is_excepted(url, excepted):
        return None
    if not isinstance(proxy, Proxy):
        read = parse_proxy(variables[str(variable)], f'the environment variable {variable}')
        if not is_successful(read):
            return read.failure()
        proxy = read.unwrap()
    if network.forbid_private:
        return refuse_proxy(proxy)
    return proxy if network.proxy_auth is None else replace(proxy, login=network.proxy_auth)


def _find_variable(scheme: str, variables: Mapping[str, str]) -> str | None:
    """The name of the variable with the proxy; None if none is set."""
    names = (_named(f'{scheme}_proxy', variables), _named(_BOTH, variables))
    return next((name for name in names if variables.get(name, '').strip()), None)


def _named(name: str, variables: Mapping[str, str]) -> str:
    """The name in lower case if that variable is set, even if it is empty, else in upper case."""
    is_forged = name == 'http_proxy' and _CGI in variables
    return name if name in variables or is_forged else name.upper()
