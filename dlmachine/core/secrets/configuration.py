"""Secrets in the values of a configuration, to be shown: of any type, nested, or text.  Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.secrets.secret_names import SecretNames, is_secret_name
from dlmachine.core.secrets.text_secrets import walk_text
from dlmachine.core.secrets.url_secrets import MASK
from dlmachine.core.text.json_pairs import is_naming, names_in

#: The maximum length of a shown value.
_MAX_SHOWN_CHARS: Final = 8_192
#: A bare name, such as that of a header field before its value.
_NAME: Final = regex(r'[^\s:/=]{1,200}+')
#: A text that has no name with a value, and no URL: nothing in it can be a secret. Nor in the plain
#: words of a relative path, unless one may be a JWT, which is known by its form.
_PLAIN_WORD: Final = regex(
    r'[A-Za-z0-9_.\-]{1,200}|(?!.*(?i:eyj))[A-Za-z0-9_.\-]{1,100}(?:/[A-Za-z0-9_.\-]{1,100}){1,20}'
)


def redact_value(value: object, declared: SecretNames = ()) -> object:
    """Mask the secrets in a configuration value of any form.

    In a list, everything after a bare secret name is masked.

    >>> redact_value({'headers': ['Authorization: Bearer x', ('X-Api-Key', 'y')], 'retries': 3})
    {'headers': ['Authorization: ***', ['X-Api-Key', '***']], 'retries': 3}
    >>> redact_value([{'name': 'Cookie', 'value': 'a=b'}])
    [{'name': 'Cookie', 'value': '***'}]
    """
    match value:
        case str():
            return _redact_text(value, declared)
        case Mapping():
            return dict(_redact_members(value, declared))
        case list() | tuple():
            return _redact_list(value, declared)
        case set() | frozenset():
            return [redact_value(one, declared) for one in value]
        case bytes() | bytearray() | memoryview():
            return MASK
        case _:
            return value


def _redact_members(
    value: Mapping[object, object], declared: SecretNames
) -> Iterator[tuple[object, object]]:
    is_named_secret = any(is_secret_name(name, declared) for name in names_in(value))
    for name, one in value.items():
        shown_name = redact_value(name, declared)
        is_hidden = is_named_secret and not is_naming(name)
        shown = MASK if is_hidden else _redact_member(str(name), one, declared)
        yield shown_name if isinstance(shown_name, (str, int)) else str(shown_name), shown


def _redact_member(name: str, value: object, declared: SecretNames) -> object:
    match name.casefold(), value:
        case _, None | bool():
            return value
        case 'cookies', str() as text if '=' in text:
            return MASK
        case 'cookies', Mapping() as cookies:
            return {str(one): MASK for one in cookies}
        case 'cert', str() as text if ':' in text[2:]:
            # The password of the key, as curl has it; C: is the name of a disk.
            return f'{_redact_text(text[: text.index(":", 2)], declared)}:{MASK}'
        case 'cert', [cert, key, _, *_]:
            return [redact_value(cert, declared), redact_value(key, declared), MASK]
        case _ if is_secret_name(name, declared):
            return MASK
        case _:
            return redact_value(value, declared)


def _redact_list(value: Iterable[object], declared: SecretNames) -> list[object]:
    shown: list[object] = []
    for one in value:
        if shown and _is_bare_name(shown[-1], declared):
            return [*shown, MASK]
        shown.append(redact_value(one, declared))
    return shown


def _is_bare_name(value: object, declared: SecretNames) -> bool:
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        return False
    return is_secret_name(value, declared)


def _redact_text(text: str, declared: SecretNames) -> str:
    if _PLAIN_WORD.fullmatch(text):
        return text
    lines = text[:_MAX_SHOWN_CHARS].splitlines(keepends=True)
    shown = ''.join(_redact_line(line, declared) for line in lines)
    return f'{shown}…' if len(text) > _MAX_SHOWN_CHARS else shown


def _redact_line(line: str, declared: SecretNames) -> str:
    text = line.splitlines()[0]
    shown = walk_text(text, (*declared, 'cookies')).shown
    return (shown if '@' not in shown else redact_url(shown, declared)) + line[len(text) :]
