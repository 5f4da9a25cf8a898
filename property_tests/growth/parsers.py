"""Find the parsers to attack: every public function and method with foreign text as argument.

A new one is found automatically. It is attacked if its arguments can be made (`values.make`), or
by a call in `CALLS`; otherwise it must be in `EXEMPT`, with a reason.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, Final, TypeVar, get_args, get_type_hints
from unittest.mock import patch

import dlmachine.core
import dlmachine_adapters
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import State
from dlmachine.core.spec.descriptor import Descriptor
from property_tests.growth import values
from property_tests.growth.calls import CALLS, EXEMPT, LIMITS, OURS, SIZED
from property_tests.growth.measuring import Call

T = TypeVar('T')
#: The maximum characters of a line, of a header field and of a URL.
MOST: Final = 65_536
_BYTES: Final = frozenset({bytes, bytearray, memoryview, ResponseHead, Headers})
_HEADS: Final = frozenset({ResponseHead, Headers})
#: States of the machine, and their parts.
_STATES: Final = frozenset({Job, Attempts, *get_args(State)})


#: They call two parsers for each of about a thousand pairs in the text.
OF_MANY: Final = frozenset({
    'dlmachine.core.secrets.redact.Redactor.fields',
    'dlmachine.core.secrets.redact.Redactor.pairs',
    'dlmachine.core.secrets.redact.redact_pairs',
})  # fmt: skip


@dataclass(frozen=True)
class Parser:
    """A parser to attack: `triage` are calls that show which attacks are worst.

    `calls` are then measured with these attacks, at up to `most` characters; without a triage,
    only the size of the text counts. `is_whole` says that the function calls many other parsers,
    as every function with a descriptor does.
    """

    name: str
    triage: tuple[Call, ...]
    calls: tuple[Call, ...]
    most: int
    is_whole: bool = False


@dataclass(frozen=True)
class Found:
    """A function or method: its name, and `kind` if it needs an instance."""

    name: str
    function: Callable[..., object]
    hints: dict[str, Any]
    kind: type | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The parameters that contain foreign text."""
        return tuple(
            name for name, hint in self.hints.items() if values.is_text(hint) and name not in OURS
        )


def find_all() -> Iterator[Found]:
    """All functions that may have to be attacked: in the core with any text, in adapters with bytes.

    Functions of a machine state are attacked by complete runs (`test_growth`). The fakes are not
    attacked, because downloads do not use them.
    """
    for package, wanted in ((dlmachine.core, None), (dlmachine_adapters, _BYTES)):
        for module in _modules(package):
            for found in _in_module(module):
                is_wanted = found.texts and (wanted is None or _brings(found, wanted))
                is_left_out = _brings(found, _STATES) or '.fakes.' in found.name
                if is_wanted and not is_left_out:
                    yield found


def is_exempt(name: str) -> bool:
    """Whether there is a reason not to attack it."""
    return _of(name, EXEMPT) is not None


def parser_of(found: Found) -> Parser:
    """How to attack it.  Raises: values.NoValueError."""
    name, most = found.name, _of(found.name, LIMITS) or MOST
    for own, is_sized in ((_of(name, CALLS), False), (_of(name, SIZED), True)):
        if own is not None:
            call = partial(partial, own)
            return Parser(name, () if is_sized else (call,), (call,), most)
    for hint in found.hints.values():
        values.make(hint, 'a')
    if _brings(found, _HEADS):
        return _of_head(found, most)
    whole = partial(_call, found, frozenset(found.texts), None)
    each = tuple(partial(_call, found, frozenset({text}), None) for text in found.texts)
    calls = (whole, *each) if len(each) > 1 else (whole,)
    return Parser(name, calls, calls, most, _is_whole(found))


def _is_whole(found: Found) -> bool:
    return _brings(found, frozenset({Descriptor})) or found.name in OF_MANY


def _of(name: str, known: Mapping[str, T]) -> T | None:
    return next((value for pattern, value in known.items() if fnmatchcase(name, pattern)), None)


