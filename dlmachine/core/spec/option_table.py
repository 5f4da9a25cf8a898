"""The table of options: the name, meaning and parser of each.

Pure.
"""

from collections.abc import Callable, Mapping
from typing import Final

from returns.result import Result

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.spec.option_parsers import (
    read_bool,
    read_checksum,
    read_checksum_list,
    read_count,
    read_count_or_none,
    read_dest,
    read_file_time,
    read_freshness,
    read_if_exists,
    read_instant,
    read_link,
    read_method,
    read_rate,
    read_seconds,
    read_seconds_or_none,
    read_segments,
    read_size,
    read_text,
    read_validator,
    read_word,
)

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
    'freshness': Option(
        field='freshness',
        read=read_freshness,
        help='use a copy that is there without a request (stored, the default in the cache), '
        'ask the server first if it is current (always, the default at a path), ask once the '
        'server has not sent or confirmed it for so long (a duration such as 7d or 12h), or follow '
        'the rules of HTTP (http)',
    ),
    'if_exists': Option(
        field='if_exists',
        read=read_if_exists,
        help='what to do with a file at the path that is not recorded for this download: replace '
        'it (the default if you named the path), refuse to download (the default if the URL or '
        'the server named the file), or keep and use it',
    ),
    'via_cache': Option(
        field='via_cache',
        read=read_bool,
        help='copy the file to the path from the cache, and download it into the cache if it is '
        'not there',
    ),
    'link': Option(
        field='link',
        read=read_link,
        help='make the file at the path a read-only link into the cache, hard or symbolic, '
        'instead of a copy',
    ),
    'mtime': Option(
        field='mtime',
        read=read_file_time,
        help='modification time of a file at a path: server takes that of Last-Modified '
        'instead of the time of the download',
    ),
    'check_freshness': Option(
        field='check_freshness',
        read=read_bool,
        help='ask the server first if a copy is current, the same as freshness=always',
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
        field='window.newer_than',
        read=read_instant,
        help='use only copies stored after this date, or within this age such as 7d',
    ),
    'older_than': Option(
        field='window.older_than',
        read=read_instant,
        help='use only copies stored before this date, or longer ago than this age such as 7d',
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
    'any_status': Option(
        field='any_status',
        read=read_bool,
        help='return a response with an error status, with at most 4 KiB of its body in memory, '
        'instead of retrying and raising; no file is written',
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
    'follow': Option(
        field='follow', read=read_bool, help='follow redirects; otherwise they are error statuses'
    ),
    'checksum': Option(
        field='checksum',
        read=read_checksum,
        help='expected checksum: sha256:<hex>, another hashlib algorithm, or only the hex digits',
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
    'key_without', 'key_ignores_query',
)  # fmt: skip
