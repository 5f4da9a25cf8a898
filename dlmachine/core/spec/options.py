"""Parse options into a Policy.

Pure. An unknown name is a fault that suggests the nearest known one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.deprecation import warn_renamed
from dlmachine.core.faults import Fault, InvalidInput, UnknownName
from dlmachine.core.faults.printing import shortened
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import is_checksum_list
from dlmachine.core.keeping.limits import Keeping, find_keeping_fault
from dlmachine.core.spec.option_table import (
    CACHE_OPTIONS,
    DESCRIPTOR_NAMES,
    OLD_NAMES,
    OPTIONS,
    SYNONYMS,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault


def own_name(name: str) -> str:
    """The name of an option in the table; warns if the name is a former one.

    >>> own_name('fallback_urls'), own_name('retries')
    ('mirrors', 'retries')
    """
    if name in OLD_NAMES:
        warn_renamed(f'The option {name}', SYNONYMS[name])
    return SYNONYMS.get(name, name)


def parse_policy(given: Mapping[str, object], base: Policy | None = None) -> Result[Policy, Fault]:
    """Parse options, and apply them to a base policy.

    Faults: `UnknownName` with the nearest known name, `InvalidInput` for a value.

    >>> parse_policy({'retries': 5, 'timeout': 90}).unwrap().timeout.total_seconds()
    90.0
    >>> parse_policy({'retires': 5}).failure().nearest
    'retries'
    """
    policy = Policy() if base is None else base
    if not given.keys().isdisjoint({'checksum', 'checksum_file'}):
        # Either option replaces both of the base policy.
        policy = replace(policy, checksum=None, checksum_file=None)
    # Each of the two replaces the other of the base policy.
    if 'freshness' in given:
        policy = replace(policy, check_freshness=False)
    if 'check_freshness' in given:
        policy = replace(policy, freshness=None)
    for given_name, value in given.items():
        name = own_name(given_name)
        if name == 'checksum' and is_checksum_list(value):
            name = 'checksum_file'
        option = OPTIONS.get(name)
        if option is None:
            return Failure(unknown_name(given_name, OPTIONS, given=given))
        endless = find_endless(given_name, value)
        if endless is not None:
            return Failure(endless)
        read = option.read(given_name, value)
        if isinstance(read, Failure):
            return read
        policy = _with_value(policy, option.field, read.unwrap())
    fault = find_policy_fault(policy)
    return Success(policy) if fault is None else Failure(fault)


def find_endless(name: str, value: object) -> Fault | None:
    """The fault of a number with too many digits for Python to format.

    >>> find_endless('retries', 10**5000).problem
    'must be a number of at most 1,000 digits'
    """
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        problem = 'must be a number of at most 1,000 digits'
        return InvalidInput(where=name, problem=problem)
    return None


#: A thousand digits; Python's own limit is 4,300, and can be changed.
_MAX_BITS: Final = 3_322


def parse_keeping(
    given: Mapping[str, object], base: Keeping | None = None
) -> Result[Keeping, Fault]:
    """Parse the options of a cache, and apply them to those of a base.

    Faults: `UnknownName` with the nearest known name, `InvalidInput` for a value.

    >>> parse_keeping({'max_size': '50GB'}).unwrap().max_size
    50000000000
    """
    keeping = Keeping() if base is None else base
    for name, value in given.items():
        option = CACHE_OPTIONS.get(name)
        if option is None:
            return Failure(unknown_name(name, CACHE_OPTIONS))
        endless = find_endless(name, value)
        if endless is not None:
            return Failure(endless)
        read = option.read(name, value)
        if isinstance(read, Failure):
            return read
        new: Any = read.unwrap()
        keeping = replace(keeping, **{option.field: new})
    fault = find_keeping_fault(keeping)
    return Success(keeping) if fault is None else Failure(fault)


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
        name = own_name(given_name)
        if name in DESCRIPTOR_NAMES:
            described[name] = value
        elif name in OPTIONS:
            handled[name] = value
        else:
            return Failure(unknown_name(given_name, (*DESCRIPTOR_NAMES, *OPTIONS), given=given))
    return Success((described, handled))


def unknown_name(
    name: str, known: Iterable[str], source: str = '', given: Mapping[str, object] | None = None
) -> UnknownName:
    """The fault for an unknown name, with the nearest known one.

    `given` are all options of the call, for advice that takes up their values.
    """
    import difflib

    from dlmachine.core.secrets.configuration import redact_value

    word, names = str(name), (*known, *SYNONYMS)
    owner = _OWNERS.get(word) or ('a download' if word in OPTIONS or word in SYNONYMS else '')
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.65)
    nearest = _ELSEWHERE.get(word) or next(iter((*near, *_named_after(word, names))), None)
    return UnknownName(
        name=shortened(str(redact_value(word))),
        nearest=nearest if nearest in names else None,
        source=source,
        owner=owner,
        advice='' if given is None or word not in _FILE_WORDS else _advise_dest(given),
    )


def _advise_dest(given: Mapping[str, object]) -> str:
    from dlmachine.core.secrets.configuration import redact_value

    folder, name = (shortened(str(redact_value(given.get(word) or ''))) for word in _FILE_WORDS)
    path = f'{folder.rstrip("/")}/{name}' if folder else name
    return f'Leave it out, or pass dest={path or "folder/name"!r}'


def _named_after(word: str, names: Iterable[str]) -> list[str]:
    # A part of a name is not similar to it, but probably meant: `wait` for `retry_wait`.
    return [name for name in names if word in name.split('_')]


#: The names that pypath uses for the folder and the name of a file.
_FILE_WORDS: Final = ('subfolder', 'filename')
#: Options that are not those of a download, and what they belong to.
_OWNERS: Final = {
    'path': 'DownloadManager', 'pkg': 'DownloadManager', 'progress': 'DownloadManager',
    'on_event': 'DownloadManager',
    'config': 'DownloadManager', 'max_size': 'DownloadManager', 'unused_for': 'DownloadManager',
    'keep_versions': 'DownloadManager', 'grace_period': 'DownloadManager',
    'workers': 'download_many', 'executor': 'download_many',
    'needed': 'open', 'large': 'open', 'default_mode': 'open', 'encoding': 'open', 'ext': 'open',
}  # fmt: skip
#: Names of options on the command line and in other programs.
_ELSEWHERE: Final = {
    'retry': 'retries', 'max_time': 'timeout', 'refresh': 'check_freshness',
    'cacert': 'cainfo', 'insecure': 'verify', 'known_hash': 'checksum',
    'sha256': 'checksum', 'output': 'dest', 'directory': 'dest', 'params': 'query',
    'fname': 'dest', 'files': 'multipart',
    'max_cache_size': 'max_size', 'cache_size': 'max_size', 'max_age': 'unused_for',
    'cache': 'path', 'cache_dir': 'path', 'cache_folder': 'path',
}  # fmt: skip


def _with_value(policy: Policy, field: str, value: object) -> Policy:
    # The parsers in the table guarantee the type, which a type checker cannot see.
    outer, _, inner = field.partition('.')
    new: Any = replace(getattr(policy, outer), **{inner: value}) if inner else value
    return replace(policy, **{outer: new})
