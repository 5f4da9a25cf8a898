"""The table of options: the name, meaning and parser of each.

Pure.
"""

from collections.abc import Callable, Mapping
from typing import Final

from returns.result import Result

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.network.no_proxy import read_no_proxy
from dlmachine.core.network.proxy import read_proxy, read_proxy_auth
from dlmachine.core.network.resolve import read_resolve
from dlmachine.core.sources.address import read_repositories
from dlmachine.core.spec import option_parsers as parsers
from dlmachine.core.spec.destination import read_extract

#: Other names of options: synonyms, then former names.
SYNONYMS: Final = {
    'fallback_urls': 'mirrors',
    'connecttimeout': 'connect_timeout',
    'destination': 'dest',
}
#: Former names, which work with a DeprecationWarning.
OLD_NAMES: Final = frozenset({'destination'})


@frozen(kw_only=False)
class Option:
    """An option: its name, the parser of its values, and its meaning.

    It is a field of `Policy`, or of the field `within` of it. Without a `unit`, its values have
    that of their kind.
    """

    name: str
    read: Callable[[str, object], Result[object, Fault]]
    help: str
    within: str = ''
    unit: str = ''

    @property
    def field(self) -> str:
        """The path of its field in `Policy` or `Keeping`."""
        return f'{self.within}.{self.name}' if self.within else self.name


