"""The choice of a backend for each URL.  Pure."""

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import BackendMissing, Fault, SchemeRefused
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.http.url import parse_url
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


def choose_backend(
    url: str, descriptor: Descriptor, policy: Policy, backends: tuple[BackendSeen, ...]
) -> Address | Fault:
    """Choose the backend for a URL: the policy's, or else the first that supports the scheme.

    Faults: `BackendMissing`, `SchemeRefused`.
    """
    wanted = [backend for backend in backends if backend.name == policy.backend]
    if not wanted:
        return _missing(policy.backend, tuple(backend.name for backend in backends))
    scheme = parse_url(url).unwrap().scheme
    for backend in (*wanted, *backends):
        if scheme in backend.schemes:
            return Address(
                url=url,
                backend=backend.name,
                secret_names=descriptor.secret_names,
                ignored=descriptor.key_ignores_query,
            )
    allowed = tuple(sorted({known for seen in backends for known in seen.schemes}))
    return SchemeRefused(url=descriptor.redactor.url(url), scheme=scheme, allowed=allowed)


def _missing(name: str, known: tuple[str, ...]) -> Fault:
    if name in INSTALL:
        return BackendMissing(backend=name, reason='it is not installed', install=INSTALL[name])
    reason = f'it is not installed (installed: {", ".join(known) or "none"})'
    return BackendMissing(backend=name, reason=reason)
