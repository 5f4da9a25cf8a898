"""Cookie jars: one in the memory of a manager, and files in the format of Netscape.

Contract: a file is written atomically, for its owner only, and under a lock, on the basis of what
it holds then, so that several managers keep each other's cookies.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.caller_cookies import find_bad_value, is_in_memory
from dlmachine.core.access.cookie_field import receive_cookies
from dlmachine.core.access.cookie_jar import as_kept, format_jar, parse_jar, without_suffixes
from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.access.secret import Secret
from dlmachine.core.access.set_cookie import JAR_LIMITS
from dlmachine.core.faults import Fault, JarUnusable, SecretUnavailable
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import ReadCookies, ReadSecret
from dlmachine.core.protocol.events import CookiesRead, EffectFailed, SecretRead
from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.files.atomic import replace_text
from dlmachine_adapters.files.file_lock import LockTimeout, take_lock
from dlmachine_adapters.files.own_folder import open_folder
from dlmachine_adapters.http.public_suffixes import find_public

_MAX_BYTES: Final = 16 << 20
_PRIVATE: Final = 0o600
#: A jar is locked for the moment of a write.
_LOCK_SECONDS: Final = 10.0
_ROOT: Final = 0
_EMPTY: Final = CookieStore(limits=JAR_LIMITS)

_Identity = tuple[int, int, int, int]


class CookieJars:
    """The jars that this process uses; threads may share it."""

    def __init__(
        self, clock: Clock, read_secret: Callable[[ReadSecret], SecretRead | EffectFailed]
    ) -> None:
        """Begin with an empty jar in memory."""
        self._clock = clock
        self._read_secret = read_secret
        self._taking = threading.Lock()
        self._memory: dict[str, CookieStore] = {}
        self._seen: dict[str, tuple[_Identity, CookieStore]] = {}

    def read(self, effect: ReadCookies) -> CookiesRead | EffectFailed:
        """Read a caller's cookies, and those of jars.

        Faults: `JarUnusable`, `SecretUnavailable`.
        """
        wanted, found = effect.cookies, NO_COOKIES
        for path in wanted.sources:
            read = self._read_file(path, is_source=True)
            if not is_successful(read):
                return self._failed(read.failure())
            found = _together(found, read.unwrap())
        if wanted.jar is not None:
            read = self._read(wanted.jar)
            if not is_successful(read):
                return self._failed(read.failure())
            found = _together(found, read.unwrap())
        own: list[tuple[str, str]] = []
        for name, secret in wanted.own:
            value = self._value_of(secret, effect.patience)
            if not isinstance(value, str):
                return value
            own.append((name, value))
        return CookiesRead(at=self._clock.now(), own=tuple(own), kept=found)

    def keep(self, jar: str, request: Request, head: ResponseHead) -> Fault | None:
        """Keep the cookies of a response; the fault if the jar cannot be written."""
        now = self._clock.now()
        if is_in_memory(jar):
            with self._taking:
                before = self._memory.get(jar, _EMPTY)
                self._memory[jar] = as_kept(receive_cookies(before, request, head, now))
            return None
        with self._taking:
            try:
                with _locked(jar):
                    read = self._read_file(jar)
                    if not is_successful(read):
                        return read.failure()
                    before = read.unwrap()
                    after = as_kept(receive_cookies(before, request, head, now))
                    if after != before:
                        _write(jar, format_jar(after))
            except LockTimeout:
                return JarUnusable(path=jar, problem='it is locked by another program')
            except OSError as error:
                return _fault_of(jar, error)
        return None

    def _value_of(self, secret: Secret, patience: timedelta) -> str | EffectFailed:
        if not secret.is_reference:
            return secret.text
        read = self._read_secret(ReadSecret(secret=secret, patience=patience))
        if isinstance(read, EffectFailed):
            return read
        value = read.value.strip()
        problem = find_bad_value(value)
        if problem is None:
            return value
        return self._failed(SecretUnavailable(source=str(secret), problem=f'it {problem}'))

    def _read(self, jar: str) -> Result[CookieStore, Fault]:
        if is_in_memory(jar):
            with self._taking:
                return Success(self._memory.get(jar, _EMPTY))
        with self._taking:
            return self._read_file(jar)

    def _read_file(self, path: str, *, is_source: bool = False) -> Result[CookieStore, Fault]:
        try:
            problem = _find_problem(os.stat(path), is_source=is_source)
            if problem is not None:
                return Failure(JarUnusable(path=path, problem=problem))
            with open(path, 'rb') as file:
                seen = os.fstat(file.fileno())
                identity = seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
                known = self._seen.get(path)
                if known is not None and known[0] == identity:
                    return Success(known[1])
                text = file.read(_MAX_BYTES + 1).decode('latin-1')
        except FileNotFoundError as error:
            if is_source or not Path(path).absolute().parent.is_dir():
                return Failure(_fault_of(path, error, is_source=is_source))
            return Success(_EMPTY)
        except (OSError, ValueError) as error:
            return Failure(_fault_of(path, error, is_source=is_source))
        read = parse_jar(text, path, self._clock.now())
        if is_successful(read):
            store = read.unwrap()
            wide = {cookie.domain for cookie in store.cookies if not cookie.is_host_only}
            store = without_suffixes(store, find_public(wide))
            self._seen[path] = identity, store
            return Success(store)
        return read

    def _failed(self, fault: Fault) -> EffectFailed:
        return EffectFailed(at=self._clock.now(), fault=fault)


def _together(first: CookieStore, second: CookieStore) -> CookieStore:
    if not first.cookies:
        return second
    # The jar overrides a file that is only read.
    both = {cookie.identity: cookie for cookie in (*first.cookies, *second.cookies)}
    numbered = (replace(one, number=number) for number, one in enumerate(both.values(), start=1))
    return CookieStore(tuple(numbered), limits=JAR_LIMITS)


def _find_problem(seen: os.stat_result, *, is_source: bool) -> str | None:
    if not stat.S_ISREG(seen.st_mode):
        return 'it is not a regular file'
    if seen.st_size > _MAX_BYTES:
        return f'it is larger than {_MAX_BYTES >> 20} MiB'
    if os.name == 'posix' and seen.st_uid != os.geteuid():
        return None if is_source and seen.st_uid == _ROOT else 'it belongs to another user'
    return None


def _fault_of(path: str, error: Exception, *, is_source: bool = False) -> JarUnusable:
    if isinstance(error, FileNotFoundError):
        problem = 'it does not exist' if is_source else 'its folder does not exist'
    else:
        problem = (getattr(error, 'strerror', None) or str(error)).lower()
    return JarUnusable(path=path, problem=problem)


@contextmanager
def _locked(jar: str) -> Iterator[None]:
    folder, name = os.path.split(os.path.realpath(jar))
    with open_folder(folder) as ours:
        lock, _ = take_lock(ours, f'.{name[:100]}.lock', _LOCK_SECONDS, f'process {os.getpid()}')
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.release()


def _write(path: str, text: str) -> None:
    replace_text(Path(path), text, encoding='latin-1', mode=_PRIVATE)
