"""Notes of partial files, as values and as bytes.

Pure. Anybody who can write to the folder could have made a note, so each field has an exact type
and bounds, and a note that violates them is rejected.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans, merged
from dlmachine.core.http.validators import is_strong, parse_http_date
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.regex import regex

#: A note has a few hundred bytes; this leaves room for more spans than any download has.
MAX_NOTE_BYTES: Final = 64 * 1024
_MAX_SPANS: Final = 1024
#: File sizes are signed 64-bit numbers.
_MAX_SIZE: Final = (1 << 63) - 1
_MAX_PID: Final = (1 << 32) - 1
#: Legal in a field value (RFC 9110 section 5.5) and printable on a terminal.
_VISIBLE: Final = regex(r'[\x20-\x7e\x80-\xff]{1,8192}')
_MARK: Final = regex(r'[\x21-\x7e]{0,64}')
_NAME: Final = regex(r'[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,255}')
_HEX: Final = regex(r'[0-9a-f]{1,256}')
_ALGORITHM: Final = regex('md5|sha(?:1|224|256|384|512)')

_Kind = TypeVar('_Kind')
_Stored: TypeAlias = Mapping[str, Any]


@frozen
class PartNote:
    """The part's strong validator, its source, the server's promises about the file, and the owner.

    `kept_bytes` is the number of synced bytes; `is_left` says that the owner has released the part.
    If the part is filled in segments, `whole_bytes` is the size of the complete file, `written`
    are the written spans, and `synced` the synced ones.
    """

    validator: str
    url_digest: str = ''
    representation: Representation = Representation()
    kept_bytes: int = 0
    is_left: bool = False
    host: str
    pid: int
    boot: str
    whole_bytes: int | None = None
    written: Spans = ()
    synced: Spans = ()

    @property
    def synced_ranges(self) -> Spans:
        """The bytes that are synced."""
        first = ((0, self.kept_bytes - 1),) if self.kept_bytes else ()
        return merged((*first, *self.synced))


#: The names of fields in notes, which every version of dlmachine reads alike.
_STORED_AS: Final = {'url_digest': 'address', 'representation': 'said'}


def write_part_note(note: PartNote) -> bytes:
    """Write a note as a small JSON document."""
    values = asdict(note)
    for name, stored in _STORED_AS.items():
        values[stored] = values.pop(name)
    values['said']['place'] = values['said'].pop('source')
    spans = {name: values.pop(name) for name in ('whole_bytes', 'written', 'synced')}
    if note.whole_bytes is not None:
        # Earlier versions, which do not know of holes, reject a note without a validator here.
        spans['validator'] = values.pop('validator')
        values['segmented'] = spans
    return json.dumps(values).encode()


def parse_part_note(data: bytes) -> PartNote | None:
    """Parse a note; None if it is not valid.

    >>> note = PartNote(validator='"a"', host='h', pid=1, boot='')
    >>> parse_part_note(write_part_note(note)) == note, parse_part_note(b'[' * 9999)
    (True, None)
    """
    if len(data) > MAX_NOTE_BYTES:
        return None
    try:
        stored = json.loads(data, parse_constant=_refuse, parse_float=_refuse)
        return _note_of(stored, stored.get('segmented'))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _note_of(stored: _Stored, segmented: _Stored | None) -> PartNote:
    has_holes = segmented is not None
    spans: _Stored = {} if segmented is None else _spans_of(segmented)
    return PartNote(
        validator=_validator((segmented if has_holes else stored)['validator']),  # type: ignore[index]
        url_digest=_text(stored['address'], _MARK),
        representation=_representation_of(stored['said']),
        kept_bytes=_number(stored['kept_bytes']),
        is_left=_of(bool, stored['is_left']),
        host=_text(stored['host'], _NAME),
        pid=_number(stored['pid'], _MAX_PID),
        boot=_text(stored['boot'], _NAME),
        **spans,
    )


def _representation_of(stored: _Stored) -> Representation:
    size, promised = stored['size_bytes'], stored['promised']
    return Representation(
        size_bytes=None if size is None else _number(size),
        source=_text(stored['place'], _MARK),
        promised=None if promised is None else _promise(*_of(list, promised)),
    )


def _promise(field: object, algorithm: object, digest: object) -> tuple[str, str, str]:
    return _text(field, _VISIBLE), _text(algorithm, _ALGORITHM), _text(digest, _HEX)


def _spans_of(stored: _Stored) -> _Stored:
    whole = _number(stored['whole_bytes'])
    check: Callable[[object], Spans] = lambda spans: _spans(_of(list, spans), whole)  # noqa: E731
    return {
        'whole_bytes': whole,
        'written': check(stored['written']),
        'synced': check(stored['synced']),
    }


def _spans(stored: list[Any], whole: int) -> Spans:
    if len(stored) > _MAX_SPANS:
        _refuse('too many spans')
    spans = tuple((_number(first), _number(last)) for first, last in stored)
    if merged(spans) != spans or any(not first <= last < whole for first, last in spans):
        _refuse('not ordered spans within the file')
    return spans


def _validator(value: object) -> str:
    text = _text(value, _VISIBLE)
    return text if is_strong(text) or parse_http_date(text) is not None else _refuse(text)


def _number(value: object, most: int = _MAX_SIZE) -> int:
    number = _of(int, value)
    return number if 0 <= number <= most else _refuse('out of bounds')


def _text(value: object, pattern: re.Pattern[str]) -> str:
    text = _of(str, value)
    return text if pattern.fullmatch(text) else _refuse('illegal characters')


def _of(kind: type[_Kind], value: object) -> _Kind:
    # Exactly: True is an int to isinstance.
    return value if type(value) is kind else _refuse('another type')


def _refuse(problem: str) -> NoReturn:
    raise ValueError(problem)
