"""Packed files as streams: every kind, members, nesting, damage, and what stays open."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import dlmachine as dm

zstd = pytest.importorskip('backports.zstd')

TEXT = ''.join(f'gene{number}\t{number}\n' for number in range(5_000))
BYTES = TEXT.encode()
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    'gz': gzip.compress,
    'bz2': bz2.compress,
    'xz': lzma.compress,
    'lzma': lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    'zst': partial(zstd.compress, options={zstd.CompressionParameter.checksum_flag: 1}),
}


def read_whole(path: str) -> bytes:
    """The content, in pieces."""
    with dm.open_file(path, mode='rb') as file:
        return b''.join(iter(partial(file.read, 1_000), b''))


def put(path: Path, data: bytes) -> str:
    """Write a file."""
    path.write_bytes(data)
    return str(path)


def zipped(**members: bytes) -> bytes:
    """A ZIP archive; `__` in a name is a slash, `_` a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace('__', '/').replace('_', '.'), data)
    return buffer.getvalue()


def tarred(mode: str = 'w', /, **members: bytes) -> bytes:
    """A tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace('__', '/').replace('_', '.'))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize('name', ['t', 't.tsv', 't.tsv.{}', 't.bin'])
@pytest.mark.parametrize('kind', ['gz', 'bz2', 'xz', 'zst'])
def test_compressed_files_are_known_by_their_bytes(kind: str, name: str, tmp_path: Path) -> None:
    """Text and bytes, whole, by lines, and from the beginning again."""
    path = put(tmp_path / name.format(kind), COMPRESSORS[kind](BYTES))

    with dm.open_file(path) as text:
        assert text.readline() == 'gene0\t0\n'
        assert sum(1 for _ in text) == 4_999
    with dm.open_file(path, mode='rb') as file:
        assert file.read() == BYTES
        assert file.seekable()
        file.seek(6)
        assert file.readline() == b'0\n'
    assert file.closed


def test_a_file_that_is_not_packed_is_opened_as_it_is(tmp_path: Path) -> None:
    """With Python's own reader."""
    path = put(tmp_path / 't.tsv', BYTES)

    with dm.open_file(path) as text:
        assert text.read() == TEXT
    with dm.open_file(path, mode='rb') as file:
        assert file.name == path
        assert file.read() == BYTES


def test_the_old_lzma_format_is_known_by_its_name(tmp_path: Path) -> None:
    """It has no signature."""
    with dm.open_file(put(tmp_path / 't.lzma', COMPRESSORS['lzma'](BYTES))) as file:
        assert file.read() == TEXT


@pytest.mark.parametrize('kind', ['gz', 'bz2', 'xz', 'zst'])
def test_a_file_of_several_compressed_pieces_is_read_to_its_end(kind: str, tmp_path: Path) -> None:
    """As bgzip, pbzip2 and `cat` make them."""
    compress = COMPRESSORS[kind]
    path = put(tmp_path / f't.{kind}', compress(BYTES[:100]) + compress(BYTES[100:]))

    with dm.open_file(path, mode='rb') as file:
        assert file.read() == BYTES


def test_a_file_whose_content_is_itself_ends(tmp_path: Path) -> None:
    """Only what the name promises is undone: a file may be its own content."""
    twice = gzip.compress(gzip.compress(BYTES))

    with dm.open_file(put(tmp_path / 't.tsv.gz', twice), mode='rb') as file:
        assert file.read(2) == b'\x1f\x8b'
    with dm.open_file(put(tmp_path / 't.tsv.gz.gz', twice), mode='rb') as file:
        assert file.read() == BYTES


@pytest.mark.parametrize('mode', ['w', 'w:gz', 'w:bz2', 'w:xz'])
def test_members_of_tar_archives(mode: str, tmp_path: Path) -> None:
    """By their names, with or without `./`, and compressed ones unpacked."""
    members = {'a__t_tsv': BYTES, '_/b_gz': gzip.compress(b'b')}
    path = put(tmp_path / 'data.tar', tarred(mode, **members))

    assert [member.name for member in dm.members(path)] == ['a/t.tsv', './b.gz']
    with dm.open_file(path, 'a/t.tsv') as file:
        assert file.read() == TEXT
        file.seek(0)
        assert file.readline() == 'gene0\t0\n'
    for name in ('b.gz', './b.gz'):
        with dm.open_file(path, name) as file:
            assert file.read() == 'b'


