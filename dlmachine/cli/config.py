"""`dlmachine config`: show each setting and its source."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import managing, print_json
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, own_option
from dlmachine.core.faults.printing import printable
from dlmachine.errors import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmachine.options.rules import Rule
    from dlmachine.options.settings import Setting


@click.command('config', cls=Command)
@own_option('--for', 'url', metavar='URL', help='Show the settings for this URL, with its rules.')
@config_option
@json_option
def command(url: str | None, **given: Any) -> None:
    """Show each setting, its value and its source.

    A keyword overrides a file or dict, which overrides the environment (DLMACHINE_*), which
    overrides the user's file, which overrides the default. Rules for a URL override all of these.
    A rule that matches no URL, or not that of --for, is noted on stderr.
    """
    # Without `progress`, the setting would be shown as changed.
    with managing(given, progress=True) as manager:
        config, names = manager.config, manager.secret_names
        settings = config.settings if url is None else unwrap(config.at(url))
        for note in _rule_notes(config.defaults.rules, url):
            click.echo(printable(note), err=True)
    shown = {one.name: _text(one, names) for one in settings}
    if given['as_json']:
        print_json({one.name: {'value': shown[one.name], 'source': one.source} for one in settings})
        return
    width = max(len(one.name) for one in settings)
    for one in settings:
        click.echo(printable(f'{one.name:{width}}  {shown[one.name]}  ({one.source})'))


def _rule_notes(rules: 'tuple[Rule, ...]', url: str | None) -> 'Iterator[str]':
    from dlmachine.core.http.url import parse_url
    from dlmachine_adapters.backends import Backends
    from dlmachine_adapters.runtime.clock import SystemClock

    backends = Backends(SystemClock()).seen() if rules else ()
    schemes = {scheme for backend in backends for scheme in backend.schemes}
    asked = None if url is None else unwrap(parse_url(url))
    for rule in rules:
        if rule.pattern is not None and not rule.pattern.may_match(schemes):
            scheme = rule.pattern.scheme
            yield f'note: rule {rule} matches no URL: no installed backend supports {scheme}'
        elif asked is not None and not rule.matches(asked):
            yield f'note: rule {rule} does not match this URL'


def _text(setting: 'Setting', names: tuple[str, ...]) -> str:
    from dlmachine.core.network.proxy import parse_proxy
    from dlmachine.core.secrets.configuration import redact_value
    from dlmachine.core.secrets.redact import MASK

    if setting.name == 'secret_names':
        return ', '.join(names)
    if setting.name == 'rules':
        return '; '.join(str(rule) for rule in setting.value or ()) or 'None'
    if setting.name == 'proxy' and setting.value:
        # Its password may contain any character, so it is not masked as other URLs are.
        return str(parse_proxy(str(setting.value), 'proxy').value_or(MASK))
    shown = redact_value({setting.name: _as_in_a_file(setting)}, names)
    return str(shown[setting.name])  # type: ignore[index]


def _as_in_a_file(setting: 'Setting') -> object:
    from dlmachine.core.spec.destination import Auto, ToMemory, ToPath
    from dlmachine.core.spec.option_table import CACHE_OPTIONS
    from dlmachine.core.text.durations import show_duration

    match setting.value:
        case timedelta() as duration if setting.name in CACHE_OPTIONS:
            return show_duration(duration.total_seconds())
        case timedelta() as duration:
            return f'{duration.total_seconds():.12g}'
        case Auto():
            return None
        case ToMemory():
            return False
        case ToPath(path=path):
            return path
        case 0 if setting.name == 'segments':
            return 'auto'
        case value:
            return getattr(value, 'value', value)