def _of_head(found: Found, most: int) -> Parser:
    # A call with all fields shows the worst attacks; then each field is measured separately.
    texts = frozenset(name for name, hint in found.hints.items() if values.mentions(hint, _HEADS))
    names = _names_asked(found)
    triage: list[Call] = []
    calls: list[Call] = []
    for status in values.STATUSES if ResponseHead in found.hints.values() else (200,):
        fields = partial(values.as_fields, names=names)
        triage.append(partial(_call, found, texts, partial(_head, status, fields)))
        once = (partial(values.as_fields, names=(name,)) for name in names)
        often = (partial(values.as_repeated_fields, name=name) for name in names)
        calls.extend(
            partial(_call, found, texts, partial(_head, status, fields))
            for fields in (*once, *often)
        )
    return Parser(found.name, tuple(triage), tuple(calls), most, _is_whole(found))


def _head(status: int, fields: Callable[[str], Headers], text: str) -> ResponseHead:
    return ResponseHead(status=status, reason='', headers=fields(text))


def _names_asked(found: Found) -> tuple[str, ...]:
    asked: set[str] = set()
    get_all = Headers.get_all

    def watched(headers: Headers, name: str) -> tuple[str, ...]:
        asked.add(name)
        return get_all(headers, name)

    fields = partial(values.as_fields, names=values.field_names())
    with patch.object(Headers, 'get_all', watched):
        for status in values.STATUSES:
            for text in ('a', '', '3', 'bytes 4-7/8', '"a"'):
                try:
                    _call(found, frozenset(found.texts), partial(_head, status, fields), text)()
                except Exception:  # noqa: BLE001 -- only what it asked for is of interest
                    continue
    return tuple(sorted(asked)) or ('Location', 'Link')


def _call(
    found: Found, attacked: frozenset[str], head: Callable[[str], ResponseHead] | None, text: str
) -> Callable[[], object]:
    given: dict[str, Any] = {}
    for name, hint in found.hints.items():
        what = text if name in attacked else 'a'
        if head is not None and hint in {ResponseHead, Headers}:
            made = head(what)
            given[name] = made if hint is ResponseHead else made.headers
        else:
            given[name] = values.make(hint, what)
    instance = () if found.kind is None else (given.pop('self'),)
    return partial(_whole, partial(found.function, *instance, **given))


def _whole(function: Callable[[], object]) -> object:
    # Iterators are consumed.
    result = function()
    return list(result) if isinstance(result, Iterator) else result


def _brings(found: Found, kinds: frozenset[Any]) -> bool:
    return any(values.mentions(hint, kinds) for hint in found.hints.values())


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):
        yield importlib.import_module(info.name)


def _in_module(module: ModuleType) -> Iterator[Found]:
    for name, value in vars(module).items():
        if name.startswith('_') or getattr(value, '__module__', None) != module.__name__:
            continue
        if isinstance(value, type) and not getattr(value, '_is_protocol', False):
            yield from _in_class(module, value)
        elif isinstance(inspect.unwrap(value), FunctionType):
            yield Found(f'{module.__name__}.{name}', value, _hints(inspect.unwrap(value)))


def _in_class(module: ModuleType, kind: type) -> Iterator[Found]:
    for name, raw in vars(kind).items():
        if name.startswith('_') or name not in vars(kind):
            continue
        full = f'{module.__name__}.{kind.__name__}.{name}'
        if isinstance(raw, (classmethod, staticmethod)):
            yield Found(full, getattr(kind, name), _hints(raw.__func__))
        elif isinstance(raw, property) and raw.fget is not None:
            yield Found(full, raw.fget, {'self': kind, **_hints(raw.fget)}, kind)
        elif isinstance(raw, FunctionType):
            yield Found(full, raw, {'self': kind, **_hints(raw)}, kind)


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    try:
        hints = get_type_hints(function)
    except NameError:
        # Types imported only for type checkers: none of them contains text.
        return {}
    hints.pop('return', None)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            hints.pop(name, None)
    return hints
