"""Flags of the command line: one for each option of the table, by the same name.

The flag of `connect_timeout` is `--connect-timeout`. An option that is true by default has the flag
`--no-<name>`, and one that can be repeated has its name in the singular (`--header`). This module
lists the exceptions, and the additional flags.

Remedies are written as in Python (`max_bytes=`, `check_content=False`); `in_flags` replaces each
option by its flag, or by its environment variable if it has no flag.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from dlmachine.core.regex import regex

if TYPE_CHECKING:
    from dlmachine.core.faults import Fault

#: Options whose flag has another name: `path` would be taken for the path of the file, `--json` is
#: the output of the command, and a function cannot be passed.
_OTHERS: Final = {
    'path': '--cache',
    'dest': '--output',
    'json': '--json-data',
    'password': '--ask-password',
    'pkg': '',
    'post': '--data',
    'multipart': '',
    'query': '',
    'validate': '',
    'any_status': '',
    'auth': '--user',
    'cookies': '--cookie',
    'key_password': '--pass',
    'no_proxy': '--noproxy',
}
#: Options that can be repeated.
REPEATED: Final = {
    'headers': '--header',
    'key_ignores_query': '--key-ignores-query',
    'key_without': '--key-without',
    'members': '--member',
    'mirrors': '--mirror',
    'resolve': '--resolve',
    'secret_names': '--secret-name',
}
#: Options that are true by default; their flags switch them off.
ON: Final = frozenset({'check_content', 'create_dirs', 'follow', 'keep_old', 'progress', 'verify'})
#: Additional flags: short ones, and those of curl.
ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    'cainfo': ('--cacert', '--ca-certificate', '--capath'),
    'cert': ('-E',),
    'check_freshness': ('-N', '--timestamping'),
    'grace_period': ('--grace',),
    'follow': ('-L', '--location'),
    'freshness': ('--max-age',),
    'headers': ('-H',),
    'max_redirects': ('--max-redirs',),
    'method': ('-X', '--request'),
    'proxy': ('-x',),
    'proxy_auth': ('-U', '--proxy-user'),
    'retries': ('--retry',),
    'speed_limit': ('-Y',),
    'speed_time': ('-y',),
    'stall_timeout': ('--read-timeout',),
    'timeout': ('-m', '--max-time'),
    'user_agent': ('-A',),
    'verify': ('-k', '--insecure', '--no-check-certificate'),
    'workers': ('-j',),
}
#: Options whose additional flags switch them on, although they are on by default.
SWITCHED_ON: Final = frozenset({'follow'})
#: Former flags; they work, with a warning.
OLD_FLAGS: Final = {
    '--force': '--force-download',
    '--jobs': '--workers',
    '--refresh': '--check-freshness',
}
#: Flags that stand for another one with a value.
ABBREVIATIONS: Final = {
    # Otherwise the word after it would be its folder.
    '--extract': ('--extract=true',),
    '--skip-existing': ('--if-exists', 'keep'),
    '--no-clobber': ('--if-exists', 'keep'),
    '--overwrite': ('--if-exists', 'replace'),
    '-R': ('--mtime', 'server'),
    '--remote-time': ('--mtime', 'server'),
    '--system-certs': ('--cainfo', 'system'),
}
#: Parameters of functions that are flags of a command, with the value that the flag stands for.
_OF_COMMANDS: Final = {
    'workers': '', 'allow_outside': 'True', 'base_url': '', 'force': 'True',
    'max_members': '', 'max_ratio': '', 'max_extracted_bytes': '', 'members': '', 'password': '',
}  # fmt: skip

#: Forms of `auth`, and calls, in messages.
_FORMS: Final = {
    "proxy_auth=('user', 'env:PASSWORD')": '--proxy-auth USER:env:PASSWORD',
    'auth=(user, password)': '--user USER',
    "auth={'digest': (user, password)}": '--digest --user USER',
    "auth={'bearer': 'env:NAME'}": '--bearer-env NAME',
    'path= or pkg= to DownloadManager': '--cache',
    'dlmachine.members(...)': 'dlmachine extract --list FILE',
    "key_password='env:NAME'": '--pass env:NAME',
}
#: An option in Python's notation at the beginning of a word, not in the query of a URL.
_OPTION: Final = regex(
    r"""(?<![^\s(])(pass )?([a-z][a-z0-9_]*)=(True|False|'[^']*'|[0-9]+)?(?=[\s.,:;)]|$)"""
)


