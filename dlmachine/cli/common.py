"""What the commands share: managers, destinations, and error messages."""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from dlmachine.cli.parameters.body import body_words, header_lines
from dlmachine.cli.parameters.colors import tell
from dlmachine.cli.parameters.flags import fault_in_flags, flag_of, in_flags
from dlmachine.cli.parameters.login import auth_of, certificate_of, cookies_of
from dlmachine.core.faults.printing import printable
from dlmachine.core.spec.option_help import EXTRACT_HELP

if TYPE_CHECKING:
    from dlmachine.batch.placing import Prepared
    from dlmachine.core.faults import Fault
    from dlmachine.manager import DownloadManager

#: Options that are passed with each request; the others are options of the manager.
_OF_REQUEST: Final = frozenset({'checksum', 'checksum_file', 'headers', 'method', 'mirrors'})


def field_lines(fields: Mapping[str, object]) -> Iterator[str]:
    """The fields of a file or an entry, and those of its record, one in a line; no empty ones.

    A record has the URL, too, and the version of its format; neither is shown.

    >>> sent = [['Accept', 'a/b'], ['Range', 'bytes=0-']]
    >>> for line in field_lines({'size': 3, 'path': None, 'record': {'headers': sent}}):
    ...     print(line)
    size                3
    headers             Accept: a/b
                        Range: bytes=0-
    """
    for name, value in fields.items():
        if isinstance(value, dict):
            hidden = {*fields, 'v'}
            yield from field_lines({key: one for key, one in value.items() if key not in hidden})
            continue
        texts = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
        for title, one in zip((name, *('',) * len(texts)), texts, strict=False):
            text = ': '.join(map(str, one)) if isinstance(one, (list, tuple)) else one
            yield printable(f'{title:18}  {text}')


@contextmanager
def managing(given: Mapping[str, Any], *, progress: bool = False) -> 'Iterator[DownloadManager]':
    """A manager for the options of a command; a failure ends the program with its exit code."""
    from dlmachine.errors import DownloadError
    from dlmachine.manager import DownloadManager
    from dlmachine.options.environment import unknown_variables
    from dlmachine.options.lists import SETTING_NAMES

    if not given.get('verbose'):  # With --verbose, the log says it.
        for text in unknown_variables(os.environ):
            tell('warning', text)
    # Options that were not passed are left to the configuration.
    options = {
        name: given[name]
        for name in SETTING_NAMES
        if name not in _OF_REQUEST and given.get(name) not in (None, ())
    }
    options |= certificate_of(given) | extraction_of(given)
    if not progress:
        options['progress'] = False
    try:
        with DownloadManager(config=given.get('config'), **options) as manager:
            yield manager
    except DownloadError as error:
        fail(error.fault)


def check_destination(given: Mapping[str, Any], urls: Sequence[str] = ('://',)) -> None:
    """End the program if more than one destination is set, or a value has no flag to go with."""
    odd = (given['folder'], given.get('proxy'), given.get('input_file'))
    if any(odd) or not urls or not all('://' in url for url in urls):
        from dlmachine.cli.parameters.hinting import check_urls

        check_urls(urls, given)
    output, folder = given['output'], given['folder']
    is_filled = given.get('via_cache') or given.get('link') is not None
    if given['path'] is not None and (output, folder) != (None, None) and not is_filled:
        msg = '--cache excludes --output and --dir, except with --via-cache or --link'
        raise click.UsageError(msg)
    if output is not None and folder is not None and os.path.isabs(output):  # noqa: PTH117
        raise click.UsageError('--output is an absolute path; leave out --dir')
    if given['folder'] == '':
        raise click.UsageError('--dir is an empty path; pass . for the current folder')


def destination(given: Mapping[str, Any], manager: 'DownloadManager') -> str | bool | None:
    """The destination: as passed, else as configured, else the cache, else the current folder.

    True is the cache; None is the configured destination, or the cache without one.
    """
    path = output_path(given)
    if given.get('head'):
        return False
    if path is not None:
        return given.get('spool') or (False if is_stream(path) else path)
    if given['folder'] is not None:
        return f'{Path(given["folder"])}/'
    if given['path'] is not None:
        return True
    named = (one for one in manager.config.settings if one.name == 'dest')
    is_configured = any(one.source != 'default' for one in named)
    return None if manager.config.has_cache or is_configured else './'


def output_path(given: Mapping[str, Any]) -> str | None:
    """The path of --output, in the folder of --dir; None without one.  `-` is stdout."""
    output: str | None
    output, folder = given['output'], given['folder']
    if output in {'-', '/dev/stdout'}:
        return '-'
    if output is None or folder is None:
        return output
    return os.path.join(folder, output)  # noqa: PTH118 -- a separator at the end stays


