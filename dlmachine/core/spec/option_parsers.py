"""Parsers for the values of options from a caller, a file or the environment.

Pure. Each parser takes the name of the option, which a fault contains, and the value; it returns
the value with the type of the option's field in `Policy`. Faults: `InvalidInput`.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from pathlib import PurePath
from typing import Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.http.url import is_local, parse_url
from dlmachine.core.integrity.checksum import Checksum, ChecksumList, digest_bytes, find_algorithm
from dlmachine.core.regex import regex
from dlmachine.core.secrets.refusal import refused
from dlmachine.core.spec.destination import parse_destination
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.rate_limit import Rate, parse_rate
from dlmachine.core.spec.reuse import (
    CheckMethod,
    FileTime,
    Freshness,
    IfExists,
    Link,
    parse_remember_missing,
)
from dlmachine.core.text.control_chars import find_control_char
from dlmachine.core.text.durations import parse_duration, parse_instant

Parser: TypeAlias = Callable[[str, object], Result[object, Fault]]

_WORD: Final = regex(r'[\w.\-]{1,80}')
_WORDS: Final = {
    '1': True, 'true': True, 'yes': True, 'on': True,
    '0': False, 'false': False, 'no': False, 'off': False, '': False,
}  # fmt: skip


def read_bool(name: str, value: object) -> Result[object, Fault]:
    """Parse a bool; text may also be 1, yes, on, and 0, no, off."""
    word = value if isinstance(value, bool) else _WORDS.get(str(value).strip().lower())
    return refused(name, value, 'true or false') if word is None else Success(word)


def read_progress(name: str, value: object) -> Result[object, Fault]:
    """Parse a bool, or a function, which is returned unchanged."""
    if callable(value):
        return Success(value)
    return read_bool(name, value).lash(lambda _: refused(name, value, 'true, false or a function'))


def read_count(name: str, value: object) -> Result[object, Fault]:
    """Parse a whole number, also from text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Success(value)
    if isinstance(value, str) and re.fullmatch(r'-?[0-9]{1,18}', value.strip()):
        return Success(int(value))
    return refused(name, value, 'a whole number')


def read_segments(name: str, value: object) -> Result[object, Fault]:
    """Parse the number of connections for one file: a whole number from 1 on, or auto (0).

    >>> read_segments('segments', 'auto').unwrap(), read_segments('segments', '8').unwrap()
    (0, 8)
    """
    if isinstance(value, str) and value.strip().lower() == 'auto':
        return Success(0)
    count = read_count(name, value)
    is_none = count == Success(0) or not is_successful(count)
    return refused(name, value, 'auto or a whole number of 1 or more') if is_none else count


