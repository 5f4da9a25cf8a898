"""The flags for the body and the header fields of a request, with the syntax of curl.

The functions that parse a value are pure; `body_words` reads the files that the values name.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote_plus

import click

from dlmachine.cli.parameters.values import Completed
from dlmachine.core.frozen import frozen

Decorated = TypeVar('Decorated', bound=Callable[..., Any])
#: The section of the help.
_SECTION: Final = 'Body'
#: The flags whose values make one form together, in the order of the request.
_FORM: Final = ('data', 'data_raw', 'data_binary', 'data_urlencode')
#: Where the values of these flags are noted in the context, in the order of their flags.
_NOTED: Final = 'dlmachine.form'


@frozen(kw_only=False)
class FormField:
    """A value of `--form`: a text, or the path of a file that is sent or read."""

    name: str
    text: str | None = None
    path: str | None = None
    is_upload: bool = False
    filename: str | None = None
    content_type: str | None = None


def parse_form_field(value: str) -> FormField | None:
    """Parse `name=text`, `name=@file` or `name=<file`; None if there is no name.

    A file that is sent, and a text, may be followed by `;type=…` and `;filename=…`.

    >>> parse_form_field('f=@d/x.csv;type=text/csv').content_type
    'text/csv'
    >>> parse_form_field('a=b=c').text, parse_form_field('note=<n.txt').path
    ('b=c', 'n.txt')
    """
    name, equals, rest = value.partition('=')
    if not equals or not name:
        return None
    content, named = _attributes(rest)
    is_file = content.startswith(('@', '<'))
    return FormField(
        name=name,
        text=None if is_file else _unquoted(content),
        path=_unquoted(content[1:]) if is_file else None,
        is_upload=content.startswith('@'),
        filename=named.get('filename'),
        content_type=named.get('type'),
    )


def _attributes(rest: str) -> tuple[str, dict[str, str]]:
    start = _end_of_quoted(rest)
    first, *pieces = rest[start:].split(';')
    content, last = rest[:start] + first, ''
    found: dict[str, str] = {}
    for piece in pieces:
        name, equals, text = piece.partition('=')
        if equals and name.strip() in {'type', 'filename'}:
            last = name.strip()
            found[last] = text
        elif last:  # `type=text/plain;charset=utf-8`, or a name with a semicolon.
            found[last] += f';{piece}'
        else:
            content += f';{piece}'
    return content, {name: _unquoted(text) for name, text in found.items()}


def _end_of_quoted(text: str) -> int:
    """Where a quoted text ends that stands at the beginning, after @ or <; 0 without one."""
    begin = 1 if text.startswith(('@', '<')) else 0
    if text[begin : begin + 1] != '"':
        return 0
    end = text.find('"', begin + 1)
    while end > 0 and text[end - 1] == '\\':
        end = text.find('"', end + 1)
    return end + 1


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('\\"', '"').replace('\\\\', '\\') if is_quoted else text


def split_urlencode(value: str) -> tuple[str, str, bool]:
    """The name, the text or path, and whether it is a path, of a value of `--data-urlencode`.

    >>> (
    ...     split_urlencode('a=1 2'),
    ...     split_urlencode('=1'),
    ...     split_urlencode('q@f'),
    ...     split_urlencode('x y'),
    ... )
    (('a', '1 2', False), ('', '1', False), ('q', 'f', True), ('', 'x y', False))
    """
    for index, sign in enumerate(value):
        if sign in '=@':
            return value[:index], value[index + 1 :], sign == '@'
    return '', value, False


def body_options(own_option: Callable[..., Callable[[Decorated], Decorated]]) -> list[Any]:
    """The options for the body of a request."""
    form: dict[str, Any] = {
        'section': _SECTION,
        'type': Completed(),
        'metavar': 'TEXT',
        'multiple': True,
        'callback': _note,
    }
    return [
        own_option(
            '--data',
            help='Text to POST as a form; @FILE reads it, without line breaks (- is stdin).',
            **form,
        ),
        own_option('--data-raw', help='The same, and @ is only a character.', **form),
        own_option('--data-binary', help='The same, and @FILE is sent as it is.', **form),
        own_option(
            '--data-urlencode',
            help='The same, percent-encoded: TEXT, NAME=TEXT, @FILE or NAME@FILE.',
            **form,
        ),
        own_option(
            '-G',
            '--get',
            'as_query',
            section=_SECTION,
            is_flag=True,
            help='Append the form to the URL, and send a GET.',
        ),
        own_option(
            '-F',
            '--form',
            section=_SECTION,
            type=Completed(),
            metavar='NAME=TEXT',
            multiple=True,
            help='Field of a multipart form to POST; NAME=@FILE sends a file, NAME=<FILE its text.',
        ),
        own_option(
            '--form-string',
            section=_SECTION,
            metavar='NAME=TEXT',
            multiple=True,
            help='The same, and @ and < are only characters.',
        ),
        own_option(
            '--json-data',
            section=_SECTION,
            type=Completed(),
            metavar='JSON',
            help='JSON body to POST; @FILE reads it.',
        ),
    ]


def _note(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    ctx.meta.setdefault(_NOTED, []).extend((param.name, value) for value in values)
    return values


def body_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of `download` for the body of a command line.  Raises: UsageError."""
    form = [name for name in _FORM if given[name]]
    parts = [name for name in ('form', 'form_string') if given[name]]
    kinds = (form[:1], parts[:1], ['json_data'] if given['json_data'] is not None else [])
    used = [_flag(kind[0]) for kind in kinds if kind]
    if len(used) > 1:
        msg = f'{" and ".join(used)} exclude each other: a request has one body'
        raise click.UsageError(msg)
    if given['as_query'] and not form:
        msg = '--get needs --data'
        raise click.UsageError(msg)
    if form:
        noted = click.get_current_context().meta[_NOTED]
        data = b'&'.join(_form_text(name, value) for name, value in noted)
        if given['as_query']:
            pairs = parse_qsl(data.decode('utf-8', 'surrogateescape'), keep_blank_values=True)
            return {'query': pairs}
        # Like curl: a form, unless a header sets another type.
        return {'query': data, 'post': True}
    if parts:
        return {'multipart': list(_parts(given))}
    if given['json_data'] is not None:
        return {'json': _json(given['json_data'])}
    return {}