def test_a_tar_archive_in_zstandard(tmp_path: Path) -> None:
    """A short extension stands for two."""
    path = put(tmp_path / 'data.tzst', zstd.compress(tarred(a_txt=b'a')))

    with dm.open_file(path) as file:
        assert file.read() == 'a'


def test_archives_in_archives(tmp_path: Path) -> None:
    """To any depth, each with its own kind of packing."""
    inner = zipped(d__t_tsv_gz=gzip.compress(BYTES), e=b'')
    path = put(tmp_path / 'data.tar.gz', tarred('w:gz', x=b'', inner_zip=inner))

    with dm.open_file(path, 'inner.zip!/d/t.tsv.gz') as file:
        assert file.read() == TEXT
        assert file.name == f'{path}!/inner.zip!/d/t.tsv.gz'
    assert [one.name for one in dm.members(path, 'inner.zip')] == ['d/t.tsv.gz', 'e']


def test_an_archive_of_one_file_needs_no_name(tmp_path: Path) -> None:
    """Its folders do not count; several files are listed."""
    one = put(tmp_path / 'one.zip', zipped(d__=b'', d__t_tsv=BYTES))
    many = put(tmp_path / 'many.zip', zipped(**{f'{number}_txt': b'' for number in range(7)}))
    none = put(tmp_path / 'none.zip', zipped(d__=b''))

    with dm.open_file(one) as file:
        assert file.read() == TEXT
    with pytest.raises(
        dm.RequestError, match=r"several files: '0.txt', .*'4.txt', \.\.\..*member='0"
    ):
        dm.open_file(many)
    with pytest.raises(dm.RequestError, match='is an archive without files'):
        dm.open_file(none)


def test_an_office_file_is_opened_whole(tmp_path: Path) -> None:
    """Its reader wants the ZIP archive; a member is still to be had."""
    data = zipped(sheet_xml=b'<a/>')
    path = put(tmp_path / 'book.xlsx', data)

    with dm.open_file(path, mode='rb') as file:
        assert file.read() == data
    with dm.open_file(path, 'sheet.xml') as text:
        assert text.read() == '<a/>'


