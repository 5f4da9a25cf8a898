"""`dlmachine config`: show each setting and its source."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import managing, print_json
from dlmachine.cli.parameters.options import Command, config_option, json_option, own_option
from dlmachine.core.faults.printing import printable
from dlmachine.errors import unwrap

if TYPE_CHECKING:
    from dlmachine.options.settings import Setting


@click.command('config', cls=Command)
@own_option('--for', 'url', metavar='URL', help='Show the settings for this URL, with its rules.')
@config_option
@json_option
def command(url: str | None, **given: Any) -> None:
    """Show each setting, its value and its source.

    A keyword overrides a file or dict, which overrides the environment (DLMACHINE_*), which
    overrides the user's file, which overrides the default. Rules for a URL override all of these.
    """
    # Without `progress`, the setting would be shown as changed.
    with managing(given, progress=True) as manager:
        config, names = manager.config, manager.secret_names
        settings = config.settings if url is None else unwrap(config.at(url))
    shown = {one.name: _text(one, names) for one in settings}
    if given['as_json']:
        print_json({one.name: {'value': shown[one.name], 'source': one.source} for one in settings})
        return
    width = max(len(one.name) for one in settings)
    for one in settings:
        click.echo(printable(f'{one.name:{width}}  {shown[one.name]}  ({one.source})'))


def _text(setting: 'Setting', names: tuple[str, ...]) -> str:
    from dlmachine.core.secrets.redact import MASK, is_secret_name, redact_value

    if setting.name == 'secret_names':
        return ', '.join(names)
    if setting.name == 'rules':
        return '; '.join(str(rule) for rule in setting.value or ()) or 'None'
    if is_secret_name(setting.name) and setting.value:
        return MASK
    return str(redact_value(_as_in_a_file(setting), names))


def _as_in_a_file(setting: 'Setting') -> object:
    from dlmachine.core.spec.destination import Auto, ToMemory, ToPath

    match setting.value:
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
