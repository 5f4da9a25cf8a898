"""The choice of a backend for each URL.  Pure."""

from typing import Final

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import BackendMissing, Fault, InvalidInput, SchemeRefused
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.http.url import FILE, LOCAL_SCHEMES, is_store, scheme_of
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy

#: The backend for sources on this computer, whatever backend the policy names.
LOCAL_BACKEND: Final = 'local'
#: The backend for object stores and remote file systems, by fsspec.
STORE_BACKEND: Final = 'fsspec'
_READING: Final = frozenset({'GET', 'HEAD'})


def choose_backend(
    url: str, descriptor: Descriptor, policy: Policy, backends: tuple[BackendSeen, ...]
) -> Address | Fault:
    """Choose the backend for a URL: the policy's, or else the first that supports the scheme.

    Local sources have a backend of their own, and so have stores. Faults: `BackendMissing`,
    `SchemeRefused`, and `InvalidInput` for a request that a local source or a store cannot answer.
    """
    scheme = scheme_of(url)
    if scheme in LOCAL_SCHEMES:
        return find_local_fault(url, descriptor, policy) or _address(url, LOCAL_BACKEND, descriptor)
    if is_store(url):
        return _choose_for_store(url, descriptor, policy, backends)
    wanted = [backend for backend in backends if backend.name == policy.backend]
    if not wanted:
        return _missing(policy.backend, tuple(backend.name for backend in backends))
    for backend in (*wanted, *backends):
        if scheme in backend.schemes:
            return _address(url, backend.name, descriptor)
    allowed = tuple(sorted({known for seen in backends for known in seen.schemes}))
    return SchemeRefused(url=descriptor.redactor.url(url), scheme=scheme, allowed=allowed)


def _choose_for_store(
    url: str, descriptor: Descriptor, policy: Policy, backends: tuple[BackendSeen, ...]
) -> Address | Fault:
    scheme = scheme_of(url)
    if descriptor.method not in _READING:
        return _refuse_method(descriptor, scheme)
    if policy.network.forbid_private:
        problem = f'cannot be used with {scheme}: the package that reads it connects to the server'
        advice = 'The IP address cannot be checked here; use the https: URL of the file'
        return InvalidInput(where='forbid_private', problem=problem, advice=advice)
    # A backend that somebody has installed for the scheme comes before ours.
    named = sorted(
        backends, key=lambda one: (one.name == STORE_BACKEND, one.name != policy.backend)
    )
    for backend in named:
        if scheme in backend.schemes:
            return _address(url, backend.name, descriptor)
    from dlmachine.core.text.stores import STORES, install_command

    package = STORES[scheme].name
    return BackendMissing(
        backend=STORE_BACKEND,
        reason=f'{scheme}: needs {package}, which is not installed',
        install=install_command(scheme),
    )


def find_local_fault(url: str, descriptor: Descriptor, policy: Policy) -> Fault | None:
    """Why a source on this computer is refused; None if it is not, or for the URL of a server."""
    scheme = scheme_of(url)
    if scheme not in LOCAL_SCHEMES:
        return None
    if scheme == FILE and not policy.network.allow_file:
        return SchemeRefused(url=descriptor.redactor.url(url), scheme=scheme, allowed=())
    if descriptor.method not in _READING:
        return _refuse_method(descriptor, scheme)
    if descriptor.query:
        problem = f'cannot be combined with a {scheme}: URL, which has no query'
        return InvalidInput(where='query', problem=problem, advice='Leave it out')
    return None


def _refuse_method(descriptor: Descriptor, scheme: str) -> InvalidInput:
    problem = f'cannot be {descriptor.method}: a {scheme}: URL can only be read'
    return InvalidInput(where='method', problem=problem, advice='Use GET')


def _address(url: str, backend: str, descriptor: Descriptor) -> Address:
    return Address(
        url=url,
        backend=backend,
        secret_names=descriptor.secret_names,
        ignored=descriptor.key_ignores_query,
    )


def _missing(name: str, known: tuple[str, ...]) -> Fault:
    if name in INSTALL:
        return BackendMissing(backend=name, reason='it is not installed', install=INSTALL[name])
    reason = f'it is not installed (installed: {", ".join(known) or "none"})'
    return BackendMissing(backend=name, reason=reason)
