"""Configuration: every setting, and its source.

Precedence: keyword > dict or file > environment (`DLMACHINE_<NAME>`) > user file > default. A file
has the settings at the top level, or in a table `[dlmachine]` or `[tool.dlmachine]`. The user file
is `config.toml` in the user's configuration folder, or the file in `DLMACHINE_CONFIG`. An unknown
name is a fault; in the environment, which other programs use as well, it is a logged warning.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any, Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.spec import option_parsers as parsers
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.key_names import parse_key_names
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.option_table import OPTIONS
from dlmachine.core.spec.options import own_name, parse_policy, unknown_name
from dlmachine.core.spec.policy import Policy
from dlmachine.options.environment import ENV_PREFIX, read_environment, unknown_variables
from dlmachine.options.lists import DESCRIBED_NAMES, KEY_OPTIONS, SETTING_NAMES
from dlmachine.paths import PATH_NAMES, PathInput, absolute, absolute_words, settle_words

#: The type of the `config` argument: a file or a dict.
ConfigLike: TypeAlias = PathInput | Mapping[str, object] | None

#: If one of these is set, the configuration folder on Linux is not ~/.config.
_ELSEWHERE: Final = frozenset({'XDG_CONFIG_HOME', 'ANDROID_DATA', 'ANDROID_ROOT'})
_DEFAULT: Final = 'default'
_NOT_A_FOLDER: Final = 'path= is the cache folder; a URL is passed to download'
#: Two options for the same setting: the one from the higher source is used.
_RIVALS: Final = {
    'path': 'pkg', 'pkg': 'path', 'freshness': 'check_freshness', 'check_freshness': 'freshness',
}  # fmt: skip


@frozen
class Setting:
    """One setting: its name, value and source."""

    name: str
    # Headers may contain secrets, and a repr may be logged.
    value: Any = field(repr=False)
    source: str = _DEFAULT


@frozen
class Config:
    """All settings, and the values that result from them.

    `settings` has one entry for each name, in the order of `SETTING_NAMES`. `described` are default
    keywords for every Descriptor.
    """

    settings: tuple[Setting, ...]
    policy: Policy
    path: str | None = None
    pkg: str | None = None
    progress: Any = True
    described: Mapping[str, Any] = field(default_factory=dict, repr=False)


def load_config(
    config: ConfigLike,
    keywords: Mapping[str, object],
    environ: Mapping[str, str] | None = None,
    user_file: str | PathLike[str] | None = None,
) -> Result[Config, Fault]:
    """Read all sources, and merge them by precedence.

    `environ` defaults to `os.environ`, `user_file` to the one in the user's configuration folder,
    which need not exist.

    Faults: `UnknownName`, with the source and the nearest name; `InvalidInput` for a bad value, or
    for a file that cannot be read.

    >>> found = load_config({'retries': 5}, {'timeout': 60}, environ={}, user_file=os.devnull)
    >>> [(s.name, s.value, s.source) for s in found.unwrap().settings if s.source != 'default']
    [('retries', 5, 'config'), ('timeout', 60, 'keyword')]
    """
    env = os.environ if environ is None else environ
    for text in unknown_variables(env):
        from dlmachine.execution.log import warn

        warn(text)
    merged: dict[str, Setting] = {}
    layers = (
        _read_user_file(env, user_file),
        _refuse_rivals(tuple(_read_environment(env)), 'environment'),
        _read_config(config),
        _name_settings(absolute_words(keywords), 'keyword'),
    )
    for layer in layers:
        if not is_successful(layer):
            return Failure(layer.failure())
        merged = _over(merged, layer.unwrap())
    return _settle(merged)


def change_config(config: Config, keywords: Mapping[str, object]) -> Result[Config, Fault]:
    """A configuration with these keywords over its settings.

    Faults: `UnknownName`, `InvalidInput`.
    """
    given = {one.name: one for one in config.settings if one.source != _DEFAULT}
    named = _name_settings(absolute_words(keywords), 'keyword')
    return named.bind(lambda found: _settle(_over(given, found)))


def user_config_file() -> str:
    """The path of the user's configuration file, unless another is set."""
    is_plain = sys.platform == 'linux' and os.environ.keys().isdisjoint(_ELSEWHERE)
    if is_plain and os.environ.get('HOME', '').startswith('/'):
        # The same path as from platformdirs, whose import takes as long as fifty hits.
        return str(Path(os.environ['HOME'], '.config', 'dlmachine', 'config.toml'))
    import platformdirs

    return str(Path(platformdirs.user_config_dir('dlmachine')) / 'config.toml')


def _over(lower: Mapping[str, Setting], higher: Iterable[Setting]) -> dict[str, Setting]:
    settings = {setting.name: setting for setting in higher}
    beaten = {_RIVALS[name] for name in settings if name in _RIVALS} - settings.keys()
    # Of two options for the same, such as a checksum and its list, the later one counts.
    kept = lower.keys() - beaten - settings.keys()
    return {**{name: one for name, one in lower.items() if name in kept}, **settings}


def _read_user_file(
    env: Mapping[str, str], user_file: str | PathLike[str] | None
) -> Result[tuple[Setting, ...], Fault]:
    wanted = env.get(f'{ENV_PREFIX}CONFIG') or ''
    path = wanted or (user_config_file() if user_file is None else fsdecode(user_file))
    # The null device means no user file. Path.is_file would raise if another user's home is not
    # accessible.
    if path == os.devnull or (not wanted and not os.path.isfile(path)):  # noqa: PTH113
        return Success(())
    return _read_file(path)