def header_lines(lines: Iterable[str]) -> Iterator[str]:
    """Header lines, with those of `@FILE`; `Name;` is an empty field.  Raises: UsageError."""
    for line in lines:
        if line.startswith('@'):
            text = read_file(line[1:], '--header', MAX_TEXT_BYTES).decode('latin-1')
            yield from (one.rstrip('\r') for one in text.split('\n') if one.strip())
        elif line.endswith(';') and ':' not in line:
            yield f'{line[:-1]}:'
        else:
            yield line


def read_file(path: str, flag: str, max_bytes: int | None = None) -> bytes:
    """The content of a file that a flag names; - is stdin.  Raises: UsageError."""
    from dlmachine.paths import expand

    try:
        with click.open_file(expand(path), 'rb') as file:
            content: bytes = file.read(-1 if max_bytes is None else max_bytes + 1)
    except OSError as error:
        msg = f'{flag}: {path} cannot be read: {error.strerror or error}'
        raise click.UsageError(msg) from error
    if max_bytes is not None and len(content) > max_bytes:
        msg = f'{flag}: {path} is larger than {max_bytes:,} bytes'
        raise click.UsageError(msg)
    return content


#: The largest file of header fields, or of a format; a body may have any size.
MAX_TEXT_BYTES: Final = 1 << 20


def _flag(name: str) -> str:
    return f'--{name.replace("_", "-")}'


def _form_text(name: str, value: str) -> bytes:
    flag = _flag(name)
    if name == 'data_urlencode':
        field, content, is_path = split_urlencode(value)
        text = read_file(content, flag) if is_path else os.fsencode(content)
        encoded = quote_plus(text).encode()
        return f'{field}='.encode() + encoded if field else encoded
    if name == 'data_raw' or not value.startswith('@'):
        return os.fsencode(value)
    text = read_file(value[1:], flag)
    return text if name == 'data_binary' else text.translate(None, b'\r\n\0')


def _parts(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for value in given['form']:
        field = parse_form_field(value)
        if field is None:
            msg = f"--form: a field needs a name: NAME=TEXT or NAME=@FILE, not '{value}'"
            raise click.UsageError(msg)
        yield field.name, _part(field)
    for value in given['form_string']:
        name, equals, text = value.partition('=')
        if not equals or not name:
            msg = f"--form-string: a field needs a name: NAME=TEXT, not '{value}'"
            raise click.UsageError(msg)
        yield name, os.fsencode(text)


def _part(field: FormField) -> Any:
    from dlmachine.core.http.body import ContentPart, FilePart
    from dlmachine.paths import expand

    if field.path is not None and field.is_upload and field.path != '-':
        path = expand(field.path)
        if not Path(path).is_file():
            read_file(path, '--form')  # Raises, with the reason.
        name = field.filename or Path(path).name
        return FilePart(name=field.name, path=path, filename=name, content_type=field.content_type)
    text = field.text
    content = read_file(field.path, '--form') if field.path is not None else os.fsencode(text or '')
    filename = field.filename or ('-' if field.is_upload else None)
    return ContentPart(
        name=field.name, content=content, filename=filename, content_type=field.content_type
    )


def _json(text: str) -> Any:
    from dlmachine.documents.reader import read_json, read_text
    from dlmachine.errors import unwrap

    if text.startswith('@'):
        content = read_file(text[1:], '--json-data')
        return unwrap(read_text(content, text[1:]).bind(lambda one: read_json(one, '--json-data')))
    return unwrap(read_json(text, '--json-data'))
