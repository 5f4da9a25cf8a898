"""Help for options: name, type, unit, default and meaning, from the table of options.

Pure. `help(manager.download)` and the reference are generated from it. A test compares the types
with those in `dlmachine.options.types`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from dlmachine.core.frozen import frozen
from dlmachine.core.spec import option_parsers as parsers
from dlmachine.core.spec.destination import Auto
from dlmachine.core.spec.option_table import OPTIONS
from dlmachine.core.spec.policy import Policy


@frozen
class OptionHelp:
    """The help for one option; `type` and `default` are in Python syntax."""

    name: str
    type: str
    help: str
    unit: str = ''
    default: str = 'None'

    def __str__(self) -> str:
        """The help in one line.

        >>> print(OptionHelp(name='wait', type='float', unit='seconds', default='1', help='pause'))
        wait (float; seconds; default 1): pause
        """
        accepts = f'{self.type}; {self.unit}' if self.unit else self.type
        return f'{self.name} ({accepts}; default {self.default}): {self.help}'


#: The type that a parser accepts, in Python syntax.
_TYPES: Final[Mapping[Callable[..., object], str]] = {
    parsers.read_bool: 'bool',
    parsers.read_checksum: 'Checksum | ChecksumList | PathInput | None',
    parsers.read_checksum_list: 'ChecksumList | PathInput | None',
    parsers.read_count: 'int',
    parsers.read_count_or_none: 'int | None',
    parsers.read_dest: 'PathInput | bool | None',
    parsers.read_file_time: 'FileTime | FileTimeName | None',
    parsers.read_freshness: 'Freshness | timedelta | str | None',
    parsers.read_if_exists: 'IfExists | IfExistsName | None',
    parsers.read_instant: 'datetime | date | timedelta | str | None',
    parsers.read_link: 'Link | LinkName | None',
    parsers.read_method: 'CheckMethod | CheckMethodName',
    parsers.read_rate: 'Rate | float | str | None',
    parsers.read_seconds: 'float | timedelta',
    parsers.read_seconds_or_none: 'float | timedelta | None',
    parsers.read_segments: "int | Literal['auto']",
    parsers.read_size: 'int | str | None',
    parsers.read_text: 'str',
    parsers.read_validator: 'Validator | None',
    parsers.read_word: 'str',
}


_POLICY: Final = Policy()


def _default(field: str) -> str:
    value: Any = _POLICY
    for name in field.split('.'):
        value = getattr(value, name)
    if isinstance(value, timedelta):
        return f'{value.total_seconds():g}'
    if isinstance(value, Auto):
        return 'None'
    return repr(value.value if isinstance(value, Enum) else value)


#: The options of a Policy.
OPTION_HELP: Final[Mapping[str, OptionHelp]] = {
    name: OptionHelp(
        name=name,
        type=_TYPES[option.read],
        help=option.help,
        unit=option.unit,
        default=_default(option.field),
    )
    for name, option in OPTIONS.items()
}

_DESCRIBED: Final = (
    OptionHelp(
        name='method',
        type='str | None',
        help='GET, POST, PUT or PATCH; None: POST with a body, else GET',
    ),
    OptionHelp(
        name='query',
        type='Mapping[str, Any] | Iterable[Any] | None',
        help='the query string; with post=True the form, with json=True the JSON body',
    ),
    OptionHelp(
        name='post',
        type='bool | Mapping[str, Any] | Iterable[Any] | None',
        help='the form to send, or True to send query as a form',
        default='False',
    ),
    OptionHelp(
        name='json',
        type='Any',
        help='the value to send as JSON, or True to send query as JSON',
        default='False',
    ),
    OptionHelp(
        name='multipart',
        type='Mapping[str, Any] | Iterable[Any] | None',
        help='the parts of a multipart body: names with texts, bytes and files',
    ),
    OptionHelp(
        name='data',
        type='str | bytes | bytearray | memoryview | None',
        help='the body, sent unchanged',
    ),
    OptionHelp(
        name='headers',
        type='HeadersLike',
        help="header fields: a mapping, pairs, or lines 'Name: value'",
    ),
    OptionHelp(name='cainfo', type='PathInput | None', help='trusted certificates (a PEM file)'),
    OptionHelp(name='verify', type='bool', help="check the server's certificate", default='True'),
    OptionHelp(name='cert', type='PathInput | None', help='client certificate (a PEM file)'),
    OptionHelp(name='key', type='PathInput | None', help='private key of the certificate (PEM)'),
    OptionHelp(
        name='mirrors', type='Iterable[str] | None', help='alternative URLs for the same file'
    ),
    OptionHelp(
        name='secret_names',
        type='Iterable[str] | None',
        help='parameters, header fields and body fields to mask wherever they are shown or kept',
    ),
    OptionHelp(
        name='key_without',
        type='Iterable[str] | None',
        help='header fields that do not count in the cache key, such as Cookie, so that a new '
        'token finds the same copy; `*` stands for any text',
    ),
    OptionHelp(
        name='key_ignores_query',
        type='Iterable[str] | None',
        help='query parameters that do not count in the cache key, such as X-Amz-*, so that a '
        'newly signed URL finds the same copy; `*` stands for any text',
    ),
)

#: The keywords of a Descriptor.
DESCRIPTOR_HELP: Final[Mapping[str, OptionHelp]] = {one.name: one for one in _DESCRIBED}
