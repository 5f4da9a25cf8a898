"""Resolve paths: `~`, bytes, and paths relative to the file that names them.

Only this module looks up the home and the current folder. Any name that the system allows is
accepted.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from os import PathLike, fsdecode
from pathlib import Path, PurePath
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.auth import Auth, parse_auth
from dlmachine.core.access.caller_cookies import parse_cookies
from dlmachine.core.access.secret import Secret, parse_secret
from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import SYSTEM_TRUST
from dlmachine.core.integrity.checksum import is_checksum_list
from dlmachine.core.network.proxy import read_proxy_auth
from dlmachine.core.regex import regex
from dlmachine.core.spec.destination import is_switch
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.option_table import SYNONYMS

#: A path from a caller; bytes are the system's form of a name.
PathInput: TypeAlias = str | bytes | PathLike[str] | PathLike[bytes]
#: A destination from a caller: a path, True or None (the cache, else memory), or False (memory).
DestInput: TypeAlias = PathInput | bool | None

#: Options whose value is or may be a path.
PATH_NAMES: Final = frozenset({
    'path', 'dest', 'checksum', 'checksum_file', 'cainfo', 'cert', 'key', 'cookies', 'extract',
})  # fmt: skip
#: Paths of files that are written or sent to a server: a manifest from another person may not name
#: files outside its folder. The other files are only read.
_CONFINED: Final = frozenset({'dest', 'cert', 'key', 'cookies', 'extract'})
#: Options that could lead requests and their credentials to a server of the author of a file.
_ROUTING: Final = frozenset({
    'proxy', 'proxy_auth', 'no_proxy', 'resolve', 'forbid_private', 'storage_options',
})  # fmt: skip
#: The option that opens the files of this computer.
_OPENING: Final = 'allow_file'
#: Texts that can only be paths, and the beginning of a URL without `//`.
_PATH: Final = regex(r'~|\.{0,2}[/\\](?![/\\])|\.{1,2}\Z')
_SCHEME: Final = regex(r'[A-Za-z][A-Za-z0-9+.\-]+:')
_ADVICE: Final = 'Allow it if you trust the file: allow_outside=True'


def expand(path: str) -> str:
    """Expand `~` and `~user` as shells do; keep a trailing separator."""
    if not path.startswith('~'):
        return path
    try:
        return os.path.expanduser(path)  # noqa: PTH111 -- `Path` would fail without a home
    except ValueError:
        return path  # It is refused later, with its problem.


def path_text(value: object) -> Any:
    """A path as text, with `~` expanded; another value is returned unchanged."""
    if isinstance(value, str):
        return expand(value)
    if not isinstance(value, (bytes, PathLike)):
        return value
    try:
        return expand(fsdecode(value))
    except TypeError:
        return value  # Its `__fspath__` returns neither text nor bytes.


def absolute(path: str, folder: str | None = None) -> str:
    """Make a path absolute in a folder, or in the current one; keep a trailing separator."""
    path = expand(path)
    if not is_successful(parse_local_path(path, 'path')):
        return path  # It is refused later, with its problem.
    try:
        made = os.path.abspath(os.path.join(folder or '', path))  # noqa: PTH118
    except OSError:  # The current folder has been removed.
        return path
    ends = path.endswith((os.sep, os.altsep or os.sep)) and not made.endswith(os.sep)
    return f'{made}{os.sep}' if ends else made


def file_url(path: str, folder: str | None = None) -> str:
    """The `file:` URL of a path, which may be relative to a folder or the current one."""
    from dlmachine.core.text.percent import PATH_SAFE

    safe = PATH_SAFE.replace('%', '')
    name = os.fsencode(absolute(path, folder)).replace(os.fsencode(os.sep), b'/')
    return f'file://{"" if name.startswith(b"/") else "/"}{quote(name, safe=safe)}'


def local_url(target: Any, *, is_allowed: bool, folder: str | None = None) -> Any:
    """The `file:` URL of what is a path, as text only if local files are allowed.

    A text that begins as a path does is one in any case; other targets are returned unchanged.
    """
    if isinstance(target, PurePath):
        return file_url(str(target), folder)
    if not isinstance(target, str) or not target or '://' in target:
        return target
    is_path = _PATH.match(target) is not None or (is_allowed and not _SCHEME.match(target))
    is_path = is_path and is_successful(parse_local_path(expand(target), 'url'))
    return file_url(target, folder) if is_path else target


def with_local_url(entry: Mapping[str, Any], around: Any) -> Mapping[str, Any]:
    """An entry of a manifest, with a URL if it names a path, which is relative to its folder."""
    given = entry.get('url')
    url = given if around is None else local_url(given, is_allowed=False, folder=around.folder)
    return entry if url is given else {**entry, 'url': url}


def expand_words(words: Mapping[str, Any]) -> dict[str, Any]:
    """Expand `~` and decode bytes in the paths of options; relative paths stay relative."""
    return {name: _expanded(name, value) for name, value in words.items()}


def settle_words(
    words: Mapping[str, Any], folder: str, *, allow_outside: bool, is_own: bool = False
) -> Result[dict[str, Any], Fault]:
    """Resolve the paths of options relative to the file that contains them.

    `is_own` says that the file is the user's configuration rather than a manifest, so its paths are
    not restricted. Faults: `InvalidInput` for a destination or a client certificate outside.
    """
    settled: dict[str, Any] = {}
    may_all = allow_outside or is_own
    for name, value in words.items():
        one = _settled(name, value, folder, may_all=may_all)
        if not is_successful(one):
            return Failure(one.failure())
        settled[name] = one.unwrap()
    return Success(settled)


def _settled(name: str, value: Any, folder: str, *, may_all: bool) -> Result[Any, Fault]:
    if name in _ROUTING and not may_all and value is not True:
        problem = "decides how servers are reached, and this file may be another person's"
        return refuse(name, problem, _ADVICE)
    if name == _OPENING and not may_all and value is not False:
        problem = "opens the files of this computer, and this file may be another person's"
        return refuse(name, problem, 'Allow it yourself: allow_file=True')
    match name:
        case 'proxy_auth':
            return Success(_settled_proxy_auth(value, folder))
        case 'auth':
            return _settled_auth(value, folder, may_send=may_all)
        case 'key_password':
            return _settled_key_password(value, folder, may_read=may_all)
        case 'extract' if isinstance(value, Mapping):
            into = _settled_path(name, value.get('into'), folder, may_all=may_all)
            return into.map(lambda path: {**value, 'into': path})
        case 'cookies' if isinstance(value, Mapping):
            return _settled_cookies(value, folder, may_send=may_all)
        case _:
            return _settled_path(name, value, folder, may_all=may_all)


def _settled_path(name: str, value: Any, folder: str, *, may_all: bool) -> Result[Any, Fault]:
    path = _expanded(name, value)
    if _is_path(name, path):
        path = _kept(path, absolute(fsdecode(path), folder))
        is_confined = SYNONYMS.get(name, name) in _CONFINED and not may_all
        # A value that is not a path is refused later, with its problem.
        is_one = is_successful(parse_local_path(str(path), name))
        if is_confined and is_one and not is_inside(str(path), folder):
            return Failure(outside(name, value))
    return Success(path)


def _settled_proxy_auth(value: Any, folder: str) -> Any:
    parsed = read_proxy_auth('proxy_auth', value).value_or(None)
    if not isinstance(parsed, Auth) or parsed.secret is None:
        return value  # If it cannot be used, it is refused later, with its problem.
    return replace(parsed, secret=_settled_secret(parsed.secret, folder))


def _settled_key_password(value: Any, folder: str, *, may_read: bool) -> Result[Any, Fault]:
    parsed = parse_secret('key_password', value)
    if value is None or not is_successful(parsed):
        return Success(value)  # If it cannot be used, it is refused later, with its problem.
    secret = parsed.unwrap()
    if secret.is_reference and not may_read:
        return _refuse_reading('key_password', secret)
    return Success(_settled_secret(secret, folder))


def _refuse_reading(name: str, read: object) -> Result[Any, Fault]:
    return refuse(name, f"reads {read}, and this file may be another person's", _ADVICE)


def _settled_auth(value: Any, folder: str, *, may_send: bool) -> Result[Any, Fault]:
    parsed = parse_auth(value)
    if not is_successful(parsed):
        return Success(value)  # It is refused later, with its problem.
    auth = parsed.unwrap()
    secret, path, recipe = auth.secret, auth.path, auth.recipe
    read = path or next(iter(auth.references), None)
    if not may_send and read:
        return _refuse_reading('auth', read)
    if recipe is not None:
        form = ((name, _settled_secret(one, folder)) for name, one in recipe.form)
        return Success(replace(auth, recipe=recipe.with_form(tuple(form))))
    if secret is not None:
        secret = _settled_secret(secret, folder)
    return Success(replace(auth, secret=secret, path=path and absolute(path, folder)))


def _settled_cookies(value: Any, folder: str, *, may_send: bool) -> Result[Any, Fault]:
    parsed = parse_cookies(value)
    if not is_successful(parsed):
        return Success(value)  # It is refused later, with its problem.
    own = parsed.unwrap().own
    read = next((secret for _, secret in own if secret.is_reference), None)
    if read is not None and not may_send:
        return _refuse_reading('cookies', read)
    settled = tuple((name, _settled_secret(one, folder)) for name, one in own)
    return Success(replace(parsed.unwrap(), own=settled))


def _settled_secret(secret: Secret, folder: str) -> Secret:
    return replace(secret, path=absolute(secret.path, folder)) if secret.path else secret


def absolute_words(words: Mapping[str, Any]) -> dict[str, Any]:
    """Make the paths of options absolute, so that they survive a change of the current folder."""
    return {name: _absolute(name, value) for name, value in expand_words(words).items()}


def _absolute(name: str, value: Any) -> Any:
    if name == 'extract' and isinstance(value, Mapping):
        return {**value, 'into': _absolute(name, value['into'])}
    return _kept(value, absolute(fsdecode(value))) if _is_path(name, value) else value


def _kept(value: object, path: str) -> str | Path:
    return Path(path) if isinstance(value, PathLike) else path


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is inside a folder, by their names and through links."""
    top = absolute(folder or os.curdir)
    pairs = ((path, top), (os.path.realpath(path), os.path.realpath(top)))
    return all(_is_below(inner, outer) for inner, outer in pairs)


