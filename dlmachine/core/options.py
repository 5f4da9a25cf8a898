"""Options: the words of a caller, a file or the environment, read into a Policy.

Pure. One table says which names there are, what they mean and how they are read; a name
that is not in it is a fault that names the nearest one.
"""

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.destination import parse_destination
from dlmachine.core.faults import Fault, InvalidInput, UnknownName
from dlmachine.core.policy import CheckMethod, Checksum, Policy, find_policy_fault
from dlmachine.core.text import find_frame_breaker

_WORDS: Final = {
    '1': True, 'true': True, 'yes': True, 'on': True,
    '0': False, 'false': False, 'no': False, 'off': False, '': False,
}  # fmt: skip

#: Other names for the same thing, those of the original first.
SYNONYMS: Final = {
    'fallback_urls': 'mirrors',
    'connect_timeout': 'connecttimeout',
    'destination': 'dest',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: where it goes in the Policy, how a value is read, and what it is for."""

    field: str
    read: Callable[[str, object], Result[object, Fault]]
    help: str


def read_bool(name: str, value: object) -> Result[object, Fault]:
    """True or False; from a file or the environment also 1, yes, on and their opposites."""
    word = value if isinstance(value, bool) else _WORDS.get(str(value).strip().lower())
    return _bad(name, value, 'is neither true nor false') if word is None else Success(word)


def read_count(name: str, value: object) -> Result[object, Fault]:
    """A whole number; text is read as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Success(value)
    if isinstance(value, str) and re.fullmatch(r'-?[0-9]{1,18}', value.strip()):
        return Success(int(value))
    return _bad(name, value, 'is no whole number')


def read_size(name: str, value: object) -> Result[object, Fault]:
    """A number of bytes, or None for no limit; text may end in k, M, G (1024) or kB, MB, GB (1000).

    >>> read_size('max_bytes', '2M').unwrap()
    2097152
    """
    if value is None:
        return Success(None)
    found = re.fullmatch(r'([0-9]{1,15})\s*([kKMGT]?)(i?[bB])?', str(value).strip())
    if isinstance(value, str) and found:
        number, prefix, unit = found.groups()
        base = 1000 if unit and not unit.startswith('i') else 1024
        return Success(int(number) * base ** ' KMGT'.index(prefix.upper() or ' '))
    return read_count(name, value)


def read_seconds(name: str, value: object) -> Result[object, Fault]:
    """A duration: a timedelta, or a number of seconds."""
    if isinstance(value, timedelta):
        return Success(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return _bad(name, value, 'is no number of seconds')
    try:
        return Success(timedelta(seconds=float(value)))
    except (ValueError, OverflowError):
        return _bad(name, value, 'is no number of seconds')


def read_seconds_or_none(name: str, value: object) -> Result[object, Fault]:
    """A duration, or None (in text: none) for no bound."""
    unbounded = value is None or (isinstance(value, str) and value.lower() == 'none')
    return Success(None) if unbounded else read_seconds(name, value)


def read_instant(name: str, value: object) -> Result[object, Fault]:
    """An instant: datetime, date or ISO 8601 text; without a zone it is in UTC.

    >>> read_instant('newer_than', '2024-05-01').unwrap().isoformat()
    '2024-05-01T00:00:00+00:00'
    """
    if value is None:
        return Success(None)
    instant = value
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value.strip())
        except ValueError:
            return _bad(name, value, 'is no date in ISO 8601')
    if isinstance(instant, date) and not isinstance(instant, datetime):
        instant = datetime(instant.year, instant.month, instant.day, tzinfo=UTC)
    if not isinstance(instant, datetime):
        return _bad(name, value, 'is no date')
    return Success(instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant)


def read_method(name: str, value: object) -> Result[object, Fault]:
    """A check method by its name."""
    if isinstance(value, CheckMethod):
        return Success(value)
    known = {method.value: method for method in CheckMethod}
    method = known.get(str(value).strip().lower())
    return _bad(name, value, f'is not one of {", ".join(known)}') if method is None else Success(method)


def read_checksum(name: str, value: object) -> Result[object, Fault]:
    """`algorithm:hex` with any algorithm of hashlib that has a fixed length; also `sha-256=hex`.

    >>> read_checksum('checksum', 'MD5:D41D8CD98F00B204E9800998ECF8427E').unwrap().algorithm
    'md5'
    """
    if value is None or isinstance(value, Checksum):
        return Success(value)
    found = re.fullmatch(r'\s*([A-Za-z0-9_\-]+)\s*[:=]\s*([0-9A-Fa-f]+)\s*', str(value))
    if found is None:
        return _bad(name, value, "is not of the form 'sha256:<hex>'")
    algorithm = find_algorithm(found.group(1))
    if algorithm is None:
        known = ', '.join(sorted(hashlib.algorithms_guaranteed))
        return _bad(name, found.group(1), f'is no algorithm of hashlib ({known})')
    length, wanted = len(found.group(2)), hashlib.new(algorithm).digest_size * 2
    if length != wanted:
        return _bad(name, value, f'has {length} hex digits, where {algorithm} has {wanted}')
    return Success(Checksum(algorithm, found.group(2).lower()))


def find_algorithm(name: str) -> str | None:
    """The hashlib name of a digest algorithm of fixed length, from any of its spellings."""
    spelled = {known.replace('_', '-'): known for known in hashlib.algorithms_guaranteed}
    spelled |= {'sha-1': 'sha1', 'sha-224': 'sha224', 'sha-256': 'sha256', 'sha-384': 'sha384'}
    spelled |= {'sha-512': 'sha512'}
    found = spelled.get(name.lower().replace('_', '-'))
    return found if found and hashlib.new(found).digest_size else None


def read_text(name: str, value: object) -> Result[object, Fault]:
    """A text of one line that is not empty."""
    if not isinstance(value, str) or not value.strip():
        return _bad(name, value, 'is no text')
    fault = find_frame_breaker(name, value)
    return Success(value.strip()) if fault is None else Failure(fault)


def _read_dest(_: str, value: object) -> Result[object, Fault]:
    return parse_destination(value).map(lambda wanted: wanted)


OPTIONS: Final[Mapping[str, Option]] = {
    'backend': Option(field='backend', read=read_text, help='requests, curl, or another installed one'),
    'dest': Option(field='destination', read=_read_dest, help='a path, True (cache) or False (memory)'),
    'check_freshness': Option(field='check_freshness', read=read_bool, help='ask the server before using a stored copy'),
    'check_method': Option(field='check_method', read=read_method, help='auto, etag, modified, size or hash'),
    'force_download': Option(field='force_download', read=read_bool, help='download even if a stored copy would do'),
    'newer_than': Option(field='window.newer_than', read=read_instant, help='use only copies stored after this date'),
    'older_than': Option(field='window.older_than', read=read_instant, help='use only copies stored before this date'),
    'keep_old': Option(field='keep_old', read=read_bool, help='keep earlier versions after a refresh'),
    'offline': Option(field='offline', read=read_bool, help='never touch the network'),
    'retries': Option(field='retries', read=read_count, help='more tries after the first'),
    'retry_wait': Option(field='retry_wait', read=read_seconds, help='longest first wait between tries, in seconds; doubles'),
    'retry_max_wait': Option(field='retry_max_wait', read=read_seconds, help='longest wait between tries, in seconds'),
    'retry_after_max': Option(field='retry_after_max', read=read_seconds, help='longest Retry-After to obey, in seconds'),
    'idempotent': Option(field='idempotent', read=read_bool, help='a POST may be sent twice'),
    'connecttimeout': Option(field='connect_timeout', read=read_seconds, help='seconds to make a connection'),
    'stall_timeout': Option(field='stall_timeout', read=read_seconds, help='seconds without a byte'),
    'timeout': Option(field='timeout', read=read_seconds_or_none, help='seconds for the whole download; none: no bound'),
    'lock_timeout': Option(field='lock_timeout', read=read_seconds, help='seconds to wait for another download of the same'),
    'max_bytes': Option(field='max_bytes', read=read_size, help='refuse larger bodies'),
    'max_redirects': Option(field='max_redirects', read=read_count, help='redirects to follow'),
    'checksum': Option(field='checksum', read=read_checksum, help='sha256:<hex>, or another hashlib algorithm'),
    'user_agent': Option(field='user_agent', read=read_text, help='User-Agent header'),
}  # fmt: skip

#: The keywords of `Descriptor.parse`, which describe what to download.
DESCRIPTOR_NAMES: Final = (
    'method', 'query', 'post', 'json', 'multipart', 'data', 'headers',
    'cainfo', 'verify', 'cert', 'key', 'mirrors',
)  # fmt: skip


def parse_policy(given: Mapping[str, object], base: Policy | None = None) -> Result[Policy, Fault]:
    """Read options over a base policy.

    Faults: `UnknownName` with the nearest name, `InvalidInput` for a value.

    >>> parse_policy({'retries': 5, 'timeout': 90}).unwrap().timeout.total_seconds()
    90.0
    >>> parse_policy({'retires': 5}).failure().nearest
    'retries'
    """
    policy = Policy() if base is None else base
    for given_name, value in given.items():
        name = SYNONYMS.get(given_name, given_name)
        option = OPTIONS.get(name)
        if option is None:
            return Failure(unknown_name(given_name, OPTIONS))
        read = option.read(given_name, value)
        if not is_successful(read):
            return Failure(read.failure())
        policy = _with_value(policy, option.field, read.unwrap())
    fault = find_policy_fault(policy)
    return Success(policy) if fault is None else Failure(fault)


def split_options(
    given: Mapping[str, object],
) -> Result[tuple[dict[str, object], dict[str, object]], Fault]:
    """Sort a caller's keywords into those of the Descriptor and those of the Policy.

    >>> split_options({'query': {'a': 1}, 'retries': 0}).unwrap()
    ({'query': {'a': 1}}, {'retries': 0})
    """
    described: dict[str, object] = {}
    handled: dict[str, object] = {}
    for given_name, value in given.items():
        name = SYNONYMS.get(given_name, given_name)
        if name in DESCRIPTOR_NAMES:
            described[name] = value
        elif name in OPTIONS:
            handled[name] = value
        else:
            return Failure(unknown_name(given_name, (*DESCRIPTOR_NAMES, *OPTIONS)))
    return Success((described, handled))


def unknown_name(name: str, known: Iterable[str], source: str = '') -> UnknownName:
    """The fault for a name that does not exist, with the nearest that does."""
    names = (*known, *SYNONYMS)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return UnknownName(name=str(name), nearest=near[0] if near else None, source=source)


def _with_value(policy: Policy, field: str, value: object) -> Policy:
    outer, _, inner = field.partition('.')
    new = _replaced(getattr(policy, outer), inner, value) if inner else value
    changed: Policy = _replaced(policy, outer, new)
    return changed


def _replaced(value: Any, field: str, new: object) -> Any:
    # The readers of the table vouch for the type, which names in a table can not show.
    return replace(value, **{field: new})


def _bad(name: str, value: object, problem: str) -> Result[object, Fault]:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f'{shown[:77]}...'  # noqa: PLR2004 -- a line
    return Failure(InvalidInput(where=name, problem=f'{shown} {problem}'))
