"""The table of options, and parsing options into a Policy.

Pure. The table has the name, meaning and parser of each option. An unknown name is a fault that
suggests the nearest known one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.deprecation import warn_renamed
from dlmachine.core.faults import Fault, UnknownName
from dlmachine.core.faults.printing import shortened
from dlmachine.core.frozen import frozen
from dlmachine.core.spec.option_parsers import (
    is_checksum_list,
    read_bool,
    read_checksum,
    read_checksum_list,
    read_count,
    read_count_or_none,
    read_dest,
    read_instant,
    read_method,
    read_rate,
    read_seconds,
    read_seconds_or_none,
    read_segments,
    read_size,
    read_text,
    read_validator,
    read_word,
    refuse_endless,
)
from dlmachine.core.spec.policy import Policy, find_policy_fault

#: Other names of options: synonyms, then former names.
SYNONYMS: Final = {
    'fallback_urls': 'mirrors',
    'connecttimeout': 'connect_timeout',
    'destination': 'dest',
}
#: Former names, which work with a DeprecationWarning.
OLD_NAMES: Final = frozenset({'destination'})


@frozen
class Option:
    """An option: its field in `Policy`, the parser of its values, its meaning and its unit."""

    field: str
    read: Callable[[str, object], Result[object, Fault]]
    help: str
    unit: str = ''


OPTIONS: Final[Mapping[str, Option]] = {
    'backend': Option(
        field='backend',
        read=read_word,
        help='library that downloads: requests, curl, or another installed one',
    ),
    'dest': Option(field='dest', read=read_dest, help='a path, True (cache) or False (memory)'),
    'check_freshness': Option(
        field='check_freshness',
        read=read_bool,
        help='check that a stored copy is current before use',
    ),
    'check_method': Option(
        field='check_method',
        read=read_method,
        help='how copies are compared: auto, etag, modified, size or hash',
    ),
    'force_download': Option(
        field='force_download', read=read_bool, help='download even if a stored copy could be used'
    ),
    'newer_than': Option(
        field='window.newer_than', read=read_instant, help='use only copies stored after this date'
    ),
    'older_than': Option(
        field='window.older_than', read=read_instant, help='use only copies stored before this date'
    ),
    'keep_old': Option(
        field='keep_old', read=read_bool, help='keep earlier versions after a refresh'
    ),
    'offline': Option(field='offline', read=read_bool, help='never use the network'),
    'stale_if_error': Option(
        field='stale_if_error',
        read=read_bool,
        help='use the stored copy if the download fails',
    ),
    'create_dirs': Option(
        field='create_dirs', read=read_bool, help='make the folder of a path if it is missing'
    ),
    'retries': Option(field='retries', read=read_count, help='retries after the first attempt'),
    'retry_wait': Option(
        field='retry_wait',
        read=read_seconds,
        help='maximum of the first wait between attempts; doubles',
        unit='seconds',
    ),
    'retry_max_wait': Option(
        field='retry_max_wait',
        read=read_seconds,
        help='maximum wait between attempts',
        unit='seconds',
    ),
    'retry_after_max': Option(
        field='retry_after_max',
        read=read_seconds,
        help='longest Retry-After to obey',
        unit='seconds',
    ),
    'idempotent': Option(field='idempotent', read=read_bool, help='a POST may be sent twice'),
    'connect_timeout': Option(
        field='connect_timeout', read=read_seconds, help='maximum time to connect', unit='seconds'
    ),
    'stall_timeout': Option(
        field='stall_timeout',
        read=read_seconds,
        help='maximum time without a byte',
        unit='seconds',
    ),
    'timeout': Option(
        field='timeout',
        read=read_seconds_or_none,
        help='maximum time for the complete download; None: no limit',
        unit='seconds',
    ),
    'lock_timeout': Option(
        field='lock_timeout',
        read=read_seconds,
        help='maximum wait for another download of the same entry',
        unit='seconds',
    ),
    'max_bytes': Option(
        field='max_bytes', read=read_size, help='refuse larger bodies', unit='bytes'
    ),
    'segments': Option(
        field='segments',
        read=read_segments,
        help='parallel connections for one large file, 1 to 64, or auto',
    ),
    'max_redirects': Option(field='max_redirects', read=read_count, help='redirects to follow'),
    'checksum': Option(
        field='checksum',
        read=read_checksum,
        help='expected checksum: sha256:<hex>, or another hashlib algorithm',
    ),
    'checksum_file': Option(
        field='checksum_file',
        read=read_checksum_list,
        help='path or URL of a list such as SHA256SUMS or x.md5',
    ),
    'min_bytes': Option(
        field='min_bytes', read=read_size, help='refuse smaller bodies', unit='bytes'
    ),
    'check_content': Option(
        field='check_content',
        read=read_bool,
        help='refuse a web page in place of data, and damaged gzip',
    ),
    'validate': Option(
        field='validate', read=read_validator, help='function(file) that says if a body is right'
    ),
    'user_agent': Option(field='user_agent', read=read_text, help='User-Agent header'),
    'max_per_host': Option(
        field='max_per_host', read=read_count_or_none, help='parallel requests per host'
    ),
    'rate': Option(
        field='rate',
        read=read_rate,
        help="requests per host: '3/s', '100/m', '1000/h'",
        unit='requests per second, if a number',
    ),
    'limit_rate': Option(
        field='limit_rate',
        read=read_size,
        help='maximum speed of all downloads together',
        unit='bytes per second',
    ),
    'http2': Option(field='http2', read=read_bool, help='HTTP/2 over TLS, where curl offers it'),
}

#: The keywords of `Descriptor.parse`, which describe what to download.
DESCRIPTOR_NAMES: Final = (
    'method', 'query', 'post', 'json', 'multipart', 'data', 'headers',
    'cainfo', 'verify', 'cert', 'key', 'mirrors', 'secret_names',
)  # fmt: skip


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
    for given_name, value in given.items():
        name = own_name(given_name)
        if name == 'checksum' and is_checksum_list(value):
            name = 'checksum_file'
        option = OPTIONS.get(name)
        if option is None:
            return Failure(unknown_name(given_name, OPTIONS))
        read = refuse_endless(given_name, value).bind(partial(option.read, given_name))
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
        name = own_name(given_name)
        if name in DESCRIPTOR_NAMES:
            described[name] = value
        elif name in OPTIONS:
            handled[name] = value
        else:
            return Failure(unknown_name(given_name, (*DESCRIPTOR_NAMES, *OPTIONS)))
    return Success((described, handled))


def unknown_name(name: str, known: Iterable[str], source: str = '') -> UnknownName:
    """The fault for an unknown name, with the nearest known one."""
    import difflib

    from dlmachine.core.secrets.redact import redact_value

    word, names = str(name), (*known, *SYNONYMS)
    owner = _OWNERS.get(word) or ('a download' if word in OPTIONS or word in SYNONYMS else '')
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.65)
    nearest = _ELSEWHERE.get(word) or next(iter((*near, *_named_after(word, names))), None)
    return UnknownName(
        name=shortened(str(redact_value(word))),
        nearest=nearest if nearest in names else None,
        source=source,
        owner=owner,
    )


def _named_after(word: str, names: Iterable[str]) -> list[str]:
    # A part of a name is not similar to it, but probably meant: `wait` for `retry_wait`.
    return [name for name in names if word in name.split('_')]


#: Options that are not those of a download, and what they belong to.
_OWNERS: Final = {
    'path': 'DownloadManager', 'pkg': 'DownloadManager', 'progress': 'DownloadManager',
    'config': 'DownloadManager', 'workers': 'download_many', 'executor': 'download_many',
    'needed': 'open', 'large': 'open', 'default_mode': 'open', 'encoding': 'open', 'ext': 'open',
}  # fmt: skip
#: Names of options on the command line and in other programs.
_ELSEWHERE: Final = {
    'retry': 'retries', 'max_time': 'timeout', 'refresh': 'check_freshness',
    'cacert': 'cainfo', 'insecure': 'verify', 'known_hash': 'checksum',
    'sha256': 'checksum', 'output': 'dest', 'directory': 'dest', 'params': 'query',
    'fname': 'dest', 'files': 'multipart', 'auth': 'headers', 'cookies': 'headers',
    'cache': 'path', 'cache_dir': 'path', 'cache_folder': 'path',
}  # fmt: skip


def _with_value(policy: Policy, field: str, value: object) -> Policy:
    # The parsers in the table guarantee the type, which a type checker cannot see.
    outer, _, inner = field.partition('.')
    new: Any = replace(getattr(policy, outer), **{inner: value}) if inner else value
    return replace(policy, **{outer: new})
