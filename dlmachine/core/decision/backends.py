"""The choice of a backend for each URL.  Pure."""

from typing import Final

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import BackendMissing, Fault, InvalidInput, SchemeRefused
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.http.url import FILE, LOCAL_SCHEMES, scheme_of
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy

#: The backend for sources on this computer, whatever backend the policy names.
LOCAL_BACKEND: Final = 'local'
_READING: Final = frozenset({'GET', 'HEAD'})


def choose_backend(
    url: str, descriptor: Descriptor, policy: Policy, backends: tuple[BackendSeen, ...]
) -> Address | Fault:
    """Choose the backend for a URL: the policy's, or else the first that supports the scheme.

    Local sources have a backend of their own. Faults: `BackendMissing`, `SchemeRefused`, and
    `InvalidInput` for a request that a local source cannot answer.
    """
    scheme = scheme_of(url)
    if scheme in LOCAL_SCHEMES:
        return find_local_fault(url, descriptor, policy) or _address(url, LOCAL_BACKEND, descriptor)
    wanted = [backend for backend in backends if backend.name == policy.backend]
    if not wanted:
        return _missing(policy.backend, tuple(backend.name for backend in backends))
    for backend in (*wanted, *backends):
        if scheme in backend.schemes:
            return _address(url, backend.name, descriptor)
    allowed = tuple(sorted({known for seen in backends for known in seen.schemes}))
    return SchemeRefused(url=descriptor.redactor.url(url), scheme=scheme, allowed=allowed)


def find_local_fault(url: str, descriptor: Descriptor, policy: Policy) -> Fault | None:
    """Why a source on this computer is refused; None if it is not, or for the URL of a server."""
    scheme = scheme_of(url)
    if scheme not in LOCAL_SCHEMES:
        return None
    if scheme == FILE and not policy.network.allow_file:
        return SchemeRefused(url=descriptor.redactor.url(url), scheme=scheme, allowed=())
    if descriptor.method not in _READING:
        problem = f'cannot be {descriptor.method}: a {scheme}: URL can only be read'
        return InvalidInput(where='method', problem=problem, advice='Use GET')
    if descriptor.query:
        problem = f'cannot be combined with a {scheme}: URL, which has no query'
        return InvalidInput(where='query', problem=problem, advice='Leave it out')
    return None


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
