"""Settings in environment variables: `DLMACHINE_<NAME>`.

Other programs write to the environment as well, so an unknown name is a warning, not a fault.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from dlmachine.core.spec.option_parsers import read_bool
from dlmachine.core.spec.option_table import OLD_NAMES
from dlmachine.core.spec.options import own_name, unknown_name
from dlmachine.options.lists import SETTING_NAMES

ENV_PREFIX: Final = 'DLMACHINE_'
_ENV_ALIASES: Final = {'CACHE_DIR': 'path', 'NO_PROGRESS': 'progress'}
#: Variables that are not settings: the user file, those of the command line and of the tests.
_ENV_OTHERS: Final = frozenset({'CONFIG', 'FROZEN', 'JOBS', 'REQUIRE_NGINX', 'WORKERS'})


def unknown_variables(env: Mapping[str, str]) -> Iterator[str]:
    """Warnings about environment variables that look like settings, but are unknown or renamed.

    >>> list(unknown_variables({'DLMACHINE_RETIRES': '2', 'HOME': '/'}))
    ['unknown environment variable DLMACHINE_RETIRES is not used; did you mean DLMACHINE_RETRIES?']
    """
    for variable, short, name in _own_variables(env):
        if name not in SETTING_NAMES:
            near = unknown_name(_ENV_ALIASES.get(short, short.lower()), SETTING_NAMES).nearest
            advice = f'; did you mean {ENV_PREFIX}{near.upper()}?' if near else ''
            yield f'unknown environment variable {variable} is not used{advice}'
        elif short.lower() in OLD_NAMES:
            yield f'environment variable {variable} is now called {ENV_PREFIX}{name.upper()}'


def read_environment(env: Mapping[str, str]) -> Iterator[tuple[str, str, object]]:
    """Yield variable, name and value of each setting.

    >>> list(read_environment({'DLMACHINE_CACHE_DIR': '/data', 'DLMACHINE_NO_PROGRESS': '1'}))
    [('DLMACHINE_NO_PROGRESS', 'progress', False), ('DLMACHINE_CACHE_DIR', 'path', '/data')]
    """
    for variable, short, name in _own_variables(env):
        if name in SETTING_NAMES:
            yield variable, name, _env_value(short, name, env[variable])


def _own_variables(env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for variable, text in sorted(env.items(), reverse=True):
        short = variable.removeprefix(ENV_PREFIX)
        # An empty variable counts as unset.
        if short != variable and text and short not in _ENV_OTHERS:
            given_name = _ENV_ALIASES.get(short, short.lower())
            yield variable, short, own_name(given_name)


def _env_value(short: str, name: str, text: str) -> object:
    if short == 'NO_PROGRESS':
        # Like NO_COLOR: any value except a negative one disables progress.
        return not read_bool(short, text).value_or(True)  # noqa: FBT003 -- the parsed value
    if name == 'headers':
        return text.splitlines()
    words = {'true': True, 'false': False}
    return words.get(text.strip().lower(), text) if name in {'dest', 'cookies'} else text
