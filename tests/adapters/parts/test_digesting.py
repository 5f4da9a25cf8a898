"""Digests and checks of bytes as they pass."""

import gzip
import zlib
from hashlib import sha256, sha512

import pytest

from dlmachine_adapters.parts.digesting import BodyDigest, GzipCheck

DATA = b'a,b\n1,2\n' * 5_000
WHOLE = gzip.compress(DATA, mtime=0)
EARLY = 'is a gzip stream that ends too early'
DAMAGED = 'is a damaged gzip stream'


def checked(data: bytes, step: int = 1000) -> str | None:
    """The problem of a stream that is fed piece by piece."""
    check = GzipCheck()
    for start in range(0, len(data), step):
        check.update(data[start : start + step])
    return check.problem()


@pytest.mark.parametrize('step', [1, 7, 1000, 10**6])
@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (WHOLE, None),
        (WHOLE + WHOLE, None),
        (WHOLE + b'\0' * 500, None),
        (WHOLE[:-1], EARLY),
        (WHOLE[:20], EARLY),
        (WHOLE + WHOLE[:9], EARLY),
        (b'', EARLY),
        (WHOLE[:-6] + b'\0\0' + WHOLE[-4:], DAMAGED),
        (b'<html>', None),
        (b'<', None),
        (b'\x1f', EARLY),
        (b'\x1f\x8b' + b'<html>', DAMAGED),
        (WHOLE + b'<html>', None),
        (WHOLE + b'\0\x1f', EARLY),
        (WHOLE + b'\0' * 9 + WHOLE, None),
        (WHOLE + b'\x1f\x8b<html>', DAMAGED),
    ],
    ids=['whole', 'two members', 'padded', 'a byte short', 'cut', 'second cut', 'empty', 'wrong CRC', 'another kind',
         'one byte of another kind', 'one byte', 'damaged at once', 'a page behind', 'a byte of a second', 'padded between', 'second damaged'],
)  # fmt: skip
def test_a_gzip_stream_is_followed_to_its_end(data: bytes, problem: str | None, step: int) -> None:
    """Members, padding, checksum and end, in pieces of any size."""
    assert checked(data, step) == problem


@pytest.mark.parametrize('step', [1, 7, 10**6])
@pytest.mark.parametrize('rest', [b'', b'\0', b'\0' * 500, b'<html>', b'\0\0\n', b'\n' + WHOLE])
def test_bytes_after_the_stream_are_counted(rest: bytes, step: int) -> None:
    """Padding counts too, but not between members."""
    check = GzipCheck()
    data = WHOLE + b'\0\0' + WHOLE + rest
    for start in range(0, len(data), step):
        check.update(data[start : start + step])
    assert check.problem() is None
    assert check.rest_bytes == len(rest)


def test_a_large_stream_is_followed_in_pieces() -> None:
    """More than one piece of output from one piece of input, and no recursion."""
    coded = gzip.compress(b'\0' * (200 << 20), 1, mtime=0)
    assert checked(coded, 1 << 20) is None
    assert checked(coded[:-8], 1 << 20) == EARLY


def test_a_bomb_is_not_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that inflates too much is not checked further; that is not a problem."""
    monkeypatch.setattr('dlmachine_adapters.parts.digesting._MAX_INFLATED', 1 << 20)
    bomb = zlib.compressobj(9, wbits=31)
    coded = bomb.compress(b'\0' * (50 << 20)) + bomb.flush()
    check = GzipCheck()
    check.update(coded[:40_000])
    assert check._inflated < 16 << 20
    assert check.problem() is None


def test_a_body_digest_returns_all_results() -> None:
    """SHA-256 always, other digests and the stream check on request, and the first bytes."""
    digest = BodyDigest(('sha512',), checks_gzip=True)
    for start in range(0, len(WHOLE), 100):
        digest.update(memoryview(WHOLE)[start : start + 100])
    received = digest.received(wire_bytes=5)
    assert (received.size_bytes, received.wire_bytes) == (len(WHOLE), 5)
    assert received.sha256 == sha256(WHOLE).hexdigest()
    assert received.digests == (('sha512', sha512(WHOLE).hexdigest()),)
    assert received.start == WHOLE[:1024]
    assert received.gzip_problem is None
