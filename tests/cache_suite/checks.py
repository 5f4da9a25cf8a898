"""The checks of the suite, as its own client makes them (`client/test.mjs` in the package)."""

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any, Final

from tests.cache_suite.clients import Answer

Config = Mapping[str, Any]

_DATES: Final = frozenset(
    {'date', 'expires', 'last-modified', 'if-modified-since', 'if-unmodified-since'}
)
_LOCATIONS: Final = frozenset({'location', 'content-location'})
_NO_BODY: Final = frozenset({204, 304})
#: The suite's server answers with this status if it expected a condition.
_NOT_CONDITIONAL: Final = 999


class CheckFailed(Exception):  # noqa: N818 -- a verdict
    """A test failed; in its setup if `is_setup`, so that it says nothing about the cache."""

    def __init__(self, problem: str, *, is_setup: bool) -> None:
        """Keep both."""
        super().__init__(problem)
        self.is_setup = is_setup


def _require(config: Config, part: str, holds: object, problem: str) -> None:
    if not holds:
        is_setup = not part or config.get('setup') is True or part in config.get('setup_tests', ())
        raise CheckFailed(problem, is_setup=is_setup)


def fixed(field: Sequence[Any], answer: Answer, config: Config) -> str:
    """The value of a field in a test, with its dates and locations made absolute."""
    name, value, now = field[0].lower(), field[1], answer.get('Server-Now')
    if name in _DATES and isinstance(value, int | float) and now is not None:
        return formatdate(int(int(now) / 1000 + value), usegmt=True)
    if name in _LOCATIONS and config.get('magic_locations'):
        base = answer.get('Server-Base-Url') or ''
        return f'{base}/{value}' if value else base
    return str(value)


def check_answer(config: Config, number: int, answer: Answer, token: str) -> None:
    """Check one response.  Raises: CheckFailed."""
    count = _number(answer.get('Server-Request-Count'))
    match config.get('expected_type'):
        case 'cached':
            is_bare = answer.status == 304 and count is None
            holds = is_bare or (count is not None and count < number)
            _require(config, 'expected_type', holds, f'response {number} is not from the cache')
        case 'not_cached':
            holds = count == number
            _require(config, 'expected_type', holds, f'response {number} is from the cache')
    _check_status(config, answer)
    for field in config.get('expected_response_headers', ()):
        _check_field(config, field, answer)
    for field in config.get('expected_response_headers_missing', ()):
        if isinstance(field, str):
            part = 'expected_response_headers_missing'
            _require(config, part, answer.get(field) is None, f'{field} is there')
    _check_body(config, answer, token)


def _check_status(config: Config, answer: Answer) -> None:
    status, part = answer.status, ''
    expected = 200
    if 'expected_status' in config:
        expected, part = config['expected_status'], 'expected_status'
    elif 'response_status' in config:
        expected = config['response_status'][0]
    elif status == _NOT_CONDITIONAL:
        part = 'expected_type'
    _require(config, part, status == expected, f'the status is {status}, not {expected}')


def _check_field(config: Config, field: Any, answer: Answer) -> None:
    part, name = 'expected_response_headers', field if isinstance(field, str) else field[0]
    value = answer.get(name)
    if isinstance(field, str) or len(field) > 2:
        _require(config, part, value is not None, f'{name} is absent')
    if isinstance(field, str):
        return
    if len(field) > 2:
        is_equal = field[1] == '='
        holds = value == answer.get(field[2]) if is_equal else (_number(value) or 0) > field[2]
        _require(config, part, holds, f'{name} is {value}')
    else:
        _require(config, part, value == fixed(field, answer, config), f'{name} is {value}')


def _check_body(config: Config, answer: Answer, token: str) -> None:
    if config.get('check_body') is False:
        return
    body = answer.body
    if 'expected_response_text' in config:
        expected = config['expected_response_text']
        holds = expected is None or body == expected
        _require(config, 'expected_response_text', holds, f'the body is {body!r}')
    elif config.get('response_body') is not None:
        _require(config, '', body == config['response_body'], f'the body is {body!r}')
    elif answer.status not in _NO_BODY and config.get('request_method') != 'HEAD':
        _require(config, '', body == token, f'the body is {body!r}')


def check_server(
    configs: Sequence[Config], answers: Sequence[Answer], state: Sequence[Config]
) -> None:
    """Check what the server saw.  Raises: CheckFailed."""
    seen = iter(state)
    for number, (config, answer) in enumerate(zip(configs, answers, strict=True), start=1):
        if config.get('expected_type') == 'cached':
            continue
        asked = next(seen, None)
        _check_request(config, number, asked)
        for name, value in () if asked is None else asked.get('response_headers', ()):
            if name.lower() != 'date':
                expected = ', '.join(map(str, value)) if isinstance(value, list) else str(value)
                found = answer.get(name)
                _require(config, '', found == expected, f'{name} is {found!r}, not {expected!r}')


def _check_request(config: Config, number: int, asked: Config | None) -> None:
    kind, fields = config.get('expected_type'), {} if asked is None else asked['request_headers']
    if kind == 'not_cached':
        holds = asked is not None and asked['request_num'] == number
        _require(config, 'expected_type', holds, f'response {number} is from the cache')
    wanted = {'etag_validated': 'if-none-match', 'lm_validated': 'if-modified-since'}.get(str(kind))
    if wanted is not None:
        _require(config, 'expected_type', wanted in fields, f'request {number} has no {wanted}')
    for field in config.get('expected_request_headers', ()):
        name = (field if isinstance(field, str) else field[0]).lower()
        holds = name in fields and (isinstance(field, str) or fields[name] == field[1])
        part = 'expected_request_headers'
        _require(config, part, holds, f'request {number}: {name} is {fields.get(name)}')
    if 'expected_method' in config:
        method = None if asked is None else asked['request_method']
        holds = method == config['expected_method']
        _require(config, 'expected_method', holds, f'request {number} is {method}')


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
