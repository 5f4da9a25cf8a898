"""The choice of a backend for each URL.  Pure."""

from returns.result import Failure, Result, Success

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import BackendMissing, Fault, SchemeRefused
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.http.url import parse_url
from dlmachine.core.secrets.redact import NO_SECRETS, Redactor
from dlmachine.core.spec.policy import Policy


def choose_backend(
    url: str,
    policy: Policy,
    backends: tuple[BackendSeen, ...],
    redactor: Redactor = NO_SECRETS,
) -> Result[Address, Fault]:
    """Choose the backend for a URL: the policy's, or else the first that supports the scheme.

    Faults: `BackendMissing`, `SchemeRefused`.
    """
    scheme = parse_url(url).unwrap().scheme
    by_name = {backend.name: backend for backend in backends}
    wanted = by_name.get(policy.backend)
    if wanted is None:
        return Failure(_missing(policy.backend, tuple(by_name)))
    if scheme in wanted.schemes:
        return Success(Address(url=url, backend=wanted.name, secret_names=redactor.names))
    for backend in backends:
        if scheme in backend.schemes:
            return Success(Address(url=url, backend=backend.name, secret_names=redactor.names))
    allowed = tuple(sorted({known for seen in backends for known in seen.schemes}))
    return Failure(SchemeRefused(url=redactor.url(url), scheme=scheme, allowed=allowed))


def _missing(name: str, known: tuple[str, ...]) -> Fault:
    if name in INSTALL:
        return BackendMissing(backend=name, reason='it is not installed', install=INSTALL[name])
    reason = f'it is not installed (installed: {", ".join(known) or "none"})'
    return BackendMissing(backend=name, reason=reason)
