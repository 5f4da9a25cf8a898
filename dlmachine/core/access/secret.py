"""Where a secret comes from: a caller's text, or a reference that is read when it is sent.

Pure. A reference names an environment variable, a file or a function; it can be shown, recorded
and stored, because it says nothing of the secret.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Final, TypeAlias

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.secrets.redact import MASK
from dlmachine.core.text.control_chars import find_control_char

#: References in a text, as `env:TOKEN` and `file:~/.token`.
ENVIRONMENT: Final = 'env:'
FILE: Final = 'file:'


@frozen
class Secret:
    """A secret that is sent: the text itself, or what it is read from.

    Exactly one of `text`, `variable`, `path` and `call` is set. `call` returns the secret, or the
    secret and until when it is valid.
    """

    text: str = field(default='', repr=False)
    variable: str = ''
    path: str = ''
    call: Callable[[], object] | None = None

    @property
    def is_reference(self) -> bool:
        """Whether it is read when it is sent, so that another reading may give another one."""
        return bool(self.variable or self.path) or self.call is not None

    def redacted(self) -> 'Secret':
        """A copy to be stored, without a text and without a function."""
        return self if self.variable or self.path else Secret(text=MASK)

    def __str__(self) -> str:
        """The reference, or a mask for a text."""
        if self.variable:
            return f'{ENVIRONMENT}{self.variable}'
        if self.path:
            return f'{FILE}{self.path}'
        if self.call is not None:
            module = getattr(self.call, '__module__', None)
            name = getattr(self.call, '__qualname__', type(self.call).__qualname__)
            return f'function {module}.{name}' if module else f'function {name}'
        return MASK


#: What a caller may pass as a secret.
SecretLike: TypeAlias = Secret | str | Callable[[], object] | None


def parse_optional_secret(where: str, given: object) -> Result[Secret | None, Fault]:
    """Parse a caller's secret, which may be None, or be parsed already."""
    if given is None or isinstance(given, Secret):
        return Success(given)
    return parse_secret(where, given).map(lambda secret: secret)


def parse_secret(where: str, given: object) -> Result[Secret, Fault]:
    """Parse a caller's secret: a text, `env:NAME`, `file:PATH`, or a function without parameters.

    Faults: `InvalidInput`, which never contains a text.

    >>> str(parse_secret('bearer', 'env:TOKEN').unwrap()), str(parse_secret('bearer', 'x').unwrap())
    ('env:TOKEN', '***')
    >>> print(parse_secret('bearer', 'env:').failure())
    bearer names no environment variable after env:
    """
    if callable(given):
        return Success(Secret(call=given))
    if not isinstance(given, str):
        problem = f'must be a text or a function, not {type(given).__name__}'
        return refuse(where, problem)
    for prefix, what in ((ENVIRONMENT, 'environment variable'), (FILE, 'file')):
        if given.startswith(prefix):
            name = given.removeprefix(prefix)
            if not name or name != name.strip() or '\0' in name:
                shown = f', but {shown_value(name)}' if name else ''
                problem = f'names no {what} after {prefix}{shown}'
                return refuse(where, problem)
            return Success(Secret(variable=name) if prefix == ENVIRONMENT else Secret(path=name))
    if not given:
        return refuse(where, 'is empty')
    fault = find_control_char(where, given)
    return Success(Secret(text=given)) if fault is None else Failure(fault)
