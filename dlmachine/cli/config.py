"""`dlmachine config`: each setting and where it comes from."""

from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.common import managing, print_json
from dlmachine.cli.parameters.options import Command, config_option, json_option
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.config import Setting


@click.command('config', cls=Command)
@config_option
@json_option
def command(**given: Any) -> None:
    """Show each setting, its value, and where it comes from.

    A keyword outranks a file or dict, that the environment (DLMACHINE_*), that the user's
    file, that the default.
    """
    # Else it would say that no progress was asked for.
    with managing(given, progress=True) as manager:
        settings, names = manager.config.settings, manager.secret_names
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
    if is_secret_name(setting.name) and setting.value:
        return MASK
    # As it would be written into a file.
    return str(redact_value(getattr(setting.value, 'value', setting.value), names))
