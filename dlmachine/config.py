"""Configuration: every setting, and its source.

Precedence: keyword > dict or file > environment (`DLMACHINE_<NAME>`) > user file > default. A file
has the settings at the top level, or in a table `[dlmachine]` or `[tool.dlmachine]`. The user file
is `config.toml` in the user's configuration folder, or the file in `DLMACHINE_CONFIG`. An unknown
name is a fault; in the environment, which other programs use as well, it is a logged warning.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from os import PathLike
from typing import Any, Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import parse_url
from dlmachine.core.keeping.limits import UNLIMITED, Keeping
from dlmachine.core.spec import option_parsers as parsers
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.option_table import CACHE_OPTIONS, OPTIONS
from dlmachine.core.spec.options import parse_keeping, parse_policy
from dlmachine.core.spec.policy import Policy
from dlmachine.options.described import read_described, refuse_everywhere
from dlmachine.options.environment import unknown_variables
from dlmachine.options.lists import DESCRIBED_NAMES, SETTING_NAMES
from dlmachine.options.rules import Defaults
from dlmachine.options.settings import (
    DEFAULT,
    RULES,
    Setting,
    environment_settings,
    name_settings,
    read_config,
    read_user_file,
    refuse_rivals,
)
from dlmachine.paths import PathInput, absolute_words

#: The type of the `config` argument: a file or a dict.
ConfigLike: TypeAlias = PathInput | Mapping[str, object] | None

_NOT_A_FOLDER: Final = 'path= is the cache folder; a URL is passed to download'
#: Two options for the same setting: the one from the higher source is used.
_RIVALS: Final = {
    'path': 'pkg', 'pkg': 'path', 'freshness': 'check_freshness', 'check_freshness': 'freshness',
}  # fmt: skip


@frozen
class Config:
    """All settings, and the values that result from them.

    `settings` has one entry for each name, in the order of `SETTING_NAMES`. `defaults` are those of
    every request.
    """

    settings: tuple[Setting, ...]
    defaults: Defaults
    path: str | None = None
    pkg: str | None = None
    progress: Any = True
    on_event: Any = None
    keeping: Keeping = UNLIMITED

    @property
    def has_cache(self) -> bool:
        """Whether a manager with these settings has a cache."""
        return self.path is not None or self.pkg is not None

    @property
    def policy(self) -> Policy:
        """The policy of a request to which no rule applies."""
        return self.defaults.policy

    @property
    def described(self) -> Mapping[str, Any]:
        """The keywords of the Descriptor of a request to which no rule applies."""
        return self.defaults.described

    def at(self, url: object) -> 'Result[tuple[Setting, ...], Fault]':
        """The settings for a URL, each with the rule that it comes from.

        Faults: `InvalidInput`.
        """
        parsed, found = parse_url(url), self.defaults.at(url)
        if not is_successful(parsed) or not is_successful(found):
            return Failure(parsed.failure() if not is_successful(parsed) else found.failure())
        sources = self.defaults.sources(parsed.unwrap())
        defaults, shown = found.unwrap(), []
        for one in self.settings:
            if one.name in sources:
                value = defaults.value(one.name)
                shown.append(Setting(name=one.name, value=value, source=sources[one.name]))
            else:
                shown.append(one)
        return Success(tuple(shown))


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
        read_user_file(env, user_file),
        refuse_rivals(tuple(environment_settings(env)), 'environment'),
        read_config(config),
        name_settings(absolute_words(keywords), 'keyword'),
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
    given = {one.name: one for one in config.settings if one.source != DEFAULT}
    named = name_settings(absolute_words(keywords), 'keyword')
    return named.bind(lambda found: _settle(_over(given, found)))


def _over(lower: Mapping[str, Setting], higher: Iterable[Setting]) -> dict[str, Setting]:
    settings = {setting.name: setting for setting in higher}
    beaten = {_RIVALS[name] for name in settings if name in _RIVALS} - settings.keys()
    # Of two options for the same, such as a checksum and its list, the later one counts.
    kept = lower.keys() - beaten - settings.keys()
    if RULES in lower and RULES in settings:
        # Rules are added: those of the higher source apply later, and so count more.
        both = lower[RULES].value + settings[RULES].value
        settings[RULES] = replace(settings[RULES], value=both)
    return {**{name: one for name, one in lower.items() if name in kept}, **settings}


def _settle(given: Mapping[str, Setting]) -> Result[Config, Fault]:
    policy, keeping = Policy(), UNLIMITED
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
        elif setting.name in CACHE_OPTIONS:
            kept = parse_keeping({setting.name: setting.value}, keeping)
            if not is_successful(kept):
                return Failure(_at(kept.failure(), setting))
            keeping = kept.unwrap()
        else:
            read = _read_plain(setting.name, setting.value)
            if not is_successful(read):
                return Failure(_at(read.failure(), setting))
            plain[setting.name] = read.unwrap()
    described: dict[str, Any] = {name: plain[name] for name in DESCRIBED_NAMES if name in plain}
    defaults = Defaults(policy=policy, described=described, rules=plain.get(RULES, ()))
    return Success(
        Config(
            settings=tuple(_every_setting(given, defaults)),
            defaults=defaults,
            path=plain.get('path'),
            pkg=plain.get('pkg'),
            progress=plain.get('progress', True),
            on_event=plain.get('on_event'),
            keeping=keeping,
        )
    )


def _at(fault: Fault, setting: Setting) -> Fault:
    # The source of a keyword is obvious; that of any other setting is added.
    if isinstance(fault, InvalidInput) and setting.source != 'keyword':
        return replace(fault, where=f'{fault.where} ({setting.source})')
    return fault


def _read_plain(name: str, value: object) -> Result[Any, Fault]:
    if name in DESCRIBED_NAMES:
        return read_described(name, value).bind(partial(refuse_everywhere, name))
    if value is None or name == RULES:
        return Success(value)
    if name == 'progress':
        return parsers.read_progress(name, value)
    if name == 'on_event':
        return parsers.read_validator(name, value)
    if name == 'path' and isinstance(value, str):
        return parse_local_path(value, name, _NOT_A_FOLDER)
    return parsers.read_text(name, value).bind(lambda text: _check_package(name, str(text)))


def _check_package(name: str, text: str) -> Result[Any, Fault]:
    if text in {'.', '..'} or any(one in text for one in '/\\:'):
        problem = f'must be the name of a package, not {text!r}'
        advice = 'It names a folder in the cache directory of the user; for a path use path='
        return refuse(name, problem, advice)
    return Success(text)


def _every_setting(given: Mapping[str, Setting], defaults: Defaults) -> Iterator[Setting]:
    for name in SETTING_NAMES:
        if name in given:
            yield given[name]
        else:
            value = True if name in {'progress', 'verify'} else defaults.value(name)
            if name in CACHE_OPTIONS:
                value = getattr(UNLIMITED, CACHE_OPTIONS[name].field)
            yield Setting(name=name, value=value)
