"""Work on bytes in a background thread."""

import threading
from hashlib import sha256

import pytest

from dlmachine_adapters.parts.background import BackgroundWorker, Piece
from dlmachine_adapters.parts.digesting import BodyDigest

MEGABYTE = bytes(range(256)) * 4096


def test_pieces_are_worked_on_in_order() -> None:
    """By one background thread, and all of them before `finish` returns."""
    seen: list[tuple[Piece, str]] = []
    behind = BackgroundWorker(lambda piece: seen.append((piece, threading.current_thread().name)))
    for number in range(100):
        behind.put(bytes([number]))
    behind.finish()
    assert [piece for piece, _ in seen] == [bytes([number]) for number in range(100)]
    assert {name for _, name in seen} == {'dlmachine-background'}


def test_the_one_who_is_too_fast_is_held_back() -> None:
    """Only a few pieces may wait, so that memory is bounded."""
    go_on, began = threading.Event(), threading.Event()

    def slow(piece: Piece) -> None:
        began.set()
        go_on.wait(10)

    behind, put = BackgroundWorker(slow), 0

    def bring() -> None:
        nonlocal put
        for _ in range(50):
            behind.put(MEGABYTE)
            put += 1

    bringing = threading.Thread(target=bring)
    bringing.start()
    began.wait(10)
    bringing.join(0.2)
    assert put <= 6
    go_on.set()
    bringing.join(10)
    behind.finish()
    assert put == 50


def test_what_is_raised_there_is_raised_at_the_end() -> None:
    """Nothing hangs before."""

    def fail(piece: Piece) -> None:
        raise MemoryError

    behind = BackgroundWorker(fail)
    for _ in range(20):
        behind.put(b'x')
    with pytest.raises(MemoryError):
        behind.finish()


def test_it_can_be_given_up() -> None:
    """Waiting pieces are dropped, and the thread ends."""
    behind = BackgroundWorker(lambda piece: None)
    behind.put(b'x')
    behind.stop()
    behind.stop()
    assert not behind._thread.is_alive()


def test_large_bodies_are_examined_behind() -> None:
    """Each digest in its own thread, with the same result, also after a resume; small bodies start none."""
    digest, whole = BodyDigest(('md5',)), sha256()
    for number in range(12):
        digest.update(MEGABYTE)
        whole.update(MEGABYTE)
        assert len(digest._behind) == (0 if number in {0, 1, 2} else 2)
        if number == 7:
            assert digest.received(0).sha256 == whole.hexdigest()
    received = digest.received(0)
    assert (received.sha256, received.size_bytes) == (whole.hexdigest(), 12 << 20)
    assert received.start == MEGABYTE[:1024]
    digest.stop()
