"""The public Descriptor, whose constructor raises errors and accepts files.

The core's Descriptor is pure. This subclass adds a constructor that raises exceptions, and reading
from a file. Instances of both compare equal.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from os import fsdecode
from pathlib import Path, PurePath
from typing import Any, Final, Self

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.auth import AuthLike
from dlmachine.core.access.caller_cookies import CookiesLike
from dlmachine.core.access.secret import SecretLike
from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import Body, ContentPart, FilePart
from dlmachine.core.http.headers import HeadersLike
from dlmachine.core.http.request import Tls
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.sources.resolved import Resolved
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES
from dlmachine.core.spec.options import own_name, unknown_name
from dlmachine.core.text.control_chars import find_unwritable
from dlmachine.errors import error_for, unwrap
from dlmachine.options.lists import DESCRIPTOR_OPTIONS, list_options
from dlmachine.paths import PathInput, absolute, expand, is_inside, outside, path_text, settle_words


@list_options(DESCRIPTOR_OPTIONS)
class Descriptor(core.Descriptor):
    """What to download: URL, query, headers, body, TLS and mirrors; immutable.

    `query` is a query string; with `post=True` a form; with `json=True` a JSON body. `post` and
    `json` may also be the form (a mapping, pairs or text) and the JSON value themselves. `data` is
    a body of text or bytes. `multipart` maps names to texts, bytes and files: a `Path` is a file,
    and so is a text that names an existing file; bytes are never a file name. `headers` is a
    mapping, pairs, or lines 'Name: value'. `mirrors` (or `fallback_urls`) are other URLs of the
    same file. `secret_names` are names of query parameters, header fields and body fields whose
    values are masked wherever they are shown or stored. `key_without` are names of header fields
    that do not count in the cache key, and `key_ignores_query` names of query parameters; `*` in a
    name stands for any text. `auth` is how the client identifies itself to the origin of `url`:
    `('user', 'password')`, `{'digest': ('user', 'password')}`, `{'bearer': 'env:TOKEN'}`, `'netrc'`
    or False; a text such as `env:TOKEN` or `file:~/.token`, or a function, is read when it is sent.
    `cookies` are cookies for that origin, or the jar for those of servers: a path, or True.
    `storage_options` are the options of a store such as `s3:`, as fsspec has them.

    Raises: RequestError that names the argument and the problem.

    >>> Descriptor('https://example.org/api', query={'ids': [1, 2]}, post=True).method
    'POST'
    """

    __slots__ = ()

    def __init__(  # noqa: PLR0913 -- the keywords of a request
        self,
        url: str,
        *,
        method: str | None = None,
        query: Mapping[str, Any] | Iterable[Any] | None = None,
        post: bool | Mapping[str, Any] | Iterable[Any] | None = False,
        json: Any = False,
        multipart: Mapping[str, Any] | Iterable[Any] | None = None,
        data: str | bytes | bytearray | memoryview | None = None,
        headers: HeadersLike = None,
        cainfo: PathInput | None = None,
        verify: bool = True,
        cert: PathInput | None = None,
        key: PathInput | None = None,
        mirrors: Iterable[str] | None = None,
        fallback_urls: Iterable[str] | None = None,
        body: Body | None = None,
        tls: Tls | None = None,
        secret_names: Iterable[str] | None = None,
        key_without: Iterable[str] | None = None,
        key_ignores_query: Iterable[str] | None = None,
        key_by_vary: bool = False,
        auth: AuthLike = None,
        cookies: CookiesLike = None,
        key_password: SecretLike = None,
        storage_options: Mapping[str, Any] | str | None = None,
        resolved: Resolved | None = None,
    ) -> None:
        """Check the arguments; `key_by_vary` and `resolved` are for `dataclasses.replace`."""
        parsed = core.Descriptor.parse(
            url,
            method=method,
            query=query,
            post=post,
            json=json,
            multipart=_with_files(multipart),
            data=data,
            headers=headers,
            cainfo=_at_home(cainfo),
            verify=verify,
            cert=_at_home(cert),
            key=_at_home(key),
            mirrors=fallback_urls if mirrors is None else mirrors,
            body=body,
            tls=tls,
            secret_names=secret_names,
            key_without=key_without,
            key_ignores_query=key_ignores_query,
            auth=auth,
            cookies=_absolute(cookies),
            key_password=key_password,
            storage_options=storage_options,
        )
        made = unwrap(parsed)
        for name in _FIELDS:
            object.__setattr__(self, name, getattr(made, name))
        object.__setattr__(self, 'key_by_vary', key_by_vary)
        object.__setattr__(self, 'resolved', resolved)

    @classmethod
    def from_file(cls, path: PathInput, *, allow_outside: bool = False) -> Self:
        """Read a descriptor from a TOML, YAML or JSON file, by its extension.

        The keys are the keywords of the constructor, `url` among them. Paths are relative to
        the folder of the file. In `multipart` a string is text, and `{ file = "path" }`
        is a file. Files that are sent (in `multipart`, `cert` and `key`) must be in that folder,
        unless `allow_outside` is set.

        Raises: RequestError for a file that cannot be read, an unknown key or a bad value.
        """
        from dlmachine.documents.reader import read_mapping

        name = expand(fsdecode(path))
        folder = os.path.dirname(absolute(name))  # noqa: PTH120
        words = unwrap(
            read_mapping(name)
            .bind(lambda found: settle_words(found, folder, allow_outside=allow_outside))
            .bind(lambda found: settle_files(found, folder, allow_outside=allow_outside))
        )
        return cls.from_mapping(words, source=name)

    @classmethod
    def from_mapping(cls, given: Mapping[str, object], source: str = '') -> Self:
        """Make a descriptor from a mapping of the constructor's keywords.

        As in a file, `{'file': path}` in `multipart` is a file, and a string is text.
        """
        settled = settle_files(given, os.curdir, allow_outside=True)
        given = unwrap(settled)
        for name in given:
            if name not in {'url', 'fallback_urls', *DESCRIPTOR_NAMES}:
                raise error_for(unknown_name(name, ('url', *DESCRIPTOR_NAMES), source))
        if 'url' not in given:
            fault: Fault = InvalidInput(where=source or 'descriptor', problem='has no url')
            raise error_for(fault)
        # The constructor checks every value.
        words: dict[str, Any] = {own_name(name): value for name, value in given.items()}
        return cls(**{name: _switched(name, value) for name, value in words.items()})


def with_defaults(
    descriptor: core.Descriptor, headers: Any = None, secret_names: Any = None
) -> core.Descriptor:
    """Add these header fields, unless the descriptor has its own, and these secret names."""
    merged = descriptor.headers
    if headers:
        defaults = Descriptor('http://defaults.invalid', headers=headers).headers
        merged = merged.with_defaults(*defaults)
    declared = unwrap(parse_secret_names(secret_names))
    names = tuple(sorted({*descriptor.secret_names, *declared}))
    if merged == descriptor.headers and names == descriptor.secret_names:
        return descriptor
    return replace(descriptor, headers=merged, secret_names=names)


_FIELDS: Final = tuple(field.name for field in fields(core.Descriptor))


def _at_home(value: object) -> object:
    return path_text(value) if isinstance(value, (str, bytes, PurePath)) else value


def _absolute(value: Any) -> Any:
    # The jar of a download stays the same if the current folder changes.
    path = _at_home(value)
    return absolute(str(path)) if isinstance(path, (str, PurePath)) and str(path) else path


def _switched(name: str, value: object) -> Any:
    # YAML's yes and no arrive as strings; a form that consists of `yes` makes no sense.
    if name in {'post', 'json', 'verify'} and isinstance(value, str):
        return {'yes': True, 'on': True, 'no': False, 'off': False}.get(value.lower(), value)
    return value


def settle_files(
    words: Mapping[str, object], folder: str, *, allow_outside: bool
) -> Result[dict[str, object], Fault]:
    """Resolve the keywords in a file: make the parts of `multipart`, strings and files.

    Only the explicit form is a file, because somebody else may have written the manifest, and the
    file is sent to a server. Faults: `InvalidInput` for a missing file or one outside the folder.
    """
    settled, multipart = dict(words), words.get('multipart')
    if isinstance(multipart, Mapping):
        parts: dict[str, object] = {}
        for name, value in multipart.items():
            part = _part_of_a_file(str(name), value, folder, allow_outside=allow_outside)
            if not is_successful(part):
                return Failure(part.failure())
            parts[str(name)] = part.unwrap()
        settled['multipart'] = parts
    return Success(settled)


def _part_of_a_file(
    name: str, value: object, folder: str, *, allow_outside: bool
) -> Result[object, Fault]:
    where = f'multipart[{name!r}]'
    if isinstance(value, str):
        fault = find_unwritable(where, value)
        return (
            Success(ContentPart(name=name, content=value.encode()))
            if fault is None
            else Failure(fault)
        )
    if not isinstance(value, Mapping):
        return Success(value)
    other = next((key for key in value if key not in _FILE_KEYS), None)
    if other is not None or not isinstance(value.get('file'), (str, PurePath)):
        problem = f'has the unknown name {other!r}' if other is not None else 'names no file'
        advice = 'A file is written as { file = "path" }, perhaps with filename and content_type'
        return refuse(where, problem, advice)
    named = parse_local_path(expand(str(value['file'])), where)
    if not is_successful(named):
        return Failure(named.failure())
    path = absolute(str(value['file']), folder)
    if not allow_outside and not is_inside(path, folder):
        return Failure(outside(where, value['file']))
    try:
        part = _read_part(name, Path(path))
    except (OSError, ValueError) as error:
        problem = f'names {path}, which cannot be read: {getattr(error, "strerror", None) or error}'
        return refuse(where, problem)
    own: dict[str, Any] = {key: str(one) for key, one in value.items() if key != 'file'}
    return Success(replace(part, **own))


_FILE_KEYS: Final = frozenset({'file', 'filename', 'content_type'})


def _with_files(multipart: object) -> object:
    # A path, or a text that names an existing file, is a file; only this class looks.
    if not isinstance(multipart, Mapping):
        return multipart
    return {name: _file_part(str(name), value) for name, value in multipart.items()}


def _file_part(name: str, value: object) -> object:
    if not isinstance(value, (str, PurePath)) or (isinstance(value, str) and not value):
        return value
    path = Path(expand(str(value)))
    try:
        return _read_part(name, path) if path.is_file() else value
    except (OSError, ValueError):
        return value


def _read_part(name: str, path: Path) -> FilePart:
    import mimetypes
    from hashlib import file_digest

    with path.open('rb') as file:
        digest = file_digest(file, 'sha256').hexdigest()
        size = file.tell()
    return FilePart(
        name=name,
        path=str(path.absolute()),
        filename=path.name,
        content_type=mimetypes.guess_type(path.name)[0] or 'application/octet-stream',
        sha256=digest,
        size_bytes=size,
    )
