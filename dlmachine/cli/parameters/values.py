"""The values of flags: their names in the help, their checks, and their completion.

The table of options names a parser for each. A value is checked as soon as it is parsed, so that an
error names the flag; the text is passed on, because the manager parses it again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem
from returns.pipeline import is_successful

from dlmachine.core.spec.descriptor import METHODS
from dlmachine.core.spec.option_help import KINDS
from dlmachine.core.spec.option_table import CACHE_OPTIONS, OPTIONS
from dlmachine.core.spec.options import parse_keeping, parse_policy
from dlmachine.core.spec.reuse import CheckMethod, FileTime, Freshness, IfExists, Link

#: The options that a parser checks.
_OPTIONS: Final = {**OPTIONS, **CACHE_OPTIONS}
#: The names of the values of the other options.
_PLAIN: Final = {
    'cainfo': 'FILE|DIR|system', 'cert': 'FILE[:PASSWORD]', 'headers': "'N: V'", 'key': 'FILE',
    'method': 'METHOD', 'mirrors': 'URL', 'path': 'DIR', 'secret_names': 'NAME',
    'key_without': 'NAME', 'key_ignores_query': 'NAME',
    'storage_options': 'JSON',
}  # fmt: skip
#: Values that a shell completes; `file` and `dir` are completed by the shell itself.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    'check_method': tuple(one.value for one in CheckMethod),
    'link': tuple(one.value for one in Link),
    'mtime': tuple(one.value for one in FileTime),
    'freshness': (*(one.value for one in Freshness), '1d', '7d'),
    'if_exists': tuple(one.value for one in IfExists),
    'max_per_host': ('none',),
    'method': METHODS,
    'rate': ('1/s', '100/m', '1000/h'),
    'segments': ('auto',),
}


class Completed(click.ParamType):  # type: ignore[type-arg]  # generic in new releases of click
    """Text, for which a shell completes files (`file`), folders (`dir`) or words."""

    name = 'text'

    def __init__(self, *words: str) -> None:
        self._words = words

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The completions of the word before the cursor."""
        if self._words in {('file',), ('dir',)}:
            return [CompletionItem(incomplete, type=self._words[0])]
        return [CompletionItem(word) for word in self.words() if word.startswith(incomplete)]

    def words(self) -> Iterable[str]:
        """The possible words."""
        return self._words


class Backend(Completed):
    """The name of a backend; a shell completes those that are installed."""

    def words(self) -> Iterable[str]:
        """The installed backends, looked up for each completion."""
        from dlmachine_adapters.backends import Backends
        from dlmachine_adapters.runtime.clock import SystemClock

        return [one.name for one in Backends(SystemClock()).seen()]


class Checked(Completed):
    """The value of an option of the policy, checked by the parser of the table."""

    def __init__(self, option: str, *words: str) -> None:
        super().__init__(*words)
        self._option = option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the text, and return it unchanged."""
        parse: Any = parse_keeping if self._option in CACHE_OPTIONS else parse_policy
        read = parse({self._option: value})
        if not is_successful(read):
            fault: Any = read.failure()
            self.fail(fault.problem, param, ctx)
        return value


class ProxyLogin(Checked):
    """The login of a proxy; the password is asked for if it is missing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Add the password, and check the text."""
        if isinstance(value, str) and ':' not in value:
            value = f'{value}:{ask_password(value)}'
        return super().convert(value, param, ctx)


def ask_password(user: str) -> str:
    """Ask for a password on the terminal."""
    return str(click.prompt(f'Password of {user}', hide_input=True, default='', err=True))


FILE: Final = Completed('file')
FOLDER: Final = Completed('dir')


def metavar(name: str) -> str:
    """The name of an option's value in the help."""
    if name in _PLAIN:
        return _PLAIN[name]
    return KINDS[_OPTIONS[name].read].metavar


def accepts(name: str) -> str:
    """The note about an option's value in the help."""
    option = _OPTIONS.get(name)
    return '' if option is None else KINDS[option.read].note


def type_of(name: str) -> Completed:
    """The type that parses and completes an option's value."""
    if name == 'backend':
        return Backend()
    if name == 'proxy_auth':
        return ProxyLogin(name)
    word = metavar(name)
    words = (
        ('file',)
        if 'FILE' in word
        else ('dir',)
        if word in {'DIR', '[=DIR]'}
        else _WORDS.get(name, ())
    )
    return Checked(name, *words) if name in _OPTIONS else Completed(*words)
