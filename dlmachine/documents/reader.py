"""Read TOML, YAML and JSON files, by their extension, into plain values.

Also reads every other text file of users. A file that cannot be read is a fault that names the
file, and the line if known.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from os import fsdecode
from pathlib import Path
from typing import Any, Final

import tomli
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.text.text_file import MAX_TEXT_BYTES, decode_text
from dlmachine.paths import PathInput, expand

#: The limits for such a file: values, including those that aliases repeat, and levels.
MAX_VALUES: Final = 2_000_000
MAX_LEVELS: Final = 100
_NESTED: Final = frozenset({dict, list})


class _Broken(Exception):  # noqa: N818 -- never leaves this module
    """A text cannot be parsed; the message says why."""


def read_document(path: PathInput) -> Result[Any, Fault]:
    """Read a TOML, YAML or JSON file.

    Faults: `InvalidInput` that names the file, and the line of the error.
    """
    named = _file_name(path)
    if not is_successful(named):
        return named
    name = named.unwrap()
    parse = _PARSERS.get(Path(name).suffix.lower())
    if parse is None:
        problem = f'must end in one of {", ".join(_PARSERS)}'
        return Failure(InvalidInput(where=name, problem=problem))
    return read_text_file(name).bind(lambda text: _parse(name, text, parse))


def read_mapping(path: PathInput) -> Result[Mapping[str, Any], Fault]:
    """Read a mapping from a TOML, YAML or JSON file; an empty file is an empty mapping.

    Faults: as in `read_document`, and `InvalidInput` for any other value.
    """
    read = read_document(path)
    if not is_successful(read):
        return read
    value = {} if read.unwrap() is None else read.unwrap()
    where = fsdecode(path)
    if not isinstance(value, Mapping):
        problem = f'must contain a mapping of names to values, not a {type(value).__name__}'
        return Failure(InvalidInput(where=where, problem=problem))
    for name in value:
        if not isinstance(name, str):
            return Failure(
                InvalidInput(where=where, problem=f'has the name {name!r}, which is not text')
            )
    return Success(value)


def is_structured(path: PathInput) -> bool:
    """Whether the extension of a name is that of TOML, YAML or JSON."""
    return Path(fsdecode(path)).suffix.lower() in _PARSERS


def read_text_file(path: PathInput) -> Result[str, Fault]:
    """Read a text file in UTF-8, UTF-16 or UTF-32.

    Also reads pipes. Faults: `InvalidInput` that names the file.
    """
    named = _file_name(path)
    if not is_successful(named):
        return named
    name = named.unwrap()
    try:
        # Without buffering, `open` refuses a folder, and a pipe returns the bytes that it has.
        with Path(expand(name)).open('rb') as file:
            return read_text(file.read(MAX_TEXT_BYTES + 1), name)
    except OSError as error:
        problem = f'cannot be read: {error.strerror or error}'
    except ValueError as error:
        problem = f'is not the name of a file: {error}'
    return Failure(InvalidInput(where=name, problem=problem))


def read_text(data: bytes, name: str) -> Result[str, Fault]:
    """Decode the bytes of a text file.  Faults: `InvalidInput` that names the file."""
    if len(data) > MAX_TEXT_BYTES:
        problem = f'is larger than {MAX_TEXT_BYTES:,} bytes'
        return Failure(InvalidInput(where=name, problem=problem))
    advice = 'Save it as UTF-8'
    return decode_text(data).alt(
        lambda problem: InvalidInput(where=name, problem=problem, advice=advice)
    )


def read_json(text: str, name: str) -> Result[Any, Fault]:
    """Parse a JSON text; `name` is its name in a fault.  Faults: `InvalidInput`."""
    return _parse(name, text, _parse_json)


def read_toml(text: str, name: str) -> Result[Any, Fault]:
    """Parse a TOML text; `name` is its name in a fault.  Faults: `InvalidInput`."""
    return _parse(name, text, _parse_toml)


def _file_name(path: PathInput) -> Result[str, Fault]:
    name = fsdecode(path)
    advice = 'Download it first, and name the file'
    return parse_local_path(expand(name), 'file', advice).map(lambda _: name)


def _parse(name: str, text: str, parse: Callable[[str], Any]) -> Result[Any, Fault]:
    try:
        value = parse(text)
        _refuse_bulk(value)
        return Success(value)
    except _Broken as error:
        problem = str(error)
    except RecursionError:
        problem = 'is nested too deeply'
    return Failure(InvalidInput(where=name, problem=problem))


def _refuse_bulk(value: Any) -> None:
    # YAML aliases share their values: nine levels of nine aliases are 387 million values to visit,
    # and an alias inside its own anchor never ends.
    counts: dict[int, int] = {}

    def _count(one: Any, level: int) -> int:
        if level > MAX_LEVELS:
            msg = f'is nested too deeply (more than {MAX_LEVELS} levels)'
            raise _Broken(msg)
        known = id(one)
        if known not in counts:
            inner = one.values() if type(one) is dict else one
            nested = [each for each in inner if type(each) in _NESTED]
            count = 1 + len(one)
            for each in nested:
                count += _count(each, level + 1) - 1
            counts[known] = count
        return counts[known]

    if type(value) in _NESTED and _count(value, 1) > MAX_VALUES:
        msg = f'has more than {MAX_VALUES:,} values, counting those that aliases repeat'
        raise _Broken(msg)


def _parse_toml(text: str) -> Any:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        msg = f'is not TOML: {error}'
        raise _Broken(msg) from error
    except ValueError as error:
        msg = f'is not TOML: {_why(error, text)}'
        raise _Broken(msg) from error


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique) if text.strip() else None
    except json.JSONDecodeError as error:
        msg = f'is not JSON: {error.msg} (at line {error.lineno}, column {error.colno})'
        raise _Broken(msg) from error
    except ValueError as error:
        msg = f'is not JSON: {_why(error, text)}'
        raise _Broken(msg) from error


def _parse_yaml(text: str) -> Any:
    import yaml

    from dlmachine.documents.yaml_loader import Loader

    try:
        return yaml.load(text, Loader)  # noqa: S506 -- a safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f' (at line {mark.line + 1}, column {mark.column + 1})' if mark else ''
        msg = f'is not YAML: {error.problem}{where}'
        raise _Broken(msg) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        msg = f'is not YAML: {_why(error, text)}'
        raise _Broken(msg) from error


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            msg = f'has {name!r} twice in one object'
            raise _Broken(msg)
        made[name] = value
    return made


def _why(error: Exception, text: str) -> str:
    # Python does not parse integers with more digits than this, and does not say where they are.
    digits = sys.get_int_max_str_digits()
    found = re.search(rf'[0-9_]{{{digits + 1},}}', text) if digits else None
    if found is None:
        return str(error).splitlines()[0]
    line = text.count('\n', 0, found.start()) + 1
    return f'a number of more than {digits:,} digits (at line {line})'


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    '.toml': _parse_toml,
    '.yaml': _parse_yaml,
    '.yml': _parse_yaml,
    '.json': _parse_json,
}
