"""The options of commands: those from the table of options, and those of one command only.

Name, type, default and help come from the table; `flags` has the names of the flags.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from dlmachine.cli.parameters.body import body_options
from dlmachine.cli.parameters.command import Flag
from dlmachine.cli.parameters.flags import ALSO, ON, REPEATED, SWITCHED_ON, flag_of
from dlmachine.cli.parameters.habits import (
    implied_options,
    naming_options,
    output_options,
    reuse_options,
)
from dlmachine.cli.parameters.login import login_options
from dlmachine.cli.parameters.usage import WORKERS
from dlmachine.cli.parameters.values import FILE, FOLDER, Completed, accepts, metavar, type_of
from dlmachine.core.spec.option_help import DESCRIPTOR_HELP, EXTRACT_HELP, OPTION_HELP, OptionHelp
from dlmachine.options.lists import MANAGER_HELP

Decorated = TypeVar('Decorated', bound=Callable[..., Any])

#: The flags that are made from the table, in the order of the help.
SECTIONS: Final = {
    'Request': ('method', 'headers', 'user_agent', 'secret_names', 'mirrors'),
    'Cache': (
        'freshness', 'remember_missing', 'if_exists', 'via_cache', 'link', 'mtime',
        'extract', 'check_freshness', 'check_method', 'force_download', 'newer_than',
        'older_than', 'keep_old', 'offline', 'stale_if_error', 'lock_timeout', 'key_without',
        'key_ignores_query',
    ),
    'Attempts': (
        'retries', 'retry_delay', 'retry_wait', 'retry_max_wait', 'retry_max_time',
        'retry_after_max', 'retry_all_errors', 'idempotent', 'max_redirects', 'follow',
        'connect_timeout', 'stall_timeout', 'speed_limit', 'speed_time', 'timeout',
    ),
    'Content': (
        'checksum', 'checksum_file', 'max_bytes', 'min_bytes', 'check_content', 'create_dirs',
    ),
    'Connections': (
        'backend', 'http2', 'segments', 'max_per_host', 'rate', 'limit_rate', 'cainfo', 'cert',
        'key', 'verify', 'proxy', 'proxy_auth', 'no_proxy', 'resolve', 'forbid_private',
        'allow_file', 'repositories', 'storage_options',
    ),
}  # fmt: skip
#: Help texts where that of the table is about Python or about several values.
_HELPS: Final = {
    'cert': 'client certificate (PEM), with the password of its key if it needs one',
    'check_freshness': 'ask the server first if a copy is current, the same as --freshness always',
    'extract': 'extract the archive into a folder, once; without =DIR, into one named after it',
    'headers': 'header to send, or @FILE with one in each line',
    'key_ignores_query': 'query parameter that does not count in the cache key (example: X-Amz-*)',
    'key_without': 'header that does not count in the cache key (example: Cookie)',
    'method': 'GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS',
    'mirrors': 'alternative URL for the same file',
    'proxy': 'URL of a proxy (http, https, socks5 or socks5h), or none to use no proxy (default: '
    'that of the environment: http_proxy, https_proxy, all_proxy)',
    'proxy_auth': 'user and password for the proxy; env:NAME and file:PATH read the password, and '
    'without one it is asked for',
    'resolve': 'IP address of a host, instead of that of the resolver',
    'storage_options': 'options for s3:, gs:, az: and other stores, as JSON, without secrets '
    '(example: {"profile": "lab"})',
    'secret_names': 'parameter, header or field whose value is masked',
    'speed_limit': 'minimum speed of a connection; a slower one is given up after --speed-time, '
    'and the next URL is asked',
    'speed_time': 'time over which --speed-limit is the average',
}
_TABLE: Final[Mapping[str, OptionHelp]] = {**MANAGER_HELP, **DESCRIPTOR_HELP, **OPTION_HELP}


class TableFlag(Flag):
    """An option from the table; its value is None if it was not passed."""

    def __init__(self, name: str, section: str = 'Options', help: str = '') -> None:  # noqa: A002
        """Make the option with this name; `help` replaces the text of the table."""
        flags = (*ALSO.get(name, ()), flag_of(name))
        # Short flags stand first, then dlmachine's name, then curl's.
        shown = sorted(flags, key=lambda flag: (flag[:2] == '--', flag != flag_of(name)))
        self._shown = flag_of(name) if name in SWITCHED_ON else ', '.join(shown)
        if _TABLE[name].type.partition(' ')[0] == 'bool':
            plain = name.replace('_', '-')
            side = ' /{}' if name in ON - SWITCHED_ON else '{}/ '
            also = [side.format(flag) for flag in ALSO.get(name, ())]
            super().__init__(
                [name, f'--{plain}/--no-{plain}', *also], default=None, section=section
            )
        else:
            super().__init__(
                [name, *shown],
                section=section,
                type=type_of(name),
                metavar=metavar(name),
                multiple=name in REPEATED,
            )
            self._shown += f' {metavar(name)}'.replace(' [=', '[=')
        self.help = help or _help(name)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """The flags and the help; of a switch, the side that changes the default."""
        return self._shown, self.help or ''


def table_option(name: str, help: str = '') -> Callable[[Decorated], Decorated]:  # noqa: A002
    """An option from the table, among the command's own; `help` replaces the text of the table."""
    return _add(TableFlag(name, help=help))


