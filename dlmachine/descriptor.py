"""Descriptor as users make it: errors are raised, and files are looked at.

The core's Descriptor is pure. This one adds the two things that need the edge: a
constructor that raises, and reading from a file. They are equal to each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path, PurePath
from typing import Any, Final, Self

from dlmachine.core import descriptor as core
from dlmachine.core.body import Body, FilePart
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.headers import HeadersLike
from dlmachine.core.http.secret_names import parse_secret_names
from dlmachine.core.options import DESCRIPTOR_NAMES, SYNONYMS, unknown_name
from dlmachine.errors import error_for, unwrap


class Descriptor(core.Descriptor):
    """What to download: address, query, headers, body, TLS and mirrors; immutable.

    `query` is a query string; with `post=True` a form; with `json=True` a JSON body. `post`
    and `json` may also be the form (a mapping, pairs or text) and the value themselves.
    `data` is text or bytes as they are. `multipart` maps names to texts, bytes and files: a
    `Path` is a file, and so is a text that names an existing file; bytes are never taken
    for a name. `headers` may be a mapping, pairs, or lines 'Name: value'. `mirrors` (or
    `fallback_urls`) serve the same. `secret_names` are names of query parameters, header
    fields and fields of a body whose values are masked wherever they are shown or kept.

    Raises: RequestError that names the argument and the problem.

    >>> Descriptor('https://example.org/api', query={'ids': [1, 2]}, post=True).method
    'POST'
    """

    __slots__ = ()

    def __init__(  # noqa: PLR0913 -- the words of a request, each a keyword
        self,
        url: str,
        *,
        method: str | None = None,
        query: object = None,
        post: object = False,
        json: object = False,
        multipart: object = None,
        data: object = None,
        headers: HeadersLike = None,
        cainfo: object = None,
        verify: bool = True,
        cert: object = None,
        key: object = None,
        mirrors: Iterable[object] | str | None = None,
        fallback_urls: Iterable[object] | str | None = None,
        body: Body | None = None,
        tls: core.Tls | None = None,
        secret_names: object = None,
    ) -> None:
        """Check and normalise."""
        parsed = core.Descriptor.parse(
            url,
            method=method,
            query=query,
            post=post,
            json=json,
            multipart=_with_files(multipart),
            data=data,
            headers=headers,
            cainfo=cainfo,
            verify=verify,
            cert=cert,
            key=key,
            mirrors=fallback_urls if mirrors is None else mirrors,
            body=body,
            tls=tls,
            secret_names=secret_names,
        )
        made = unwrap(parsed)
        for name in _FIELDS:
            object.__setattr__(self, name, getattr(made, name))

    @classmethod
    def from_file(cls, path: str | PurePath) -> Self:
        """Read a descriptor from TOML, YAML or JSON, by the ending of its name.

        The keys are the keywords of the constructor, `url` among them.

        Raises: RequestError for a file that can not be read, an unknown key or a bad value.
        """
        from dlmachine.mappings import read_mapping

        return cls.from_mapping(unwrap(read_mapping(path)), source=str(path))

    @classmethod
    def from_mapping(cls, given: Mapping[str, object], source: str = '') -> Self:
        """Make a descriptor of a mapping of the constructor's keywords."""
        for name in given:
            if name not in {'url', 'fallback_urls', *DESCRIPTOR_NAMES}:
                raise error_for(unknown_name(name, ('url', *DESCRIPTOR_NAMES), source))
        if 'url' not in given:
            fault: Fault = InvalidInput(where=source or 'descriptor', problem='has no url')
            raise error_for(fault)
        # The constructor checks every value.
        words: dict[str, Any] = {SYNONYMS.get(name, name): value for name, value in given.items()}
        return cls(**words)


def with_defaults(
    descriptor: core.Descriptor, headers: Any = None, secret_names: Any = None
) -> core.Descriptor:
    """The descriptor with these header fields unless it has its own, and these names as well."""
    merged = descriptor.headers
    if headers:
        for name, value in Descriptor('http://defaults.invalid', headers=headers).headers:
            merged = merged.with_default(name, value)
    declared = unwrap(parse_secret_names(secret_names))
    names = tuple(sorted({*descriptor.secret_names, *declared}))
    if merged == descriptor.headers and names == descriptor.secret_names:
        return descriptor
    return replace(descriptor, headers=merged, secret_names=names)


_FIELDS: Final = tuple(field.name for field in fields(core.Descriptor))


def _with_files(multipart: object) -> object:
    # The rule of the edge: a path, or a text that names an existing file, is that file.
    if not isinstance(multipart, Mapping):
        return multipart
    return {name: _file_part(str(name), value) for name, value in multipart.items()}


def _file_part(name: str, value: object) -> object:
    import mimetypes
    from hashlib import file_digest

    if not isinstance(value, (str, PurePath)) or (isinstance(value, str) and not value):
        return value
    path = Path(value)
    try:
        if not path.is_file():
            return value
        with path.open('rb') as file:
            digest = file_digest(file, 'sha256').hexdigest()
            size = file.tell()
    except (OSError, ValueError):
        return value
    return FilePart(
        name=name,
        path=str(path.absolute()),
        filename=path.name,
        content_type=mimetypes.guess_type(path.name)[0] or 'application/octet-stream',
        sha256=digest,
        size_bytes=size,
    )