_ALL: Final = (
    Option(
        'backend',
        parsers.read_word,
        'library that downloads: requests, curl, or another installed one',
    ),
    Option('dest', parsers.read_dest, 'a path, True (cache) or False (memory)'),
    Option(
        'freshness',
        parsers.read_freshness,
        'use a copy that is there without a request (stored, the default in the cache), ask '
        'the server first if it is current (always, the default at a path), ask once the '
        'server has not sent or confirmed it for this long (a duration such as 7d or 12h), or '
        'follow the rules of HTTP (http)',
    ),
    Option(
        'remember_missing',
        parsers.read_remember_missing,
        'do not ask again for this long (a duration such as 7d) for a file that the servers '
        "answered with 404 or 410, or with the statuses of a list: '7d for 403, 404'",
    ),
    Option(
        'if_exists',
        parsers.read_if_exists,
        'what to do with a file at the path that is not recorded for this download: replace '
        'it (the default if you named the path), refuse to download (the default if the URL '
        'or the server named the file), or keep and use it',
    ),
    Option(
        'via_cache',
        parsers.read_bool,
        'copy the file to the path from the cache, and download it into the cache if it is '
        'not there',
    ),
    Option(
        'link',
        parsers.read_link,
        'make the file at the path a read-only link into the cache, hard or symbolic, instead '
        'of a copy',
    ),
    Option(
        'mtime',
        parsers.read_file_time,
        'modification time of a file at a path: server takes that of Last-Modified instead of '
        'the time of the download',
    ),
    Option(
        'extract',
        read_extract,
        'extract the archive into a folder, once: True (a folder named after it), the path of the '
        "folder, or {'into': …, 'members': ['*.tsv'], 'strip': 1}",
    ),
    Option(
        'check_freshness',
        parsers.read_bool,
        'ask the server first if a copy is current, the same as freshness=always',
    ),
    Option(
        'check_method',
        parsers.read_method,
        'how copies are compared: auto, etag, modified, size or hash',
    ),
    Option('force_download', parsers.read_bool, 'download even if a stored copy could be used'),
    Option(
        'newer_than',
        parsers.read_instant,
        'use only copies stored after this date, or within this age such as 7d',
        within='window',
    ),
    Option(
        'older_than',
        parsers.read_instant,
        'use only copies stored before this date, or longer ago than this age such as 7d',
        within='window',
    ),
    Option('keep_old', parsers.read_bool, 'keep earlier versions after a refresh'),
    Option('offline', parsers.read_bool, 'never use the network'),
    Option('stale_if_error', parsers.read_bool, 'use the stored copy if the download fails'),
    Option(
        'any_status',
        parsers.read_bool,
        'return a response with an error status, with at most 4 KiB of its body in memory, '
        'instead of retrying and raising; no file is written',
    ),
    Option('create_dirs', parsers.read_bool, 'make the folder of a path if it is missing'),
    Option('retries', parsers.read_count, 'retries after the first attempt'),
    Option(
        'retry_wait', parsers.read_seconds, 'maximum of the first wait between attempts; doubles'
    ),
    Option('retry_max_wait', parsers.read_seconds, 'maximum wait between attempts'),
    Option('retry_after_max', parsers.read_seconds, 'longest Retry-After to obey'),
    Option(
        'retry_delay',
        parsers.read_seconds_or_none,
        'wait before each retry, instead of a random one that doubles',
    ),
    Option(
        'retry_max_time',
        parsers.read_seconds_or_none,
        'time from the beginning after which no retry begins; None: no limit',
    ),
    Option(
        'retry_all_errors',
        parsers.read_bool,
        'retry also errors that usually last, such as 404 or a certificate that is not trusted',
    ),
    Option('idempotent', parsers.read_bool, 'a POST, PUT or DELETE may be sent twice'),
    Option('connect_timeout', parsers.read_seconds, 'maximum time to connect'),
    Option('stall_timeout', parsers.read_seconds, 'maximum time without a byte'),
    Option(
        'speed_limit',
        parsers.read_size,
        'minimum speed of a connection; a slower one is given up after speed_time, and the next '
        'URL is asked',
        unit='bytes per second',
    ),
    Option('speed_time', parsers.read_seconds, 'time over which speed_limit is the average'),
    Option(
        'timeout',
        parsers.read_seconds_or_none,
        'maximum time for the complete download; None: no limit',
    ),
    Option(
        'lock_timeout', parsers.read_seconds, 'maximum wait for another download of the same entry'
    ),
    Option('max_bytes', parsers.read_size, 'refuse larger bodies'),
    Option(
        'segments',
        parsers.read_segments,
        'parallel connections for one large file, 1 to 64, or auto',
    ),
    Option('max_redirects', parsers.read_count, 'redirects to follow'),
    Option('follow', parsers.read_bool, 'follow redirects; otherwise they are error statuses'),
    Option(
        'checksum',
        parsers.read_checksum,
        'expected checksum: sha256:<hex>, another hashlib algorithm, or only the hex digits',
    ),
    Option(
        'checksum_file',
        parsers.read_checksum_list,
        'path or URL of a list such as SHA256SUMS or x.md5',
    ),
    Option('min_bytes', parsers.read_size, 'refuse smaller bodies'),
    Option(
        'check_content', parsers.read_bool, 'refuse a web page in place of data, and damaged gzip'
    ),
    Option('validate', parsers.read_validator, 'function(file) that says if a body is right'),
    Option('user_agent', parsers.read_text, 'User-Agent header'),
    Option('max_per_host', parsers.read_count_or_none, 'parallel requests per host'),
    Option(
        'rate',
        parsers.read_rate,
        "requests per host: '3/s', '100/m', '1000/h'",
        unit='requests per second, if a number',
    ),
    Option(
        'limit_rate',
        parsers.read_size,
        'maximum speed of all downloads together',
        unit='bytes per second',
    ),
    Option(
        'repositories',
        read_repositories,
        'base URLs of the DOI resolver and of data repositories, by name: doi, zenodo, figshare',
    ),
    Option('http2', parsers.read_bool, 'HTTP/2 over TLS, where curl offers it'),
    Option(
        'proxy',
        read_proxy,
        'URL of a proxy (http, https, socks5 or socks5h), or False for none; None: that of the '
        'environment (http_proxy, https_proxy, all_proxy)',
        within='network',
    ),
    Option(
        'proxy_auth',
        read_proxy_auth,
        "user and password for the proxy, such as ('user', 'env:PASSWORD')",
        within='network',
    ),
    Option(
        'no_proxy',
        read_no_proxy,
        'hosts that are reached without the proxy: names with their subdomains, IP addresses, '
        'networks such as 10.0.0.0/8, or *; None: those of the environment (no_proxy)',
        within='network',
    ),
    Option(
        'resolve',
        read_resolve,
        "IP addresses of hosts, instead of those of the resolver: {'example.org:443': '192.0.2.7'}",
        within='network',
    ),
    Option(
        'forbid_private',
        parsers.read_bool,
        'refuse to connect to IP addresses that are not public, such as 127.0.0.1 and 10.0.0.1, '
        'also after a redirect; not with a proxy',
        within='network',
    ),
    Option(
        'allow_file',
        parsers.read_bool,
        'allow local files as sources: paths, and file: URLs',
        within='network',
    ),
)
OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in _ALL}
_OF_CACHE: Final = (
    Option(
        'max_size',
        parsers.read_size,
        'size that the cache may have; beyond it, dlmachine cache prune removes the least '
        'recently used files',
    ),
    Option(
        'unused_for',
        parsers.read_age_or_none,
        'age, such as 90d, after which an unused file is removed from the cache',
    ),
    Option(
        'keep_versions',
        parsers.read_count_or_none,
        'number of the newest versions of a URL that stay in the cache',
    ),
    Option(
        'grace_period',
        parsers.read_age,
        'age, such as 2h, below which a stored or used file is never removed from the cache',
    ),
)
#: The options of a cache, which are fields of `Keeping`.
CACHE_OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in _OF_CACHE}

#: The keywords of `Descriptor.parse`, which describe what to download.
DESCRIPTOR_NAMES: Final = (
    'method', 'query', 'post', 'json', 'multipart', 'data', 'headers',
    'cainfo', 'verify', 'cert', 'key', 'key_password', 'mirrors', 'secret_names',
    'key_without', 'key_ignores_query', 'auth', 'cookies', 'storage_options',
)  # fmt: skip