def is_folder_inside(inner: str, outer: str) -> bool:
    """The same for a folder: what was found is remembered while both are the same folders."""
    try:
        seen = [os.stat(one or os.curdir) for one in (inner, outer)]
    except OSError:
        return is_inside(absolute(inner), outer)
    return _is_inside_again(
        inner, outer, *((one.st_dev, one.st_ino, one.st_ctime_ns) for one in seen)
    )


@lru_cache(maxsize=1024)
def _is_inside_again(inner: str, outer: str, *_: tuple[int, ...]) -> bool:
    return is_inside(absolute(inner), outer)


def _is_below(inner: str, outer: str) -> bool:
    # On Windows names are compared without case, and with either separator.
    above, below = (os.path.normcase(path).rstrip(os.sep) for path in (outer, inner))
    return f'{below}{os.sep}'.startswith(f'{above}{os.sep}')


def outside(where: str, value: object) -> InvalidInput:
    """The fault for a path outside of its file's folder."""
    problem = f'{shown_value(value)} leads outside the folder of the file that names it'
    return InvalidInput(where=where, problem=problem, advice=_ADVICE)


def _expanded(name: str, value: Any) -> Any:
    if name == 'extract' and isinstance(value, Mapping):
        return {**value, 'into': path_text(value.get('into'))}
    if SYNONYMS.get(name, name) not in PATH_NAMES or not isinstance(value, (str, bytes, PathLike)):
        return value
    path = path_text(value)
    # A string may be the digest itself; a Path cannot.
    return Path(path) if name == 'checksum' and isinstance(value, PathLike) else path


def _is_path(name: str, value: Any) -> bool:
    if SYNONYMS.get(name, name) not in PATH_NAMES or not isinstance(value, (str, PathLike)):
        return False
    if (name == 'cainfo' and value == SYSTEM_TRUST) or (name == 'extract' and is_switch(value)):
        return False
    if name.startswith('checksum'):
        return (name == 'checksum_file' or is_checksum_list(value)) and '://' not in str(value)
    return bool(value)
