"""Options of the command line, and remedies that name them.

Remedies are written as in Python (`max_bytes=`, `check_content=False`); this module replaces each
option by its flag, or by its environment variable if it has no flag.
"""

import re
from typing import Final

#: Keywords of the command line on the left, options of the manager on the right.
WORDS: Final = {
    'cache': 'path',
    'backend': 'backend',
    'retry': 'retries',
    'connect_timeout': 'connect_timeout',
    'max_time': 'timeout',
    'stall_timeout': 'stall_timeout',
    'max_bytes': 'max_bytes',
    'min_bytes': 'min_bytes',
    'segments': 'segments',
    'check_content': 'check_content',
    'create_dirs': 'create_dirs',
    'stale_if_error': 'stale_if_error',
    'offline': 'offline',
    'refresh': 'check_freshness',
    'force': 'force_download',
    'user_agent': 'user_agent',
    'max_per_host': 'max_per_host',
    'rate': 'rate',
    'limit_rate': 'limit_rate',
    'http2': 'http2',
    'cacert': 'cainfo',
    'secret_name': 'secret_names',
}

#: Options that a flag switches off.
SWITCHED_OFF: Final = frozenset({'check_content', 'create_dirs'})

#: Flags whose name differs from the keyword.
_FLAGS: Final = {
    'path': '--cache',
    'headers': '--header',
    'mirrors': '--mirror',
    'method': '--request',
    'dest': '--output',
    'checksum': '--checksum',
    'checksum_file': '--checksum-file',
    'workers': '--jobs',
}
#: Values with a flag of their own.
_VALUES: Final = {
    ('check_content', 'False'): '--no-check-content',
    ('create_dirs', 'False'): '--no-create-dirs',
    ('create_dirs', 'True'): 'leave out --no-create-dirs',
    ('verify', 'False'): '--insecure',
    ('allow_outside', 'True'): '--allow-outside',
}
_NAMED: Final = {
    **{option: f'--{word.replace("_", "-")}' for word, option in WORDS.items()},
    **_FLAGS,
}
#: An option as Python writes it, at the beginning of a word: not in the query of a URL.
_OPTION: Final = re.compile(
    r"""(?<![^\s(])(pass )?([a-z][a-z0-9_]*)=(True|False|'[^']*'|[0-9]+)?(?=[\s.,:;)]|$)"""
)


def in_flags(text: str) -> str:
    """Replace the options in a message by flags of the command line.

    >>> in_flags('Raise max_bytes= if the file may be that large')
    'Raise --max-bytes if the file may be that large'
    >>> in_flags('if the content is right, pass check_content=False')
    'if the content is right, pass --no-check-content'
    >>> in_flags('http://h/?timeout=5: not found. Raise lock_timeout=')
    'http://h/?timeout=5: not found. Raise DLMACHINE_LOCK_TIMEOUT'
    """
    return _OPTION.sub(_flag, text)


def _flag(found: re.Match[str]) -> str:
    verb, name, value = found.group(1) or '', found.group(2), found.group(3) or ''
    flag = _VALUES.get((name, value))
    if flag is not None:
        return flag if ' ' in flag else f'{verb}{flag}'
    named = _NAMED.get(name) or _variable(name)
    return f'{verb}{named} {value}'.rstrip() if named else found.group()


def _variable(name: str) -> str:
    from dlmachine.config import ENV_PREFIX, NAMES

    return f'{ENV_PREFIX}{name.upper()}' if name in NAMES else ''