def test_links_in_a_tar_archive_lead_to_their_files(tmp_path: Path) -> None:
    """Symbolic ones from their folder, hard ones by name; circles and ways out end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        info = tarfile.TarInfo('d/t.tsv')
        info.size = len(BYTES)
        archive.addfile(info, io.BytesIO(BYTES))
        for name, kind, target in (
            ('d/latest', tarfile.SYMTYPE, 't.tsv'),
            ('hard', tarfile.LNKTYPE, 'd/t.tsv'),
            ('up', tarfile.SYMTYPE, '../../etc/passwd'),
            ('round', tarfile.SYMTYPE, 'round'),
            ('pipe', tarfile.FIFOTYPE, ''),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    path = put(tmp_path / 'data.tar', buffer.getvalue())

    for name in ('d/latest', 'hard'):
        with dm.open_file(path, name) as file:
            assert file.read() == TEXT
    for name, said in (
        ('up', 'no member'), ('round', 'leads to itself'), ('pipe', 'a device or a pipe'),
    ):  # fmt: skip
        with pytest.raises(dm.RequestError, match=said):
            dm.open_file(path, name)
    assert [one.kind.name for one in dm.members(path)] == [
        'FILE', 'SYMBOLIC_LINK', 'HARD_LINK', 'SYMBOLIC_LINK', 'SYMBOLIC_LINK', 'SPECIAL',
    ]  # fmt: skip


@pytest.mark.parametrize('kind', ['gz', 'bz2', 'xz', 'zst'])
@pytest.mark.parametrize('damage', ['cut', 'changed'])
def test_damage_is_an_error_of_our_own(kind: str, damage: str, tmp_path: Path) -> None:
    """Found when the file is opened, or while it is read."""
    data = bytearray(COMPRESSORS[kind](random.Random(1).randbytes(50_000)))
    if damage == 'cut':
        del data[-2_000:]
    else:
        data[20_000:20_100] = bytes(100)
    path = put(tmp_path / f't.{kind}', bytes(data))

    with pytest.raises(dm.ArchiveError) as caught:
        read_whole(path)
    assert caught.value.filename == path


def damaged_archives() -> list[tuple[str, bytes]]:
    """Archives that cannot be read to their end, or at all."""
    tar = tarred(a_txt=bytes(3_000), b_txt=bytes(3_000))
    return [
        ('cut.tar', tar[:2_000]),
        ('cut between members.tar', tar[:3_584]),
        ('empty.tar.gz', b''),
        ('header.tar', tar[:3_584] + b'x' * 512 + tar[4_096:]),
        ('cut.zip', zipped(a_txt=BYTES)[:-30]),
        ('empty.zip', b''),
        ('not.zip', b'hello'),
        ('not.gz', b'hello'),
    ]


@pytest.mark.parametrize(('name', 'data'), damaged_archives())
def test_a_damaged_archive_is_an_error_of_our_own(name: str, data: bytes, tmp_path: Path) -> None:
    """Also one of which tarfile would list the beginning only."""
    path = put(tmp_path / name, data)

    with pytest.raises(dm.ArchiveError):
        list(dm.members(path))


def test_an_encrypted_member_needs_its_password(tmp_path: Path) -> None:
    """`secret.zip` has one member of 9 bytes, encrypted with the password 'pass'."""
    path = put(tmp_path / 'secret.zip', bytes.fromhex(_ENCRYPTED))

    assert [one.is_encrypted for one in dm.members(path)] == [True]
    with pytest.raises(dm.RequestError, match=r"member 'a.txt' of .* is encrypted\. Pass"):
        dm.open_file(path)
    with pytest.raises(dm.RequestError, match="the password of member '.*' of .* is wrong"):
        dm.open_file(path, password='other')
    for password in ('pass', b'pass'):
        with dm.open_file(path, 'a.txt', password=password) as file:
            assert file.read() == 'encrypted'


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """64 MiB of zeros, and a tar archive of 20,000 members."""
    large = put(tmp_path / 'zeros.gz', gzip.compress(bytes(64 * 1024 * 1024)))
    many = put(tmp_path / 'many.tar', tarred(**{f'{number}': b'' for number in range(20_000)}))

    tracemalloc.start()
    try:
        with dm.open_file(large, mode='rb') as file:
            while file.read(1024 * 1024):
                pass
        assert sum(1 for _ in dm.members(many)) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8 * 1024 * 1024


def test_a_file_object_stays_open(tmp_path: Path) -> None:
    """What the caller has opened, he closes."""
    buffer = io.BytesIO(zipped(a_txt=b'a'))

    with dm.open_file(buffer) as file:
        assert file.read() == 'a'
    assert not buffer.closed
    with (tmp_path / 't.gz').open('wb+') as own:
        own.write(gzip.compress(BYTES))
        own.seek(0)
        with dm.open_file(own) as file:
            assert file.read() == TEXT
        assert not own.closed


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (('t.tsv', None, 'w'), "mode must be 'rt' or 'rb', not 'w'"),
        (('t.tsv', 5), 'member must be text, not 5'),
        ((None,), 'source must be a path, an Outcome or a file that can seek, not None'),
        (('t.tsv', 'a'), 'is not an archive. Leave out member='),
        (('nothing.zip', 'a'), 'cannot read'),
        (('.',), 'cannot read'),
    ],
)
def test_bad_input(arguments: tuple[object, ...], said: str, tmp_path: Path,
                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Each says what is wrong, and nothing stays open."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / 't.tsv', BYTES)

    with pytest.raises(dm.DownloadError) as caught:
        dm.open_file(*arguments)  # type: ignore[call-overload]
    assert said in str(caught.value)


def test_a_codec_that_does_not_exist_closes_the_file(tmp_path: Path) -> None:
    """Python's own error, for it names the codec."""
    path = put(tmp_path / 't.gz', gzip.compress(BYTES))

    with pytest.raises(LookupError, match='nothing'):
        dm.open_file(path, encoding='nothing')


_ENCRYPTED = (
    '504b03041400010000000000215873407857150000000900000005000000612e7478743e7991ee1a5a19f43c'
    '8c40f300581b79d9fec936c6504b010214001400010000000000215873407857150000000900000005000000'
    '0000000000000000000000000000612e747874504b0506000000000100010033000000380000000000'
)