def _read_config(config: object) -> Result[tuple[Setting, ...], Fault]:
    if config is None:
        return Success(())
    if isinstance(config, Mapping):
        return _name_settings(absolute_words(_find_table(config)), 'config')
    if isinstance(config, (str, bytes, PathLike)):
        return _read_file(fsdecode(config))
    problem = f'must be a file or a mapping, not {type(config).__name__}'
    return Failure(InvalidInput(where='config', problem=problem))


def _read_file(path: str) -> Result[tuple[Setting, ...], Fault]:
    from dlmachine.documents.reader import read_mapping

    folder = os.path.dirname(absolute(path))  # noqa: PTH120
    return (
        read_mapping(path)
        .bind(lambda found: settle_words(_find_table(found), folder, allow_outside=True))
        .bind(lambda words: _name_settings(words, f'file {printable(path)}'))
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
    return {**{name: one for name, one in document.items() if name in SETTING_NAMES}, **table}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _name_settings(given: Mapping[str, object], source: str) -> Result[tuple[Setting, ...], Fault]:
    settings: list[Setting] = []
    for given_name, value in given.items():
        name = own_name(given_name)
        if name not in SETTING_NAMES:
            # The source of a keyword is obvious.
            shown = '' if source == 'keyword' else source
            return Failure(unknown_name(given_name, SETTING_NAMES, shown))
        settings.append(Setting(name=name, value=value, source=source))
    return _refuse_rivals(tuple(settings), source)


def _refuse_rivals(
    settings: tuple[Setting, ...], source: str
) -> Result[tuple[Setting, ...], Fault]:
    if {'path', 'pkg'} <= {setting.name for setting in settings if setting.value is not None}:
        where = 'path and pkg' if source == 'keyword' else f'path and pkg ({source})'
        problem = 'cannot be combined: a manager has one cache'
        return Failure(InvalidInput(where=where, problem=problem))
    return Success(settings)


def _read_environment(env: Mapping[str, str]) -> Iterator[Setting]:
    for variable, name, value in read_environment(env):
        yield Setting(
            name=name,
            value=absolute_words({name: value})[name],
            source=f'environment {variable}',
        )


def _settle(given: Mapping[str, Setting]) -> Result[Config, Fault]:
    policy = Policy()
    plain: dict[str, Any] = {}
    both = {name: given[name].value for name in ('freshness', 'check_freshness') if name in given}
    together = parse_policy(both)
    if len(both) > 1 and not is_successful(together):
        return Failure(_at(together.failure(), given['freshness']))
    for setting in given.values():
        if setting.name in OPTIONS:
            changed = parse_policy({setting.name: setting.value}, policy)
            if not is_successful(changed):
                return Failure(_at(changed.failure(), setting))
            policy = changed.unwrap()
        else:
            read = _read_plain(setting.name, setting.value)
            if not is_successful(read):
                return Failure(_at(read.failure(), setting))
            plain[setting.name] = read.unwrap()
    return Success(
        Config(
            settings=tuple(_every_setting(given, policy)),
            policy=policy,
            path=plain.get('path'),
            pkg=plain.get('pkg'),
            progress=plain.get('progress', True),
            described={name: plain[name] for name in DESCRIBED_NAMES if name in plain},
        )
    )


def _at(fault: Fault, setting: Setting) -> Fault:
    # The source of a keyword is obvious; that of any other setting is added.
    if isinstance(fault, InvalidInput) and setting.source != 'keyword':
        return replace(fault, where=f'{fault.where} ({setting.source})')
    return fault


def _read_plain(name: str, value: object) -> Result[Any, Fault]:
    if value is None and name != 'verify':
        return Success(None)
    endless = parsers.find_endless(name, value)
    if endless is not None:
        return Failure(endless)
    if name in PATH_NAMES and isinstance(value, str):
        return parse_local_path(value, name, _NOT_A_FOLDER if name == 'path' else '')
    if name in {'progress', 'verify'}:
        return (parsers.read_progress if name == 'progress' else parsers.read_bool)(name, value)
    if name == 'headers':
        return _check_headers(value)
    if name == 'secret_names':
        return parse_secret_names(value)
    if name in KEY_OPTIONS:
        return parse_key_names(value, name)
    return parsers.read_text(name, value).bind(lambda text: _check_package(name, str(text)))


def _check_package(name: str, text: str) -> Result[Any, Fault]:
    if text in {'.', '..'} or any(one in text for one in '/\\:'):
        problem = f'must be the name of a package, not {text!r}'
        advice = 'It names a folder in the cache directory of the user; for a path use path='
        return Failure(InvalidInput(where=name, problem=problem, advice=advice))
    return Success(text)


def _check_headers(value: Any) -> Result[Any, Fault]:
    # Parsed as part of a descriptor, because some headers are not for callers to set.
    return Descriptor.parse('http://defaults.invalid', headers=value).map(lambda _: value)


def _every_setting(given: Mapping[str, Setting], policy: Policy) -> Iterator[Setting]:
    defaults: dict[str, Any] = {'progress': True, 'verify': True}
    for name in SETTING_NAMES:
        if name in given:
            yield given[name]
        elif name in OPTIONS:
            outer, _, inner = OPTIONS[name].field.partition('.')
            value = getattr(policy, outer)
            yield Setting(name=name, value=getattr(value, inner) if inner else value)
        else:
            yield Setting(name=name, value=defaults.get(name))