def read_size(name: str, value: object) -> Result[object, Fault]:
    """Parse a number of bytes, such as 500, 2M (1024) or 2MB (1000); None for no limit.

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
    count = read_count(name, value)
    return count if is_successful(count) else refused(name, value, "a size such as 500 or '2M'")


def read_rate(name: str, value: object) -> Result[object, Fault]:
    """Parse a rate: '3/s', '100/m', '1000/h', or a number of requests per second; None: no limit.

    >>> read_rate('rate', '3/s').unwrap(), read_rate('rate', 0.5).unwrap()
    (Rate(count=3, seconds=1), Rate(count=0.5, seconds=1))
    """
    if value is None or isinstance(value, Rate):
        return Success(value)
    is_one = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    if is_one and str(value).strip().lower() == 'none':
        return Success(None)
    rate = parse_rate(str(value)) if is_one else None
    return refused(name, value, "a rate such as '3/s'") if rate is None else Success(rate)


def or_none(read: Parser) -> Parser:
    """The same parser, which also accepts None (in text: none) for no limit."""

    def read_or_none(name: str, value: object) -> Result[object, Fault]:
        is_unlimited = value is None or (isinstance(value, str) and value.strip().lower() == 'none')
        return Success(None) if is_unlimited else read(name, value)

    return read_or_none


read_count_or_none: Final = or_none(read_count)


def read_seconds(name: str, value: object) -> Result[object, Fault]:
    """Parse a duration: a timedelta, or a number of seconds."""
    if isinstance(value, timedelta):
        return Success(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return refused(name, value, 'a number of seconds')
    try:
        return Success(timedelta(seconds=float(value)))
    except (ValueError, OverflowError):
        return refused(name, value, 'a number of seconds')


read_seconds_or_none: Final = or_none(read_seconds)


def read_age(name: str, value: object) -> Result[object, Fault]:
    """Parse an age: a timedelta, or text such as 90d; 0 needs no unit.

    >>> read_age('unused_for', '1h30m').unwrap(), read_age('grace_period', 0).unwrap()
    (datetime.timedelta(seconds=5400), datetime.timedelta(0))
    """
    is_zero = not isinstance(value, bool) and str(value).strip() == '0'
    found = timedelta(0) if is_zero else parse_duration(value) if isinstance(value, str) else value
    is_age = isinstance(found, timedelta) and found >= timedelta(0)
    return Success(found) if is_age else refused(name, value, 'an age such as 90d or 12h')


read_age_or_none: Final = or_none(read_age)


def read_instant(name: str, value: object) -> Result[object, Fault]:
    """Parse a time, in UTC if it has no zone, or an age, which stays one.

    >>> read_instant('newer_than', '7d').unwrap()
    datetime.timedelta(days=7)
    """
    when = parse_instant(value)
    if isinstance(when, timedelta) and when < timedelta(0):
        return refused(name, value, 'an age of 0 or more')
    if when is None and value is not None:
        return refused(name, value, 'a date such as 2024-05-31 or an age such as 7d')
    return Success(when)


def read_freshness(name: str, value: object) -> Result[object, Fault]:
    """Parse a freshness: a name, or a duration as a timedelta or as text such as 7d.

    None is the default of the destination.

    >>> read_freshness('freshness', '12 h').unwrap()
    datetime.timedelta(seconds=43200)
    """
    if value is None:
        return Success(None)
    lasts = parse_duration(value) if isinstance(value, str) else value
    if isinstance(lasts, timedelta) and lasts >= timedelta(0):
        return Success(lasts)
    expected = 'stored, always, http, or a duration such as 7d'
    return read_enum(Freshness, name, value).lash(lambda _: refused(name, value, expected))


def read_remember_missing(name: str, value: object) -> Result[object, Fault]:
    """Parse how long missing files are remembered; None (in text: none) is not at all."""
    if value is None or str(value).strip().lower() == 'none':
        return Success(None)
    found = parse_remember_missing(value)
    expected = "a duration such as 7d, or one with statuses such as '7d for 403, 404'"
    return refused(name, value, expected) if found is None else Success(found)


def read_method(name: str, value: object) -> Result[object, Fault]:
    """Parse a check method or its name."""
    return read_enum(CheckMethod, name, value)


def read_if_exists(name: str, value: object) -> Result[object, Fault]:
    """Parse what happens to an existing file; None is the default of the destination."""
    return Success(None) if value is None else read_enum(IfExists, name, value)


def read_link(name: str, value: object) -> Result[object, Fault]:
    """Parse the kind of a link, or None for a copy."""
    return Success(None) if value is None else read_enum(Link, name, value)


def read_file_time(name: str, value: object) -> Result[object, Fault]:
    """Parse which modification time a file gets, or None for that of the download."""
    return Success(None) if value is None else read_enum(FileTime, name, value)


def read_enum(kind: type[Enum], name: str, value: object) -> Result[object, Fault]:
    """Parse a member of an enum, or its value."""
    if isinstance(value, kind):
        return Success(value)
    known = {one.value: one for one in kind}
    found = known.get(str(value).strip().lower())
    return refused(name, value, f'one of {", ".join(known)}') if found is None else Success(found)


def read_checksum(name: str, value: object) -> Result[object, Fault]:
    """Parse `algorithm:hex` or `algorithm=hex` for an algorithm of hashlib with a fixed length.

    The length of hex digits without an algorithm names it: md5, sha1, sha256 or sha512.

    >>> read_checksum('checksum', 'MD5:D41D8CD98F00B204E9800998ECF8427E').unwrap().algorithm
    'md5'
    >>> read_checksum('checksum', 'd41d8cd98f00b204e9800998ecf8427e').unwrap().algorithm
    'md5'
    """
    if value is None or isinstance(value, Checksum):
        return Success(value)
    bare = str(value).strip().lower()
    if len(bare) in _BY_LENGTH and re.fullmatch('[0-9a-f]+', bare):
        return Success(Checksum(_BY_LENGTH[len(bare)], bare))
    found = re.fullmatch(r'\s*([A-Za-z0-9_\-]+)\s*[:=]\s*([0-9A-Fa-f]+)\s*', str(value))
    if found is None:
        return refused(name, value, "of the form 'sha256:<hex>'")
    algorithm = find_algorithm(found.group(1))
    if algorithm is None:
        known = ', '.join(sorted(hashlib.algorithms_guaranteed))
        return refuse(name, f'has the algorithm {found.group(1)!r}, which is not one of {known}')
    length, wanted = len(found.group(2)), digest_bytes(algorithm) * 2
    if length != wanted:
        return refuse(name, f'has {length} hex digits, but {algorithm} has {wanted}')
    return Success(Checksum(algorithm, found.group(2).lower()))


def read_checksum_list(name: str, value: object) -> Result[object, Fault]:
    """Parse the location of a checksum file: a path, or the URL of a server.

    >>> read_checksum_list('checksum_file', 'HTTPS://H/SHA256SUMS').unwrap().location
    'https://h/SHA256SUMS'
    """
    if value is None or isinstance(value, ChecksumList):
        return Success(value)
    if isinstance(value, PurePath):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        return refused(name, value, 'a path or a URL')
    if '://' in value and not is_local(value):
        return parse_url(value, name).map(lambda url: ChecksumList(str(url)))
    return parse_local_path(value, name).map(ChecksumList)


#: The algorithm of most digests with this number of hex digits.
_BY_LENGTH: Final = {32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512'}


def read_validator(name: str, value: object) -> Result[object, Fault]:
    """Check that the value is a function that validates a body, or None."""
    is_known = value is None or callable(value)
    return Success(value) if is_known else refused(name, value, 'a function')


def read_text(name: str, value: object) -> Result[object, Fault]:
    """Parse text of one line that is not empty."""
    if not isinstance(value, str):
        return refused(name, value, 'text')
    if not value.strip():
        return refuse(name, 'must not be empty')
    fault = find_control_char(name, value)
    return Success(value.strip()) if fault is None else Failure(fault)


def read_word(name: str, value: object) -> Result[object, Fault]:
    """Parse a name of letters, digits, dots, dashes and underscores, such as that of a backend."""
    if isinstance(value, str) and _WORD.fullmatch(value.strip()):
        return Success(value.strip())
    return refused(name, value, 'a name such as curl')


def read_dest(_: str, value: object) -> Result[object, Fault]:
    """Parse a destination: a path, True, False or None."""
    return parse_destination(value)
