"""The options of a download as one frozen value.

Pure. Every field has a default. `options.parse_policy` parses a caller's keywords into a Policy.
"""

from collections.abc import Callable
from dataclasses import field
from datetime import datetime, timedelta
from typing import BinaryIO, Final, TypeAlias

from dlmachine.core.frozen import frozen, replace
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.secrets.secret_names import SecretNames
from dlmachine.core.sources.address import Repositories
from dlmachine.core.spec.destination import Auto, Wanted
from dlmachine.core.spec.rate_limit import Rate
from dlmachine.core.spec.reuse import (
    ANY_TIME,
    CheckMethod,
    Extract,
    FileTime,
    Freshness,
    FreshnessRule,
    IfExists,
    Link,
    RememberMissing,
    Window,
)
from dlmachine.core.version import USER_AGENT

#: A function that checks a body before it is published. Its argument is the open file; a true
#: result accepts the body.
Validator: TypeAlias = Callable[[BinaryIO], object]


#: Former names of fields, with the present ones.
OLD_FIELDS: Final = {'destination': 'dest', 'checksum_list': 'checksum_file'}


@frozen(old_names=OLD_FIELDS)
class Policy:
    """The options of a download.

    Time limits: `connect_timeout` for connecting, `stall_timeout` for the silence between two
    bytes, `speed_time` for a body that is slower than `speed_limit` on average, `timeout` for the
    complete download with its retries (None: no limit), `lock_timeout` for the wait for another
    owner of the same cache entry.
    `retries` is the number of rounds over the URLs after the first; before each of them
    dlmachine waits up to `retry_wait`, doubled from round to round up to `retry_max_wait`, or
    for the server's Retry-After if that is within `retry_after_max`. With `retry_delay` each of
    these waits is that long instead. No round begins later than `retry_max_time` after the
    beginning. With `retry_all_errors`, errors that usually last, such as 404, are retried too.
    `idempotent` says that a request which is not safe, such as a POST, may be sent twice.
    `segments` is the maximum number of parallel connections for a large file (0: depends on its
    size).

    `checksum`, or the line of a `checksum_file`, is the expected checksum. `min_bytes`,
    `max_bytes`, `check_content` (a web page in place of data, a damaged gzip stream) and `validate`
    refuse a body before it is published. With `stale_if_error` the existing copy is used if a new
    one cannot be downloaded. With `any_status` a response with an error status is an outcome, too,
    and is not retried; without `follow` so is a redirect.

    `freshness` says how long a stored copy is used without asking the server, by name or as a
    duration since the server last sent or confirmed it (None: for ever in the cache, never at a
    path, unless `if_exists` keeps any file); `check_freshness` is short for `Freshness.ALWAYS`.
    `remember_missing` says how long a file that no server has is not asked for again. `if_exists`
    says what happens to a file at the path that is not recorded as this download. With `via_cache`
    a file at a path is a copy of that in the cache, and with `link` a link to it. With `mtime` it
    gets the time of the server's Last-Modified. With `extract` the members of an archive are files
    of a folder, too.

    A host gets at most `max_per_host` parallel requests, and not more often than `rate` allows;
    all downloads of a manager together receive at most `limit_rate` bytes a second. None means
    no limit. `http2` allows HTTP/2 over TLS (RFC 9113) in backends that support it, which is
    curl among the built-in ones. `network` is the way to the servers. `repositories` are where
    DOIs are resolved.

    >>> Policy().retries, Policy().stall_timeout.total_seconds()
    (3, 60.0)
    """

    dest: Wanted = Auto()
    backend: str = 'requests'
    # reuse
    freshness: FreshnessRule | None = None
    remember_missing: RememberMissing | None = None
    if_exists: IfExists | None = None
    via_cache: bool = False
    link: Link | None = None
    mtime: FileTime | None = None
    extract: Extract | None = None
    check_freshness: bool = False
    check_method: CheckMethod = CheckMethod.AUTO
    force_download: bool = False
    window: Window = ANY_TIME
    keep_old: bool = True
    offline: bool = False
    stale_if_error: bool = False
    any_status: bool = False
    create_dirs: bool = True
    # limits
    retries: int = 3
    retry_wait: timedelta = timedelta(seconds=1)
    retry_max_wait: timedelta = timedelta(seconds=60)
    retry_after_max: timedelta = timedelta(minutes=5)
    retry_delay: timedelta | None = None
    retry_max_time: timedelta | None = None
    retry_all_errors: bool = False
    idempotent: bool = False
    connect_timeout: timedelta = timedelta(seconds=10)
    stall_timeout: timedelta = timedelta(seconds=60)
    speed_limit: int | None = None
    speed_time: timedelta = timedelta(seconds=30)
    timeout: timedelta | None = None
    lock_timeout: timedelta = timedelta(minutes=10)
    max_bytes: int | None = None
    max_redirects: int = 20
    follow: bool = True
    segments: int = 1
    # integrity
    checksum: Checksum | None = None
    checksum_file: ChecksumList | None = None
    min_bytes: int | None = None
    check_content: bool = True
    validate: Validator | None = None
    # rate limits and connections
    user_agent: str = USER_AGENT
    max_per_host: int | None = 8
    rate: Rate | None = None
    limit_rate: int | None = None
    http2: bool = False
    network: Network = NO_NETWORK
    repositories: Repositories = Repositories()
    #: The rules that set some of these, to be shown in plans.
    rules: tuple[str, ...] = ()
    #: Whether its values were checked.
    _is_sound: bool = field(default=False, init=False, compare=False, repr=False)

    @property
    def fills_from_cache(self) -> bool:
        """Whether a file at a path is copied from the cache, or linked to it."""
        return self.via_cache or self.link is not None

    def freshness_rule(self, *, is_at_path: bool) -> FreshnessRule:
        """How long a stored copy is used without asking the server.

        At a path never, unless the caller says otherwise, knows the checksum, or keeps any file
        that is there.
        """
        if self.check_freshness:
            return Freshness.ALWAYS
        if self.freshness is not None:
            return self.freshness
        is_kept = self.checksum is not None or self.if_exists is IfExists.KEEP
        return Freshness.ALWAYS if is_at_path and not is_kept else Freshness.STORED

    def at(self, now: datetime) -> 'Policy':
        """The same policy, in which ages of the window are times, seen from a time."""
        window = self.window.at(now)
        return self if window == self.window else replace(self, window=window)

    def with_secret_names(self, names: SecretNames) -> 'Policy':
        """A copy that masks the values of these names in the URL of a checksum file."""
        wanted = self.checksum_file
        if wanted is None or wanted.secret_names == names:
            return self
        return replace(self, checksum_file=replace(wanted, secret_names=names))
