"""Check the values of a policy.  Pure."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any, Final

from returns.pipeline import is_successful

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import parse_headers
from dlmachine.core.integrity.checksum import Checksum, ChecksumList, digest_bytes, find_algorithm
from dlmachine.core.network.network import Network, refuse_proxy
from dlmachine.core.network.proxy import Proxy
from dlmachine.core.regex import regex
from dlmachine.core.sources.address import Repositories
from dlmachine.core.spec.destination import Auto, ToMemory, ToPath, Wanted
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.rate_limit import Rate
from dlmachine.core.spec.reuse import (
    CheckMethod,
    Extract,
    FileTime,
    Freshness,
    IfExists,
    Link,
    RememberMissing,
    Window,
)

#: The maximum of the option `segments`.
MAX_SEGMENTS: Final = 64
#: The types of fields, checked because a Policy may be made without `parse_policy`.
_TYPES: Final = {
    'backend': str,
    'freshness': (Freshness, timedelta, NoneType),
    'remember_missing': (RememberMissing, NoneType),
    'if_exists': (IfExists, NoneType),
    'link': (Link, NoneType),
    'mtime': (FileTime, NoneType),
    'extract': (Extract, NoneType),
    'check_method': CheckMethod,
    'window': Window,
    'checksum_file': (ChecksumList, NoneType),
    'validate': (Callable, NoneType),
    'user_agent': str,
    'network': Network,
    'repositories': Repositories,
}
#: The fields that downloads share, and their values in a policy.
_SHARED: Final = tuple(
    each.name for each in fields(Policy) if each.init and each.name not in {'dest', 'checksum'}
)
_values_shared: Final = attrgetter(*_SHARED)
_NOT_NEGATIVE: Final = ('retries', 'max_redirects')
_DURATIONS: Final = (
    'retry_wait', 'retry_max_wait', 'retry_after_max', 'retry_delay', 'retry_max_time',
    'connect_timeout', 'stall_timeout', 'speed_time', 'timeout', 'lock_timeout',
)  # fmt: skip
_MAY_BE_NONE: Final = frozenset({'timeout', 'retry_delay', 'retry_max_time'})
_NOT_NOTHING: Final = frozenset({'connect_timeout', 'stall_timeout', 'speed_time', 'timeout'})
#: Options with a minimum of 1, and their maxima.
_LIMITS: Final = (('max_per_host', 1_000), ('limit_rate', 10**15), ('speed_limit', 10**15))
#: The maxima of counts and durations: a larger value is probably in a wrong unit.
_MAX_COUNT: Final = 1_000
_HEX: Final = regex('[0-9a-f]+')
_MAX_DURATION: Final = timedelta(days=365)


#: The maximum file size (off_t).
_MAX_BYTES: Final = 1 << 63


def find_policy_fault(policy: Policy) -> Fault | None:
    """The first invalid value of a policy as a fault, or None.

    >>> find_policy_fault(Policy(retries=-1)).where
    'retries'
    """
    # Set below, for the many decisions that check it; a subclass may not have it.
    if getattr(policy, '_is_sound', False):
        return None
    dest: object = policy.dest
    if not isinstance(dest, (Auto, ToMemory, ToPath)):
        return _type_fault('dest', dest)
    values = _values_shared(policy)
    try:
        fault = _find_fault(values)
    except TypeError:  # A value cannot be hashed, for example a list instead of a number.
        fault = _find_fault.__wrapped__(values)
    fault = fault or _find_checksum_fault(policy)
    object.__setattr__(policy, '_is_sound', fault is None)
    return fault


def at_place(policy: Policy, dest: Wanted, checksum: Checksum | None) -> Policy:
    """A copy with another destination and checksum; the other options are not checked again.

    >>> find_policy_fault(at_place(Policy(retries=-1), Auto(), None)).where
    'retries'
    """
    made = replace(policy, dest=dest, checksum=checksum)
    if find_policy_fault(policy) is None and _find_checksum_fault(made) is None:
        object.__setattr__(made, '_is_sound', True)
    return made


# Cached, because the downloads of a manager share all options but the destination and the checksum.
@lru_cache(maxsize=64)
def _find_fault(values: tuple[Any, ...]) -> Fault | None:
    policy = Policy(**dict(zip(_SHARED, values, strict=True)))
    checks = (
        _find_type_fault,
        _find_freshness_fault,
        _find_count_fault,
        _find_duration_fault,
        _find_size_fault,
        _find_rate_limit_fault,
        _find_network_fault,
    )
    return next((fault for check in checks if (fault := check(policy)) is not None), None)


def _find_type_fault(policy: Policy) -> Fault | None:
    for name, types in _TYPES.items():
        value = getattr(policy, name)
        if not isinstance(value, types):  # type: ignore[arg-type]  # Callable is a class too
            return _type_fault(name, value)
    ends: tuple[object, ...] = (policy.window.newer_than, policy.window.older_than)
    for end in ends:
        is_time = isinstance(end, datetime) and end.tzinfo
        if end is not None and not is_time and not _is_duration(end):
            problem = f'must have datetimes with a time zone or ages, not {end!r}'
            return InvalidInput(where='window', problem=problem)
    if policy.extract is not None and policy.extract.into:
        into = parse_local_path(policy.extract.into, 'extract')
        if not is_successful(into):
            return into.failure()
    agent = parse_headers((('User-Agent', policy.user_agent),))
    return None if is_successful(agent) else agent.failure()


def _type_fault(name: str, value: object) -> Fault:
    return InvalidInput(where=name, problem=f'cannot be of type {type(value).__name__}')


def _is_duration(value: object) -> bool:
    return isinstance(value, timedelta) and value >= timedelta(0)


def _find_freshness_fault(policy: Policy) -> Fault | None:
    if isinstance(policy.freshness, timedelta) and not _is_duration(policy.freshness):
        problem = f'must be 0 or more, not {shown_value(policy.freshness)}'
        return InvalidInput(where='freshness', problem=problem)
    if policy.check_freshness and policy.freshness not in {None, Freshness.ALWAYS}:
        problem = 'cannot be combined with check_freshness=True, which means freshness=always'
        return InvalidInput(where='freshness', problem=problem, advice='Pass one of them')
    return None


def _find_count_fault(policy: Policy) -> Fault | None:
    for name in _NOT_NEGATIVE:
        count = getattr(policy, name)
        if not isinstance(count, int) or not 0 <= count <= _MAX_COUNT:
            return InvalidInput(
                where=name, problem=f'must be from 0 to {_MAX_COUNT:,}, not {shown_value(count)}'
            )
    segments: object = policy.segments
    if not isinstance(segments, int) or not 0 <= segments <= MAX_SEGMENTS:
        problem = f'must be auto or from 1 to {MAX_SEGMENTS}, not {shown_value(segments)}'
        return InvalidInput(where='segments', problem=problem)
    return None


def _find_duration_fault(policy: Policy) -> Fault | None:
    for name in _DURATIONS:
        duration = getattr(policy, name)
        if duration is None and name in _MAY_BE_NONE:
            continue
        if not isinstance(duration, timedelta):
            return InvalidInput(
                where=name, problem=f'must be a timedelta, not {shown_value(duration)}'
            )
        if not timedelta(0) <= duration <= _MAX_DURATION:
            problem = f'must be from 0 to {_MAX_DURATION.days} days, not {shown_value(duration)}'
            return InvalidInput(where=name, problem=problem)
        if not duration and name in _NOT_NOTHING:
            advice = 'Use None for no limit' if name == 'timeout' else ''
            return InvalidInput(where=name, problem='must be more than 0', advice=advice)
    return None


def _find_size_fault(policy: Policy) -> Fault | None:
    for name in ('max_bytes', 'min_bytes'):
        size = getattr(policy, name)
        if size is not None and not (isinstance(size, int) and 0 <= size < _MAX_BYTES):
            return InvalidInput(
                where=name, problem=f'must be a number of bytes, not {shown_value(size)}'
            )
    least, most = policy.min_bytes, policy.max_bytes
    if least is not None and most is not None and least > most:
        problem = f'must be at most {most:,} (max_bytes=), not {least:,}'
        return InvalidInput(where='min_bytes', problem=problem)
    return None


def _find_rate_limit_fault(policy: Policy) -> Fault | None:
    advice = 'Use None for no limit'
    for name, most in _LIMITS:
        limit = getattr(policy, name)
        if limit is not None and not (isinstance(limit, int) and 1 <= limit <= most):
            problem = f'must be from 1 to {most:,}, not {shown_value(limit)}'
            return InvalidInput(where=name, problem=problem, advice=advice)
    rate: object = policy.rate
    if rate is not None and not (isinstance(rate, Rate) and rate.count > 0 and rate.seconds > 0):
        return InvalidInput(
            where='rate', problem=f'must be a Rate, not {shown_value(rate)}', advice=advice
        )
    return None


def _find_network_fault(policy: Policy) -> Fault | None:
    network = policy.network
    if network.forbid_private and isinstance(network.proxy, Proxy):
        return refuse_proxy(network.proxy)
    if network.forbid_private and network.allow_file:
        problem = 'cannot be combined with forbid_private=True, which is for the URLs of strangers'
        return InvalidInput(where='allow_file', problem=problem, advice='Pass one of them')
    return None


def _find_checksum_fault(policy: Policy) -> Fault | None:
    checksum: object = policy.checksum
    if checksum is None:
        return None
    if not isinstance(checksum, Checksum):
        return _type_fault('checksum', checksum)
    if policy.checksum_file is not None:
        problem = 'cannot be combined with checksum='
        return InvalidInput(where='checksum_file', problem=problem, advice='Pass one of them')
    if find_algorithm(checksum.algorithm) != checksum.algorithm:
        problem = f'must have an algorithm of hashlib, not {checksum.algorithm!r}'
        return InvalidInput(where='checksum', problem=problem)
    is_whole = len(checksum.hex) == 2 * digest_bytes(checksum.algorithm)
    if not is_whole or _HEX.fullmatch(checksum.hex) is None:
        problem = f'must be lower-case hex for {checksum.algorithm}, not {checksum.hex[:140]!r}'
        return InvalidInput(where='checksum', problem=problem)
    return None
