"""Files of settings: TOML, YAML and JSON by the ending of their name, read into plain values.

A file that can not be read is a fault that names the file and the line.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput


class _Broken(Exception):  # noqa: N818 -- never leaves this module
    """What is wrong with a text, in words."""


def read_document(path: str | PathLike[str]) -> Result[Any, Fault]:
    """The value that a TOML, YAML or JSON file holds.

    Faults: `InvalidInput` that names the file, and the line where it is broken.
    """
    name = fspath(path)
    parse = _PARSERS.get(Path(name).suffix.lower())
    if parse is None:
        problem = f'ends in none of {", ".join(_PARSERS)}'
        return Failure(InvalidInput(where=name, problem=problem))
    return read_text_file(name).bind(lambda text: _parse(name, text, parse))


def read_mapping(path: str | PathLike[str]) -> Result[Mapping[str, Any], Fault]:
    """The mapping that a TOML, YAML or JSON file holds; an empty file is an empty one.

    Faults: as `read_document`, and `InvalidInput` for a file that holds something else.
    """
    read = read_document(path)
    if not is_successful(read):
        return read
    value = {} if read.unwrap() is None else read.unwrap()
    if not isinstance(value, Mapping):
        problem = f'holds no mapping of names to values, but a {type(value).__name__}'
        return Failure(InvalidInput(where=fspath(path), problem=problem))
    for name in value:
        if not isinstance(name, str):
            return Failure(InvalidInput(where=fspath(path), problem=f'{name!r} is no name'))
    return Success(value)


def is_structured(path: str | PathLike[str]) -> bool:
    """Whether the ending of the name says TOML, YAML or JSON."""
    return Path(path).suffix.lower() in _PARSERS


def read_text_file(path: str | PathLike[str]) -> Result[str, Fault]:
    """The text of a file in UTF-8, with or without a byte order mark."""
    name = fspath(path)
    try:
        return Success(Path(name).read_text(encoding='utf-8-sig'))
    except OSError as error:
        problem = f'can not be read: {error.strerror or error}'
    except UnicodeDecodeError as error:
        problem = f'is no text in UTF-8 (byte {error.start})'
    except ValueError as error:
        problem = f'is no name of a file: {error}'
    return Failure(InvalidInput(where=name, problem=problem))


def _parse(name: str, text: str, parse: Callable[[str], Any]) -> Result[Any, Fault]:
    try:
        return Success(parse(text))
    except _Broken as error:
        problem = str(error)
    except RecursionError:
        problem = 'is nested too deeply'
    return Failure(InvalidInput(where=name, problem=problem))


def _parse_toml(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f'is no TOML: {error}'
        raise _Broken(msg) from error


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except json.JSONDecodeError as error:
        msg = f'is no JSON: {error.msg} (at line {error.lineno}, column {error.colno})'
        raise _Broken(msg) from error
    except ValueError as error:
        msg = f'is no JSON: {error}'
        raise _Broken(msg) from error


def _parse_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f' (at line {mark.line + 1}, column {mark.column + 1})' if mark else ''
        msg = f'is no YAML: {error.problem}{where}'
        raise _Broken(msg) from error
    except (yaml.YAMLError, ValueError) as error:
        msg = f'is no YAML: {str(error).splitlines()[0]}'
        raise _Broken(msg) from error


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    '.toml': _parse_toml,
    '.yaml': _parse_yaml,
    '.yml': _parse_yaml,
    '.json': _parse_json,
}