def own_option(
    *names: str, section: str = 'Options', **kwargs: Any
) -> Callable[[Decorated], Decorated]:
    """An option that only the command has."""
    return click.option(*names, cls=Flag, section=section, **kwargs)


config_option = own_option(
    '--config', type=FILE, metavar='FILE', help='TOML, YAML or JSON file of options.'
)
outside_option = own_option(
    '--allow-outside',
    is_flag=True,
    help='Let a manifest write to, and send files from, other folders.',
)
base_url_option = own_option(
    '--base-url', metavar='URL', help='URL that the URLs of a manifest are relative to.'
)
workers_option = own_option(
    '-j',
    '--workers',
    type=click.IntRange(1, 256),
    default=8,
    envvar=list(WORKERS),
    metavar='N',
    help='Parallel downloads (default: 8, or DLMACHINE_WORKERS).',
)
json_option = own_option('--json', 'as_json', is_flag=True, help='Machine-readable output.')


def folder_option(*, help: str, default: str | None = None) -> Callable[[Decorated], Decorated]:  # noqa: A002
    """The option for a folder of files."""
    return own_option(
        '-d',
        '--dir',
        '--output-dir',
        'folder',
        type=FOLDER,
        default=default,
        metavar='DIR',
        help=help,
    )


def manifest_options(*, help: str) -> Callable[[Decorated], Decorated]:  # noqa: A002
    """Add the options of a command that downloads a manifest; `help` is that of `--quiet`."""
    options = (
        table_option('path'),
        outside_option,
        base_url_option,
        workers_option,
        own_option('-q', '--quiet', is_flag=True, help=help),
        table_option('progress', help='No progress bars.'),
        config_option,
        table_option('backend'),
        table_option('offline'),
        json_option,
    )

    def decorate(command: Decorated) -> Decorated:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def input_options(command: Decorated) -> Decorated:
    """Add the options of a command that reads downloads from a file."""
    reading = own_option(
        '-i',
        '--input-file',
        type=FILE,
        metavar='FILE',
        help='File of URLs, checksum file or manifest; - is stdin.',
    )
    return reading(outside_option(base_url_option(command)))


def output_flags(command: Decorated) -> Decorated:
    """Add the options for what a command prints and logs."""
    for option in reversed(output_options(own_option)):
        command = option(command)
    return command


def request_options(command: Decorated) -> Decorated:
    """Add the options of a request."""
    options: list[Callable[[Any], Any]] = [*naming_options(own_option), config_option]
    for section, names in SECTIONS.items():
        options += [_add(TableFlag(name, section)) for name in names]
        if section == 'Cache':
            options += reuse_options(own_option, section)
            options += extract_options(own_option, 'Extraction')
        if section == 'Connections':
            options += reuse_options(own_option, section, '--cainfo')
        if section == 'Request':
            options += [
                own_option(
                    '-e',
                    '--referer',
                    section=section,
                    type=Completed(),
                    metavar='URL',
                    help='Referer header.',
                ),
                *body_options(own_option),
                *login_options(own_option),
            ]
    for option in reversed([*options, *implied_options(own_option)]):
        command = option(command)
    return command


#: The least value of the numbers.
_LEAST: Final = {'strip': 0, 'max_members': 1, 'max_ratio': 1, 'max_extracted_bytes': 0}


def extract_options(own_option: Callable[..., Any], section: str = 'Options') -> list[Any]:
    """An option for each keyword of `dlmachine.extract`; without a value if it was not passed."""
    options = []
    for name, option in EXTRACT_HELP.items():
        kind: dict[str, Any] = {'type': click.IntRange(_LEAST.get(name)), 'metavar': 'N'}
        if option.type == 'bool':
            kind = {'is_flag': True, 'default': None}
        elif name == 'members':
            kind = {'multiple': True, 'metavar': 'NAME'}
        default = (
            ''
            if option.default in {'None', 'False'}
            else f' (default: {option.default})'.replace('_', ',')
        )
        text = f'{option.help[0].upper()}{option.help[1:]}{default}.'
        options.append(own_option(flag_of(name), name, section=section, help=text, **kind))
    return options


def _add(option: click.Option) -> Callable[[Decorated], Decorated]:
    def decorate(command: Decorated) -> Decorated:
        # As click's decorators do, which accept a class but not an instance.
        known = getattr(command, '__click_params__', [])
        command.__click_params__ = [*known, option]  # type: ignore[attr-defined]
        return command

    return decorate


def _help(name: str) -> str:
    option = _TABLE[name]
    text = _HELPS.get(name, option.help).replace('None:', 'none:')
    text = f'do not {text}' if name in ON else text
    is_shown = option.default not in {'None', 'True', 'False', '()'} and name != 'user_agent'
    default = 'default: ' + option.default.strip("'") if is_shown else ''
    notes = '; '.join(part for part in (option.unit, accepts(name), default) if part)
    return f'{text[0].upper()}{text[1:]}' + (f' ({notes}).' if notes else '.')
