"""Settings as they are written in each source: keywords, a dict, a file, the environment.

An unknown name is a fault that names its source.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import field
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen
from dlmachine.core.spec.options import own_name, unknown_name
from dlmachine.options.environment import ENV_PREFIX, read_environment
from dlmachine.options.lists import SETTING_NAMES
from dlmachine.options.rules import parse_rules
from dlmachine.paths import absolute, absolute_words, settle_words

#: If one of these is set, the configuration folder on Linux is not ~/.config.
_ELSEWHERE: Final = frozenset({'XDG_CONFIG_HOME', 'ANDROID_DATA', 'ANDROID_ROOT'})
#: The name of the rules, and that of one table of them in a file.
RULES: Final = 'rules'
_RULE: Final = 'rule'
#: The source of a setting that nobody wrote.
DEFAULT: Final = 'default'


@frozen
class Setting:
    """One setting: its name, value and source."""

    name: str
    # Headers may contain secrets, and a repr may be logged.
    value: Any = field(repr=False)
    source: str = DEFAULT


def user_config_file() -> str:
    """The path of the user's configuration file, unless another is set."""
    is_plain = sys.platform == 'linux' and os.environ.keys().isdisjoint(_ELSEWHERE)
    if is_plain and os.environ.get('HOME', '').startswith('/'):
        # The same path as from platformdirs, whose import takes as long as fifty hits.
        return str(Path(os.environ['HOME'], '.config', 'dlmachine', 'config.toml'))
    import platformdirs

    return str(Path(platformdirs.user_config_dir('dlmachine')) / 'config.toml')


def read_user_file(
    env: Mapping[str, str], user_file: str | PathLike[str] | None
) -> Result[tuple[Setting, ...], Fault]:
    """The settings of the user's file, which need not exist.  Faults: those of a file."""
    wanted = env.get(f'{ENV_PREFIX}CONFIG') or ''
    path = wanted or (user_config_file() if user_file is None else fsdecode(user_file))
    # The null device means no user file. Path.is_file would raise if another user's home is not
    # accessible.
    if path == os.devnull or (not wanted and not os.path.isfile(path)):  # noqa: PTH113
        return Success(())
    return _read_file(path)


def read_config(config: object) -> Result[tuple[Setting, ...], Fault]:
    """The settings of a dict or a file.  Faults: `InvalidInput`, `UnknownName`."""
    if config is None:
        return Success(())
    if isinstance(config, Mapping):
        return name_settings(absolute_words(_find_table(config)), 'config')
    if isinstance(config, (str, bytes, PathLike)):
        return _read_file(fsdecode(config))
    return refuse('config', f'must be a file or a mapping, not {type(config).__name__}')


def _read_file(path: str) -> Result[tuple[Setting, ...], Fault]:
    from dlmachine.documents.reader import read_mapping

    folder = os.path.dirname(absolute(path))  # noqa: PTH120
    return (
        read_mapping(path)
        .bind(lambda found: settle_words(_find_table(found), folder, allow_outside=True))
        .bind(lambda words: name_settings(words, f'file {printable(path)}', folder))
    )


def _find_table(document: Mapping[str, Any]) -> Mapping[str, Any]:
    # A pyproject.toml has many other tables; with `tool`, only `tool.dlmachine` is read.
    tool = document.get('tool')
    if isinstance(tool, Mapping):
        return _mapping(tool.get('dlmachine'))
    table = document.get('dlmachine')
    if not isinstance(table, Mapping):
        return document
    # Settings beside the table count, too; otherwise they would be ignored silently.
    beside = {*SETTING_NAMES, _RULE}
    return {**{name: one for name, one in document.items() if name in beside}, **table}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def name_settings(
    given: Mapping[str, object], source: str, folder: str = os.curdir
) -> Result[tuple[Setting, ...], Fault]:
    """Settings by their names; paths in rules are relative to `folder`.

    Faults: `UnknownName` with the nearest name, `InvalidInput` for a rule.
    """
    settings: list[Setting] = []
    for given_name, value in given.items():
        name = own_name(given_name)
        if name in {_RULE, RULES}:
            rules = parse_rules(value, '' if source == 'keyword' else source, folder)
            if not is_successful(rules):
                return Failure(rules.failure())
            settings.append(Setting(name=RULES, value=rules.unwrap(), source=source))
            continue
        if name not in SETTING_NAMES:
            # The source of a keyword is obvious.
            shown = '' if source == 'keyword' else source
            return Failure(unknown_name(given_name, SETTING_NAMES, shown))
        settings.append(Setting(name=name, value=value, source=source))
    return refuse_rivals(tuple(settings), source)


def refuse_rivals(settings: tuple[Setting, ...], source: str) -> Result[tuple[Setting, ...], Fault]:
    """The same settings.  Faults: `InvalidInput` for two that are for the same thing."""
    if {'path', 'pkg'} <= {setting.name for setting in settings if setting.value is not None}:
        where = 'path and pkg' if source == 'keyword' else f'path and pkg ({source})'
        return refuse(where, 'cannot be combined: a manager has one cache')
    return Success(settings)


def environment_settings(env: Mapping[str, str]) -> Iterator[Setting]:
    """The settings in environment variables."""
    for variable, name, value in read_environment(env):
        yield Setting(
            name=name, value=absolute_words({name: value})[name], source=f'environment {variable}'
        )
