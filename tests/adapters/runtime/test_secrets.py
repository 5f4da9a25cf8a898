"""Reading passwords and tokens: variables, files, functions, and what they cannot give."""

import errno
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import SecretUnavailable
from dlmachine.core.protocol.effects import ReadSecret
from dlmachine.core.protocol.events import EffectFailed, SecretRead
from dlmachine_adapters.fakes.clock import ManualClock
from dlmachine_adapters.runtime.secrets import SystemSecrets

PATIENCE = timedelta(seconds=20)


def read(secret: Secret, kept: SystemSecrets | None = None, **more: Any) -> str:
    """The secret."""
    kept = SystemSecrets(ManualClock()) if kept is None else kept
    event = kept.read(ReadSecret(secret=secret, patience=PATIENCE, **more))
    assert isinstance(event, SecretRead), event
    return event.value


def problem_of(secret: Secret, patience: timedelta = PATIENCE) -> str:
    """Why the secret cannot be read."""
    event = SystemSecrets(ManualClock()).read(ReadSecret(secret=secret, patience=patience))
    assert isinstance(event, EffectFailed), event
    assert isinstance(event.fault, SecretUnavailable)
    assert event.fault.source == str(secret)
    assert 'planted' not in str(event.fault)
    return event.fault.problem


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read each time."""
    monkeypatch.setenv('A_TOKEN', 'one')
    assert read(Secret(variable='A_TOKEN')) == 'one'
    monkeypatch.setenv('A_TOKEN', 'two')
    assert read(Secret(variable='A_TOKEN')) == 'two'
    monkeypatch.delenv('A_TOKEN')
    assert problem_of(Secret(variable='A_TOKEN')) == 'the variable is not set'


@pytest.mark.parametrize('content', ['planted', 'planted\n', 'planted\r\n', 'planted\r\n\n'])
def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    """Without the end of its line; `~` is the home folder."""
    monkeypatch.setenv('HOME', str(tmp_path))
    path = tmp_path / '.token'
    path.write_bytes(content.encode())
    path.chmod(0o600)
    assert read(Secret(path=str(path))) == 'planted'
    if os.name == 'posix':
        assert read(Secret(path='~/.token')) == 'planted'


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (b'', 'it is empty'),
        (b'\n', 'it is empty'),
        (b'planted\nplanted', 'it contains LF at position 7'),
        (b'\xff', 'the file is not UTF-8'),
        (b'planted' * 10_000, 'the file is too large for a secret'),
    ],
)
def test_files_that_hold_no_secret(tmp_path: Path, content: bytes, problem: str) -> None:
    """The problem says nothing of the content."""
    (tmp_path / 't').write_bytes(content)
    assert problem_of(Secret(path=str(tmp_path / 't'))) == problem


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or a folder."""
    assert problem_of(Secret(path=str(tmp_path / 'x'))) == os.strerror(errno.ENOENT)
    assert problem_of(Secret(path=str(tmp_path))) in {
        os.strerror(errno.EISDIR),
        os.strerror(errno.EACCES),
    }


@pytest.mark.skipif(os.name != 'posix', reason='Windows has no such modes')
@pytest.mark.parametrize(('mode', 'is_told'), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, *, is_told: bool
) -> None:
    """As ssh does; it is used all the same."""
    path = tmp_path / 't'
    path.write_text('planted')
    path.chmod(mode)
    with caplog.at_level(logging.WARNING, 'dlmachine'):
        assert read(Secret(path=str(path))) == 'planted'
    assert ('other users can read this file' in caplog.text) is is_told
    assert 'planted' not in caplog.text


def counting(*results: Any) -> tuple[Callable[[], Any], list[int]]:
    """A function that returns one result after the other, and its calls."""
    calls: list[int] = []

    def call() -> Any:
        calls.append(len(calls))
        return results[min(len(calls), len(results)) - 1]

    return call, calls


def test_a_function_is_called_each_time() -> None:
    """Unless it says how long its token is valid."""
    call, calls = counting('one', 'two')
    kept = SystemSecrets(ManualClock())
    assert [read(Secret(call=call), kept) for _ in range(2)] == ['one', 'two']
    assert len(calls) == 2


@pytest.mark.parametrize('expiry', [timedelta(hours=1), 'a date'])
def test_a_token_is_kept_until_its_expiry(expiry: Any) -> None:
    """A refused one is asked for again at once."""
    clock = ManualClock(datetime(2024, 5, 1, tzinfo=UTC))
    until = clock.now() + timedelta(hours=1) if expiry == 'a date' else expiry
    call, calls = counting(('one', until), ('two', timedelta(hours=9)), ('three', until))
    kept, secret = SystemSecrets(clock), Secret(call=call)
    assert [read(secret, kept) for _ in range(3)] == ['one'] * 3
    clock.sleep(timedelta(minutes=61))
    assert [read(secret, kept) for _ in range(2)] == ['two'] * 2
    assert read(secret, kept, is_again=True) == 'three'
    assert len(calls) == 3


@pytest.mark.parametrize(
    'result', [None, 5, b'planted', ('planted',), ('planted', 5), ('planted', datetime(2024, 5, 1))]  # noqa: DTZ001 -- that is what is refused
)  # fmt: skip
def test_results_that_are_no_secret(result: Any) -> None:
    """The message says what a function returns."""
    assert problem_of(Secret(call=lambda: result)).startswith('must return a text, or a text with')


def test_a_function_that_raises() -> None:
    """Its message may contain the secret."""

    def call() -> str:
        raise ValueError('planted')

    assert problem_of(Secret(call=call)) == 'raised ValueError'


@dataclass
class Portal:
    """A mutable dataclass, which has no hash."""

    token: str
    calls: int = 0

    def __call__(self) -> tuple[str, timedelta]:
        """The token."""
        self.calls += 1
        return self.token, timedelta(hours=1)


def test_an_object_without_a_hash() -> None:
    """Each has its own token, which is kept until it expires."""
    kept, portals = SystemSecrets(ManualClock()), [Portal('one'), Portal('two')]
    for _ in range(2):
        assert [read(Secret(call=one), kept) for one in portals] == ['one', 'two']
    assert [one.calls for one in portals] == [1, 1]


def test_a_function_that_hangs() -> None:
    """It is not waited for longer than for a silent server, nor by another thread."""
    ends = threading.Event()
    secret = Secret(call=lambda: str(ends.wait(60)))
    kept = SystemSecrets(ManualClock())
    effect = ReadSecret(secret=secret, patience=timedelta(seconds=0.2))
    try:
        problem = 'did not return within 0.2 s'
        assert problem_of(secret, timedelta(seconds=0.2)) == problem
        threads = [threading.Thread(target=kept.read, args=(effect,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        ends.set()


def test_one_call_serves_all_threads() -> None:
    """A token with an expiry is asked for once."""
    entered, go = threading.Event(), threading.Event()
    calls: list[int] = []

    def call() -> tuple[str, timedelta]:
        calls.append(1)
        entered.set()
        go.wait(20)
        return 'one', timedelta(hours=1)

    kept, secret, found = SystemSecrets(ManualClock()), Secret(call=call), []
    threads = [threading.Thread(target=lambda: found.append(read(secret, kept))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(20)
    go.set()
    for thread in threads:
        thread.join(20)
    assert found == ['one'] * 4
    assert len(calls) == 1
