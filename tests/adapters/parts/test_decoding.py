"""Content codings: which are decoded, in what pieces, and what is refused."""

import gzip
import random
import zlib

import pytest

from dlmachine_adapters.parts.decoding import GROWS_FREELY_BYTES, DecodingError, Inflater
from dlmachine_adapters.parts.inflating import PIECE_BYTES

PLAIN = bytes(random.Random(5).choices(b'acgt\n', k=300_000))


def _raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


CODED = {
    'gzip': ('gzip', gzip.compress(PLAIN)),
    'gzip of two members': ('gzip', gzip.compress(PLAIN[:7]) + gzip.compress(PLAIN[7:])),
    'deflate with its header': ('deflate', zlib.compress(PLAIN)),
    'deflate without its header': ('deflate', _raw_deflate(PLAIN)),
}


def _decode(coding: str, coded: bytes, step: int) -> bytes:
    stream = Inflater(coding)
    found = b''.join(
        piece
        for start in range(0, len(coded), step)
        for piece in stream.feed(coded[start : start + step])
    )
    stream.end()
    return found


@pytest.mark.parametrize('step', [1, 2, 3, 1000, 1 << 30])
@pytest.mark.parametrize(('coding', 'coded'), CODED.values(), ids=CODED.keys())
def test_however_it_is_cut_it_decodes_to_the_same(coding: str, coded: bytes, step: int) -> None:
    """The result does not depend on the pieces from the wire."""
    assert _decode(coding, coded, step) == PLAIN


@pytest.mark.parametrize('size', [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES])
@pytest.mark.parametrize('coding', ['gzip', 'deflate', 'raw'])
def test_a_bomb_comes_in_bounded_pieces(coding: str, size: int) -> None:
    """All decoded bytes are returned, piece by piece."""
    plain = bytes(size)
    coded = {
        'gzip': gzip.compress(plain),
        'deflate': zlib.compress(plain),
        'raw': _raw_deflate(plain),
    }[coding]
    stream = Inflater('gzip' if coding == 'gzip' else 'deflate')
    sizes = [len(piece) for piece in stream.feed(coded)]
    stream.end()

    assert sum(sizes) == size
    assert max(sizes) <= PIECE_BYTES


def test_a_bomb_is_refused_without_a_size_limit() -> None:
    """It is recognized by its growth; with a size limit, that limit is used."""
    coded = gzip.compress(bytes(GROWS_FREELY_BYTES + PIECE_BYTES))
    with pytest.raises(DecodingError, match='500-fold; if that is right, set max_bytes'):
        sum(map(len, Inflater('gzip').feed(coded)))
    counted = Inflater('gzip', has_limit=True)
    assert sum(map(len, counted.feed(coded))) == GROWS_FREELY_BYTES + PIECE_BYTES


@pytest.mark.parametrize(('coding', 'coded'), CODED.values(), ids=CODED.keys())
def test_what_ends_too_early_is_an_error(coding: str, coded: bytes) -> None:
    """A coded body must be complete."""
    with pytest.raises(DecodingError, match='too early'):
        _decode(coding, coded[:-1], 1000)


@pytest.mark.parametrize('step', [1, 1000, 1 << 30])
@pytest.mark.parametrize('rest', [b'\0', b'\0' * 5000, b'<html>', b'more', b'\0\0\n', b'\x1e\x8b'])
@pytest.mark.parametrize(('coding', 'coded'), CODED.values(), ids=CODED.keys())
def test_bytes_after_the_end_are_dropped_and_counted(
    coding: str, coded: bytes, rest: bytes, step: int
) -> None:
    """The body is decoded to the end of its stream; bytes after it are not data."""
    stream = Inflater(coding)
    data = coded + rest
    pieces = [p for at in range(0, len(data), step) for p in stream.feed(data[at : at + step])]
    stream.end()
    assert b''.join(pieces) == PLAIN
    assert stream.rest_bytes == len(rest)


@pytest.mark.parametrize('step', [1, 1000])
@pytest.mark.parametrize(
    'rest', [b'\x1f', b'\x1f\x8b', b'\0\x1f\x8b\x08', gzip.compress(b'x')[:-1]]
)
def test_a_member_that_has_begun_must_end(rest: bytes, step: int) -> None:
    """Bytes that begin like a member must be a complete member."""
    with pytest.raises(DecodingError, match='too early'):
        _decode('gzip', gzip.compress(PLAIN) + rest, step)


@pytest.mark.parametrize('coding', ['gzip', 'deflate'])
def test_what_is_not_coded_is_an_error(coding: str) -> None:
    """A page that only claims to be coded is refused."""
    with pytest.raises(DecodingError, match='damaged'):
        _decode(coding, b'<html>an error</html>' * 100, 1000)


@pytest.mark.parametrize('content', [b'', b'acgt'])
def test_small_members_cost_no_more_than_their_bytes(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most one step of the remaining input is copied, and the pieces are combined."""
    given: list[int] = []
    make = zlib.decompressobj

    class Counted:
        def __init__(self, bits: int) -> None:
            self._stream = make(bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            given.append(len(data))
            return self._stream.decompress(data, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self._stream, name)

    monkeypatch.setattr('dlmachine_adapters.parts.inflating.zlib.decompressobj', Counted)
    member, count = gzip.compress(content), 20_000
    stream = Inflater('gzip')
    pieces = list(stream.feed(member * count))
    stream.end()

    assert b''.join(pieces) == content * count
    assert len(pieces) <= 1
    assert len(given) <= count * 2
    assert max(given) <= 4096 + len(member)
