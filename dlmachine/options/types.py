"""The keyword options of each public function, with the types of their values.

For type checkers and editors; a test compares the classes with the table of options.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict

from dlmachine.core.access.auth import AuthLike
from dlmachine.core.access.caller_cookies import CookiesLike
from dlmachine.core.access.secret import SecretLike
from dlmachine.core.http.headers import HeadersLike
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.network.proxy import ProxyAuthLike, ProxyLike
from dlmachine.core.network.resolve import ResolveLike
from dlmachine.core.protocol.progress import OnProgress
from dlmachine.core.sources.address import Repositories
from dlmachine.core.spec.policy import Validator
from dlmachine.core.spec.rate_limit import Rate
from dlmachine.core.spec.reuse import (
    CheckMethod,
    Extract,
    FileTime,
    Freshness,
    IfExists,
    Link,
    RememberMissing,
)
from dlmachine.paths import DestInput, PathInput

#: A check method, by its name.
CheckMethodName: TypeAlias = Literal['auto', 'etag', 'modified', 'size', 'hash']

#: The kind of a link, by its name.
LinkName: TypeAlias = Literal['hard', 'symbolic']
#: The modification time of a file, by its name.
FileTimeName: TypeAlias = Literal['server']
#: What happens to an existing file, by its name.
IfExistsName: TypeAlias = Literal['replace', 'refuse', 'keep']


class ExtractOptions(TypedDict, total=False):
    """How a download is extracted: the keywords of `dlmachine.extract`; `into` is the folder."""

    into: PathInput | None
    members: Iterable[str] | None
    strip: int
    deep: bool
    max_members: int
    max_extracted_bytes: int | None
    max_ratio: int


#: Whether and how a download is extracted.
ExtractLike: TypeAlias = Extract | ExtractOptions | PathInput | bool | None


class DescriptorOptions(TypedDict, total=False):
    """What to download: the keywords of `Descriptor`."""

    method: str | None
    query: Mapping[str, Any] | Iterable[Any] | None
    post: bool | Mapping[str, Any] | Iterable[Any] | None
    json: Any
    multipart: Mapping[str, Any] | Iterable[Any] | None
    data: str | bytes | bytearray | memoryview | None
    headers: HeadersLike
    cainfo: PathInput | None
    verify: bool
    cert: PathInput | None
    key: PathInput | None
    key_password: SecretLike
    mirrors: Iterable[str] | None
    fallback_urls: Iterable[str] | None
    secret_names: Iterable[str] | None
    key_without: Iterable[str] | None
    key_ignores_query: Iterable[str] | None
    auth: AuthLike
    cookies: CookiesLike
    storage_options: Mapping[str, Any] | str | None


class _PolicyOptions(TypedDict, total=False):
    freshness: Freshness | timedelta | str | None
    remember_missing: RememberMissing | timedelta | Mapping[str, Any] | str | None
    if_exists: IfExists | IfExistsName | None
    via_cache: bool
    link: Link | LinkName | None
    mtime: FileTime | FileTimeName | None
    extract: ExtractLike
    check_freshness: bool
    check_method: CheckMethod | CheckMethodName
    force_download: bool
    newer_than: datetime | date | timedelta | str | None
    older_than: datetime | date | timedelta | str | None
    keep_old: bool
    offline: bool
    stale_if_error: bool
    any_status: bool
    create_dirs: bool
    retries: int
    retry_wait: float | timedelta
    retry_max_wait: float | timedelta
    retry_after_max: float | timedelta
    retry_delay: float | timedelta | None
    retry_max_time: float | timedelta | None
    retry_all_errors: bool
    idempotent: bool
    connect_timeout: float | timedelta
    connecttimeout: float | timedelta
    stall_timeout: float | timedelta
    speed_limit: int | str | None
    speed_time: float | timedelta
    timeout: float | timedelta | None
    lock_timeout: float | timedelta
    max_bytes: int | str | None
    segments: int | Literal['auto']
    max_redirects: int
    follow: bool
    checksum: Checksum | ChecksumList | PathInput | None
    checksum_file: ChecksumList | PathInput | None
    min_bytes: int | str | None
    check_content: bool
    validate: Validator | None
    user_agent: str
    max_per_host: int | None
    rate: Rate | float | str | None
    limit_rate: int | str | None
    http2: bool
    proxy: ProxyLike
    proxy_auth: ProxyAuthLike
    no_proxy: Iterable[str] | str | None
    resolve: ResolveLike
    forbid_private: bool
    allow_file: bool
    repositories: Repositories | Mapping[str, str] | str | None


class DownloadOptions(DescriptorOptions, _PolicyOptions, total=False):
    """The options of one download: those of `Descriptor` and of `Policy`, and its progress."""

    progress: bool | OnProgress
    on_event: OnProgress | None
    backend: str


class OpenOptions(DownloadOptions, total=False):
    """The options of `open`: those of a download, and of cachedir's `Opener`."""

    dest: Literal[True] | None
    needed: list[str] | None
    large: bool
    default_mode: str
    encoding: str | None


class CacheOptions(TypedDict, total=False):
    """The limits of a cache."""

    max_size: int | str | None
    unused_for: timedelta | str | None
    keep_versions: int | None
    grace_period: timedelta | str


class ManagerOptions(_PolicyOptions, CacheOptions, total=False):
    """The options of a manager: those of `Policy`, and defaults for every request."""

    dest: DestInput
    progress: bool | OnProgress
    on_event: OnProgress | None
    rules: Iterable[Mapping[str, Any]]
    headers: HeadersLike
    cainfo: PathInput | None
    verify: bool
    cert: PathInput | None
    key: PathInput | None
    key_password: SecretLike
    secret_names: Iterable[str] | None
    key_without: Iterable[str] | None
    key_ignores_query: Iterable[str] | None
    auth: AuthLike
    cookies: CookiesLike
    storage_options: Mapping[str, Any] | str | None