def flag_of(name: str) -> str:
    """The flag of an option; empty if it has none.

    >>> flag_of('connect_timeout'), flag_of('verify'), flag_of('mirrors'), flag_of('pkg')
    ('--connect-timeout', '--no-verify', '--mirror', '')
    """
    prefix = '--no-' if name in ON else '--'
    plain = f'{prefix}{name.replace("_", "-")}'
    return _OTHERS.get(name, REPEATED.get(name, plain))


def in_flags(text: str) -> str:
    """Replace the options in a message by flags of the command line.

    >>> in_flags('Raise max_bytes= if the file may be that large')
    'Raise --max-bytes if the file may be that large'
    >>> in_flags('if the content is right, pass check_content=False')
    'if the content is right, pass --no-check-content'
    >>> in_flags('http://h/?timeout=5: not found. Set pkg=')
    'http://h/?timeout=5: not found. Set DLMACHINE_PKG'
    """
    for python, flags in _FORMS.items():
        text = text.replace(python, flags)
    return _OPTION.sub(_flag, text)


def fault_in_flags(fault: 'Fault') -> str:
    """The text of a fault for the command line; an argument that it names is a flag.

    >>> from dlmachine.core.faults import InvalidInput
    >>> fault_in_flags(InvalidInput(where='mirrors[0]', problem='has no host'))
    '--mirror has no host'
    """
    from dlmachine.core.faults import InvalidInput
    from dlmachine.core.frozen import replace

    # An option of a file or a variable has the name that stands there.
    if isinstance(fault, InvalidInput) and not fault.where.endswith(')'):
        name, bracket, inner = fault.where.partition('[')
        place = '' if inner.rstrip(']').isdecimal() else f'{bracket}{inner}'
        fault = replace(fault, where=f'{in_flags(f"{name}=")}{place}'.replace('=', ''))
    return in_flags(str(fault))


def renamed(words: Iterable[str], own: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Replace former flags and abbreviations; yield each argument with its former flag, or ''.

    The flags that are a command's `own` stay.

    >>> list(renamed(['--jobs=4', '-q', '--', '--force']))
    [('--workers=4', '--jobs'), ('-q', ''), ('--', ''), ('--force', '')]
    >>> [word for word, _ in renamed(['--skip-existing'])]
    ['--if-exists', 'keep']
    """
    is_flag = True
    for word in words:
        is_flag = is_flag and word != '--'
        old, equals, value = word.partition('=')
        if is_flag and word in ABBREVIATIONS:
            yield from ((one, '') for one in ABBREVIATIONS[word])
        elif is_flag and old in OLD_FLAGS and old not in own:
            yield f'{OLD_FLAGS[old]}{equals}{value}', old
        else:
            yield word, ''


def _flag(found: re.Match[str]) -> str:
    from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES, SYNONYMS
    from dlmachine.options.environment import ENV_PREFIX
    from dlmachine.options.lists import SETTING_NAMES

    verb, given_name, value = found.group(1) or '', found.group(2), found.group(3) or ''
    name = SYNONYMS.get(given_name, given_name)
    if name not in (*SETTING_NAMES, *DESCRIPTOR_NAMES, *_OF_COMMANDS):
        return found.group()
    named = flag_of(name)
    if not named:
        named = (
            f'{ENV_PREFIX}{name.upper()}' if name in SETTING_NAMES and name != 'validate' else ''
        )
        return f'{verb}{named} {value}'.rstrip() if named else found.group()
    if name in ON and value == 'True':
        return f'leave out {named}'
    is_switch = value == ('False' if name in ON else 'True')
    return f'{verb}{named}' if is_switch else f'{verb}{named} {value}'.rstrip()