def is_stream(path: str) -> bool:
    """Whether a path is stdout, a device or a pipe: content is written into it.

    >>> is_stream('-'), is_stream(os.devnull), is_stream(os.curdir), is_stream('nowhere')
    (True, True, False, False)
    """
    try:
        return path == '-' or _is_device(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _is_device(mode: int) -> bool:
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def named_by_url(
    target: Any, dest: str | bool | None, given: Mapping[str, Any], manager: 'DownloadManager'
) -> Any:
    """The destination of one URL: with --remote-name, the file in its folder that the URL names.

    Raises: UsageError if there is no folder.
    """
    is_named = given['remote_name'] and not given['remote_header_name']
    if not is_named or not isinstance(target, str):
        return dest
    if not isinstance(dest, str) or not dest.endswith('/'):
        msg = '--remote-name needs a folder: pass --dir, or neither --output nor --cache'
        raise click.UsageError(msg)
    from dlmachine.core.http.filename import name_in_url
    from dlmachine.core.secrets.redact import redact_url
    from dlmachine.core.spec.destination import ToPath

    name = name_in_url(redact_url(target, manager.secret_names))
    return ToPath(str(Path(dest, name)), is_named_by_url=True)


def prepared(
    targets: 'list[Any]', dest: str | bool | None, manager: 'DownloadManager', words: dict[str, Any]
) -> 'Iterator[tuple[Any, Prepared | Fault]]':
    """Each target with its Descriptor and Policy, or its fault, as in `dlmachine get`."""
    from dlmachine.errors import DownloadError

    if len(targets) != 1:
        yield from manager.prepare_many(targets, dest, **words)
        return
    try:
        yield targets[0], manager.prepare(targets[0], dest, **words)
    except DownloadError as error:
        yield targets[0], error.fault


def request_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of `download` for the options of a command line."""
    words: dict[str, Any] = {
        name: given[name] for name in sorted(_OF_REQUEST) if given[name] not in (None, ())
    }
    if given.get('head'):
        words['method'] = 'HEAD'
    lines = [*header_lines(given['headers'])]
    if given['referer'] is not None:
        lines.append(f'Referer: {given["referer"]}')
    if lines:
        words['headers'] = lines
    auth = auth_of(given)
    if auth is not None:
        words['auth'] = auth
    cookies = cookies_of(given)
    if cookies is not None:
        words['cookies'] = cookies
    return words | body_words(given)


def extract_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of `dlmachine.extract` for the flags of a command line."""
    return {name: given[name] for name in EXTRACT_HELP if given.get(name) not in (None, ())}


def extraction_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The option `extract` of a command line, in which one of its keywords implies it.

    Raises: UsageError.
    """
    from dlmachine.core.spec.destination import read_extract

    words, folder = extract_words(given), given.get('extract')
    if not words:
        return {}
    wanted: Any = None if folder is None else read_extract('extract', folder).unwrap()
    if folder is not None and wanted is None:
        names = ' and '.join(flag_of(name) for name in words)
        msg = f'--extract={folder} excludes {names}'
        raise click.UsageError(msg)
    return {'extract': words if wanted is None else {'into': wanted.into, **words}}


def fail(fault: 'Fault', text: str = '') -> NoReturn:
    """Print the error to stderr, and end with its exit code."""
    from dlmachine.cli.exit_codes import exit_code

    tell('error', text or fault_in_flags(fault))
    sys.exit(exit_code(fault))


def shown(target: Any, manager: 'DownloadManager') -> str:
    """The target with secrets masked: a URL, or the name of an entry."""
    from dlmachine.core.secrets.redact import redact_url

    return printable(
        redact_url(target, manager.secret_names) if isinstance(target, str) else str(target.name)
    )


def fault_text(target: Any, fault: 'Fault', manager: 'DownloadManager') -> str:
    """The message of a fault, with the target unless the message contains it."""
    named, text = shown(target, manager), fault_in_flags(fault)
    # The name of an entry may be a word such as `out`, which is in `outside`.
    is_in = re.search(rf'(?<![\w.]){re.escape(named)}(?!\w)', text) is not None
    return text if is_in else f'{named}: {text}'


def fault_as_json(fault: 'Fault') -> dict[str, Any]:
    """A fault as JSON, with advice for the command line."""
    return {**fault.to_dict(), 'remedy': in_flags(fault.remedy())}


def size_text(count: int | None) -> str:
    """Format a size.

    >>> size_text(None), size_text(512), size_text(5_242_880)
    ('-', '512 B', '5.0 MiB')
    """
    from dlmachine_adapters.progress.layout import amount

    return '-' if count is None else amount(count)


def print_json(value: object) -> None:
    """Print one JSON document to stdout."""
    # ASCII, so that it can be written in any encoding.
    click.echo(json.dumps(value, indent=2, default=str))


def confirmed(question: str) -> bool:
    """Ask the user to confirm.  Raises: UsageError at the end of the input."""
    try:
        return click.confirm(question, err=True)
    except click.Abort as abort:
        # The end of the input and Ctrl-C look the same here.
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo('', err=True)
        raise click.UsageError('nothing done: there is no terminal to ask on; pass --yes') from None
