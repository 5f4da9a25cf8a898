"""Help for options: name, type, unit, default and meaning, from the table of options.

Pure. `help(manager.download)` and the reference are generated from it. A test compares the types
with those in `dlmachine.options.types`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from dlmachine.core.frozen import frozen
from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.network.no_proxy import read_no_proxy
from dlmachine.core.network.proxy import read_proxy, read_proxy_auth
from dlmachine.core.network.resolve import read_resolve
from dlmachine.core.sources.address import Repositories, read_repositories
from dlmachine.core.spec import option_parsers as parsers
from dlmachine.core.spec.destination import Auto, read_extract
from dlmachine.core.spec.option_table import CACHE_OPTIONS, OPTIONS, Option
from dlmachine.core.spec.policy import Policy
from dlmachine.core.text.durations import show_duration


@frozen(kw_only=False)
class OptionHelp:
    """The help for one option; `type` and `default` are in Python syntax."""

    name: str
    type: str
    help: str
    unit: str = ''
    default: str = 'None'

    def __str__(self) -> str:
        """The help in one line.

        >>> print(OptionHelp('wait', 'float', 'pause', 'seconds', '1'))
        wait (float; seconds; default 1): pause
        """
        accepts = f'{self.type}; {self.unit}' if self.unit else self.type
        return f'{self.name} ({accepts}; default {self.default}): {self.help}'


@frozen(kw_only=False)
class Kind:
    """The values of a parser: their type in Python syntax, and their name on the command line.

    `note` says on the command line how they are written.
    """

    type: str
    metavar: str = ''
    unit: str = ''
    note: str = ''


_DATES: Final = 'dates in ISO 8601, in UTC unless they say otherwise'
#: The kind of the values of each parser.
KINDS: Final[Mapping[Callable[..., object], Kind]] = {
    parsers.read_age: Kind('timedelta | str', 'AGE'),
    parsers.read_age_or_none: Kind('timedelta | str | None', 'AGE'),
    parsers.read_bool: Kind('bool'),
    parsers.read_checksum: Kind('Checksum | ChecksumList | PathInput | None', 'ALG:HEX'),
    parsers.read_checksum_list: Kind('ChecksumList | PathInput | None', 'FILE|URL'),
    parsers.read_count: Kind('int', 'N'),
    parsers.read_count_or_none: Kind('int | None', 'N', note='or none'),
    parsers.read_dest: Kind('PathInput | bool | None'),
    read_extract: Kind('ExtractLike', '[=DIR]'),
    parsers.read_file_time: Kind('FileTime | FileTimeName | None', 'WHICH'),
    parsers.read_freshness: Kind('Freshness | timedelta | str | None', 'WHEN|AGE'),
    parsers.read_if_exists: Kind('IfExists | IfExistsName | None', 'WHAT'),
    parsers.read_instant: Kind('datetime | date | timedelta | str | None', 'DATE|AGE', note=_DATES),
    parsers.read_link: Kind('Link | LinkName | None', 'KIND'),
    parsers.read_method: Kind('CheckMethod | CheckMethodName', 'METHOD'),
    read_no_proxy: Kind('Iterable[str] | str | None', 'HOSTS'),
    read_proxy: Kind('ProxyLike', 'URL'),
    read_proxy_auth: Kind('ProxyAuthLike', 'USER[:PASSWORD]'),
    read_resolve: Kind('ResolveLike', 'HOST:PORT:ADDRESS'),
    parsers.read_rate: Kind('Rate | float | str | None', 'N/s'),
    parsers.read_remember_missing: Kind(
        'RememberMissing | timedelta | Mapping[str, Any] | str | None', 'AGE'
    ),
    parsers.read_seconds: Kind('float | timedelta', 'S', 'seconds'),
    parsers.read_seconds_or_none: Kind('float | timedelta | None', 'S', 'seconds'),
    parsers.read_segments: Kind("int | Literal['auto']", 'N|auto'),
    parsers.read_size: Kind('int | str | None', 'N', 'bytes', 'accepts k, M, G'),
    parsers.read_text: Kind('str', 'TEXT'),
    parsers.read_validator: Kind('Validator | None'),
    parsers.read_word: Kind('str', 'NAME'),
    read_repositories: Kind(
        'Repositories | Mapping[str, str] | str | None', 'NAME=URL', note='several with commas'
    ),
}


def _default(option: Option, values: object) -> str:
    value: Any = values
    for name in option.field.split('.'):
        value = getattr(value, name)
    if option.read is parsers.read_age:
        return repr(show_duration(value.total_seconds()))
    if isinstance(value, timedelta):
        return f'{value.total_seconds():g}'
    if isinstance(value, (Auto, Repositories)):
        return 'None'
    return repr(value.value if isinstance(value, Enum) else value)


def describe_options(options: Mapping[str, Option], values: object) -> Mapping[str, OptionHelp]:
    """The help for options, whose defaults are the fields of a value."""
    return {
        name: OptionHelp(
            name=name,
            type=KINDS[option.read].type,
            help=option.help,
            unit=option.unit or KINDS[option.read].unit,
            default=_default(option, values),
        )
        for name, option in options.items()
    }


#: The options of a Policy, and those of a cache.
OPTION_HELP: Final = describe_options(OPTIONS, Policy())
CACHE_HELP: Final = describe_options(CACHE_OPTIONS, Keeping())

_DESCRIBED: Final = (
    OptionHelp(
        'method',
        'str | None',
        'GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; None: POST with a body, else GET',
    ),
    OptionHelp(
        'query',
        'Mapping[str, Any] | Iterable[Any] | None',
        'the query string; with post=True the form, with json=True the JSON body',
    ),
    OptionHelp(
        'post',
        'bool | Mapping[str, Any] | Iterable[Any] | None',
        'the form to send, or True to send query as a form',
        default='False',
    ),
    OptionHelp(
        'json', 'Any', 'the value to send as JSON, or True to send query as JSON', default='False'
    ),
    OptionHelp(
        'multipart',
        'Mapping[str, Any] | Iterable[Any] | None',
        'the parts of a multipart body: names with texts, bytes and files',
    ),
    OptionHelp('data', 'str | bytes | bytearray | memoryview | None', 'the body, sent unchanged'),
    OptionHelp('headers', 'HeadersLike', "header fields: a mapping, pairs, or lines 'Name: value'"),
    OptionHelp(
        'cainfo', 'PathInput | None', "trusted certificates: a PEM file, a folder, or 'system'"
    ),
    OptionHelp('verify', 'bool', "check the server's certificate", default='True'),
    OptionHelp('cert', 'PathInput | None', 'client certificate (a PEM file)'),
    OptionHelp('key', 'PathInput | None', 'private key of the certificate (PEM)'),
    OptionHelp(
        'key_password',
        'SecretLike',
        'password of the key, by reference: env:NAME, file:PATH or a function',
    ),
    OptionHelp('mirrors', 'Iterable[str] | None', 'alternative URLs for the same file'),
    OptionHelp(
        'secret_names',
        'Iterable[str] | None',
        'parameters, header fields and body fields to mask wherever they are shown or kept',
    ),
    OptionHelp(
        'key_without',
        'Iterable[str] | None',
        'header fields that do not count in the cache key, such as Cookie, so that a new '
        'token finds the same copy; `*` stands for any text',
    ),
    OptionHelp(
        'key_ignores_query',
        'Iterable[str] | None',
        'query parameters that do not count in the cache key, such as X-Amz-*, so that a '
        'newly signed URL finds the same copy; `*` stands for any text',
    ),
    OptionHelp(
        'auth',
        'AuthLike',
        "how to log in: ('user', 'password'), {'digest': (…)}, {'bearer': 'env:TOKEN'}, "
        "'netrc', {'netrc': file} or False (not even netrc)",
    ),
    OptionHelp(
        'cookies',
        'CookiesLike',
        "cookies for the origin of the URL, such as {'sid': 'env:SID'}; or the jar for those of "
        'servers: True (in memory), or the path of a file',
    ),
    OptionHelp(
        'storage_options',
        'Mapping[str, Any] | str | None',
        'options for s3:, gs:, az: and other stores, as fsspec has them: '
        "{'profile': 'lab', 'endpoint_url': 'https://s3.example.org'}, or JSON",
    ),
)

_EXTRACTED: Final = (
    OptionHelp(
        'members',
        'Iterable[str] | None',
        'extract only these files and folders; `*` stands for any name, and `**` for any path',
    ),
    OptionHelp('strip', 'int', 'take so many folders off the front of each path', default='0'),
    OptionHelp(
        'deep',
        'bool',
        'compare the digests of files that are there already, not only size and time',
        default='False',
    ),
    OptionHelp('max_members', 'int', 'largest number of members of an archive', default='100_000'),
    OptionHelp('max_ratio', 'int', 'largest ratio of unpacked to packed size', default='1_000'),
    OptionHelp('max_extracted_bytes', 'int | None', 'largest size of all files together', 'bytes'),
)

#: The keywords of a Descriptor, and of `dlmachine.extract` apart from its folder.
DESCRIPTOR_HELP: Final[Mapping[str, OptionHelp]] = {one.name: one for one in _DESCRIBED}
EXTRACT_HELP: Final[Mapping[str, OptionHelp]] = {one.name: one for one in _EXTRACTED}
