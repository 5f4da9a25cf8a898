"""`dlmachine config`: each setting and where it comes from."""

from typing import Any

import click

from dlmachine.cli.common import config_option, json_option, managing, print_json


@click.command('config')
@config_option
@json_option
def command(**given: Any) -> None:
    """Show each setting, its value, and where it comes from.

    A keyword outranks a file or dict, that the environment (DLMACHINE_*), that the user's
    file, that the default.
    """
    from dlmachine.core.redact import MASK, is_secret_name

    # Else it would say that no progress was asked for.
    with managing(given, progress=True) as manager:
        settings = manager.config.settings
    shown = {
        one.name: MASK if is_secret_name(one.name) and one.value else _text(one.value)
        for one in settings
    }
    if given['as_json']:
        print_json({one.name: {'value': shown[one.name], 'source': one.source} for one in settings})
        return
    width = max(len(one.name) for one in settings)
    for one in settings:
        click.echo(f'{one.name:{width}}  {shown[one.name]}  ({one.source})')


def _text(value: Any) -> str:
    from dlmachine.core.headers import parse_headers
    from dlmachine.core.redact import redact_url

    if isinstance(value, dict):
        # Headers are the only mapping among the settings.
        return str(parse_headers(value).map(lambda fields: dict(fields.redacted())).value_or({}))
    # As it would be written into a file.
    text = str(getattr(value, 'value', value))
    return redact_url(text) if '://' in text else text
