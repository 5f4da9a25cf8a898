"""Read passwords and tokens where they are kept: variables, files and functions.

What a function returns with its expiry is kept until then, in
memory only; everything else is read each time. A function is called by one thread at a time.
"""

import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import SecretUnavailable
from dlmachine.core.protocol.effects import ReadSecret
from dlmachine.core.protocol.events import EffectFailed, SecretRead
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.text.control_chars import find_control_char

_MAX_BYTES: Final = 65_536
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SystemSecrets:
    """The secrets that this process can read."""

    def __init__(self, clock: Clock) -> None:
        """Remember no token."""
        self._clock = clock
        self._taking = threading.Lock()
        self._calls: dict[object, _Call] = {}

    def read(self, effect: ReadSecret) -> SecretRead | EffectFailed:
        """Read a secret.  Faults: `SecretUnavailable`."""
        secret, now = effect.secret, self._clock.now()
        found: str | SecretUnavailable
        if secret.call is not None:
            with self._taking:
                key = _key_of(secret.call)
                call = self._calls.setdefault(key, _Call(secret.call, str(secret)))
            found = call.token(now, effect.patience, is_again=effect.is_again)
        else:
            found = _read_file(secret) if secret.path else _read_variable(secret)
        found = _checked(secret, found) if isinstance(found, str) else found
        at = self._clock.now()
        if isinstance(found, SecretUnavailable):
            return EffectFailed(at=at, fault=found)
        return SecretRead(at=at, value=found)


class _Call:
    """A function that returns a token, and the last one with its expiry."""

    def __init__(self, call: Callable[[], object], name: str) -> None:
        self._call, self._name = call, name
        self._taking = threading.Lock()
        self._token = ''
        self._until = datetime.min.replace(tzinfo=UTC)

    def token(
        self, now: datetime, patience: timedelta, *, is_again: bool
    ) -> str | SecretUnavailable:
        if not self._taking.acquire(timeout=patience.total_seconds()):
            return self._fault(f'did not return within {patience.total_seconds():.3g} s')
        try:
            if self._token and now < self._until and not is_again:
                return self._token
            made: list[object] = []
            thread = threading.Thread(target=self._run, args=(made,), daemon=True)
            thread.start()
            thread.join(patience.total_seconds())
            if not made:
                return self._fault(f'did not return within {patience.total_seconds():.3g} s')
            return self._kept(made[0], now)
        finally:
            self._taking.release()

    def _run(self, made: list[object]) -> None:
        try:
            made.append(self._call())
        except BaseException as error:  # noqa: BLE001 -- a fault says so where it is waited for
            # Its text may contain the secret.
            made.append(self._fault(f'raised {type(error).__name__}'))

    def _kept(self, made: object, now: datetime) -> str | SecretUnavailable:
        match made:
            case SecretUnavailable() | str():
                return made
            case (str(token), datetime() as until) if until.tzinfo is not None:
                self._token, self._until = token, until
                return token
            case (str(token), timedelta() as lasts):
                self._token, self._until = token, now + lasts
                return token
            case _:
                problem = (
                    'must return a text, or a text with its expiry (a timedelta, or a datetime'
                )
                return self._fault(f'{problem} with a time zone)')

    def _fault(self, problem: str) -> SecretUnavailable:
        return SecretUnavailable(source=self._name, problem=problem)


def _key_of(call: Callable[[], object]) -> object:
    try:
        hash(call)
    except TypeError:  # For example a dataclass; it is kept, so its id stays its own.
        return id(call)
    return call


def _read_variable(secret: Secret) -> str | SecretUnavailable:
    value = os.environ.get(secret.variable)
    if value is None:
        return SecretUnavailable(source=str(secret), problem='the variable is not set')
    return value


def _read_file(secret: Secret) -> str | SecretUnavailable:
    path = os.path.expanduser(secret.path)  # noqa: PTH111 -- `Path` would fail without a home
    try:
        with open(path, 'rb') as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = str(getattr(error, 'strerror', None) or error)
        return SecretUnavailable(source=str(secret), problem=problem)
    if len(data) > _MAX_BYTES:
        return SecretUnavailable(source=str(secret), problem='the file is too large for a secret')
    if os.name == 'posix' and stat.S_IMODE(mode) & _OTHERS:
        _warn(f'{secret}: other users can read this file; chmod 600 makes it private')
    try:
        return data.decode()
    except UnicodeDecodeError:
        return SecretUnavailable(source=str(secret), problem='the file is not UTF-8')


def _checked(secret: Secret, text: str) -> str | SecretUnavailable:
    text = text.rstrip('\r\n')
    fault = find_control_char('it', text)
    if fault is not None:
        return SecretUnavailable(source=str(secret), problem=f'it {fault.problem}')
    return text or SecretUnavailable(source=str(secret), problem='it is empty')


def _warn(text: str) -> None:
    import logging

    logging.getLogger('dlmachine').warning('%s', text)
