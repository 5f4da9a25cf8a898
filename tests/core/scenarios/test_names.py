"""The meanings of names: file formats, digest algorithms, safe names."""

import pytest

from dlmachine.core.http.filename import extension, name_content, safe_name
from dlmachine.core.integrity.checksum import ChecksumList, find_algorithm, is_checksum_list
from dlmachine.core.integrity.checksum_file import find_checksum
from dlmachine.core.integrity.file_signature import (
    find_content_problem,
    find_kind_note,
    healthy_start,
    is_gzip_name,
)
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.transfer.read_response import decide_body
from tests.builders import a_head, an_exchange

PAGE = b'<!DOCTYPE html><html><body>Please log in'


# --- names of files ---------------------------------------------------------------


BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    'gz tgz tar.gz bgz': (b'\x1f\x8b\x08',),
    'bz2 tbz tbz2 tar.bz2': (b'BZh9',),
    'xz txz tar.xz': (b'\xfd7zXZ\x00\x00',),
    'zst tzst tar.zst': (b'\x28\xb5\x2f\xfd', b'\x50\x2a\x4d\x18', b'\x5f\x2a\x4d\x18'),
    'zip xlsx docx pptx ods odt npz jar whl': (b'PK\x03\x04', b'PK\x05\x06', b'PK\x07\x08'),
    '7z': (b"7z\xbc\xaf'\x1c",),
    'rar': (b'Rar!\x1a\x07\x00', b'Rar!\x1a\x07\x01'),
    'pdf': (b'%PDF-1.7', b'\n' * 1_019 + b'%PDF-'),
    'png': (b'\x89PNG\r\n\x1a\n',),
    'jpg jpeg': (b'\xff\xd8\xff\xe0',),
    'tif tiff': (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+'),
    'gif': (b'GIF87a', b'GIF89a'),
    'parquet': (b'PAR1', b'PARE'),
    'npy': (b'\x93NUMPY\x01',),
}
KNOWN = [(name, starts) for names, starts in BEGINNINGS.items() for name in names.split()]


@pytest.mark.parametrize(('ext', 'starts'), KNOWN, ids=[name for name, _ in KNOWN])
def test_files_begin_as_their_names_say(ext: str, starts: tuple[bytes, ...]) -> None:
    """Each format has a few signatures, and other bytes do not match."""
    for start in starts:
        assert find_kind_note([f't.{ext}'], start) is None
    for start in (b'a,b\n1,2\n', b'PK\x04\x04', b'\x50\x2a\x4d\x19', b'\x60\x2a\x4d\x18'):
        note = find_kind_note([f't.{ext}'], start)
        assert note is not None
        assert note.startswith('the content is not ')
        assert note.endswith(f', although the name ends in .{ext}')
    assert find_content_problem([f't.{ext}'], None, b'', 0) == f'is empty instead of {ext} data'
    assert find_content_problem([f't.{ext}'], None, healthy_start([f't.{ext}']), 9) is None
    assert is_gzip_name(f't.{ext}') == (ext in {'gz', 'tgz', 'tar.gz', 'bgz'})


@pytest.mark.parametrize('ext', [
    'csv', 'tsv', 'tab', 'json', 'jsonl', 'ndjson', 'fasta', 'fa', 'faa', 'fna', 'fastq', 'fq', 'obo', 'owl', 'rdf',
    'ttl', 'nt', 'gaf', 'gpad', 'gmt', 'gct', 'sif', 'bed', 'vcf', 'gff', 'gff3', 'gtf', 'sdf', 'mol', 'mol2', 'pdb',
    'cif', 'arrow', 'feather', 'avro', 'h5', 'hdf5', 'h5ad', 'rds', 'rda', 'rdata', 'tar', 'bam', 'cram', 'bcf', 'nc',
    'pkl', 'sqlite',
])  # fmt: skip
def test_files_that_are_no_web_pages(ext: str) -> None:
    """Data may begin in many ways, but not like a login page."""
    problem = find_content_problem([f't.{ext}'], 'text/html', PAGE, len(PAGE))
    assert problem == f'is an HTML page instead of {ext} data (a login or error page?)'
    assert find_content_problem([f't.{ext}'], None, b'a', 1) is None


@pytest.mark.parametrize('media_type', [
    'application/gzip', 'application/x-gzip', 'application/zip', 'application/x-zip-compressed', 'application/x-bzip2',
    'application/x-xz', 'application/zstd', 'application/x-tar', 'application/x-7z-compressed', 'application/pdf',
    'application/json', 'text/csv', 'text/tab-separated-values', 'application/vnd.apache.parquet',
    'application/x-hdf5',
])  # fmt: skip
def test_types_under_which_no_web_page_comes(media_type: str) -> None:
    """The type counts for every file name."""
    problem = find_content_problem(['answer'], f'{media_type}; a=b', PAGE, len(PAGE))
    assert problem == f'is an HTML page instead of {media_type} data (a login or error page?)'


@pytest.mark.parametrize(
    'media_type', ['text/html', 'application/xhtml+xml', 'Text/Html; a=b', None]
)
def test_types_under_which_one_may(media_type: str | None) -> None:
    """These types do not exclude a web page."""
    assert find_content_problem(['answer'], media_type, PAGE, len(PAGE)) is None


@pytest.mark.parametrize('ext', ['gz', 'tgz', 'Z', 'bz2', 'xz', 'zip', 'ZST'])
def test_files_that_are_coded_themselves_are_kept_as_they_are(ext: str) -> None:
    """Content-Encoding of a .gz describes the file (RFC 9110 section 8.4)."""
    for expect in (Expectation(name=f't.{ext}'), Expectation(requested_name=f't.{ext}')):
        decision = decide_body(
            an_exchange(expect=expect), a_head(200, {'Content-Encoding': 'gzip'})
        )
        assert isinstance(decision, StoreBody)
        assert decision.decoder is None


@pytest.mark.parametrize('ext', ['tar.gz', 'tar.bz2', 'tar.xz', 'tar.zst'])
def test_extensions_of_two_parts(ext: str) -> None:
    """A version in the cache keeps both parts of its extension."""
    assert extension(f'a.b.{ext}') == ext
    assert extension('a.tar.lz') == 'lz'


@pytest.mark.parametrize('name', ['con', 'PRN', 'aux', 'nul', *(f'{device}{n}' for device in ('com', 'lpt') for n in (0, 9))])  # fmt: skip
def test_names_that_windows_keeps_for_devices(name: str) -> None:
    """They are reserved with and without an extension."""
    assert safe_name(name) == f'_{name}'
    assert safe_name(f'{name}.csv') == f'_{name}.csv'
    assert safe_name(f'{name}x') == f'{name}x'


# --- digests ----------------------------------------------------------------------


@pytest.mark.parametrize(('spelled', 'name'), [
    ('sha', 'sha1'), ('sha-1', 'sha1'), ('sha-224', 'sha224'), ('sha-256', 'sha256'), ('sha-384', 'sha384'),
    ('sha-512', 'sha512'), ('sha2-256', 'sha256'), ('sha2-512', 'sha512'), ('b2', 'blake2b'),
])  # fmt: skip
def test_short_names_of_algorithms(spelled: str, name: str) -> None:
    """The names are used in header fields and file names."""
    assert find_algorithm(spelled) == name


@pytest.mark.parametrize(
    ('digits', 'algorithm'),
    [(32, 'md5'), (40, 'sha1'), (56, 'sha224'), (64, 'sha256'), (96, 'sha384'), (128, 'sha512'), (48, None)],
)  # fmt: skip
def test_digests_are_known_by_their_length(digits: int, algorithm: str | None) -> None:
    """The length counts if no name is present."""
    found = find_checksum('0' * digits, ChecksumList('sums'), ()).value_or(None)
    assert (None if found is None else found.algorithm) == algorithm


@pytest.mark.parametrize(('name', 'digits', 'algorithm'), [
    ('x.blake2b', 128, 'blake2b'), ('x.blake2s', 64, 'blake2s'), ('x.b2', 128, 'blake2b'), ('x.sha3-512', 128, 'sha3_512'),
    ('x.sha3_256', 64, 'sha3_256'), ('x.sha256', 64, 'sha256'), ('x.sha-1', 40, 'sha1'), ('x.MD5', 32, 'md5'),
])  # fmt: skip
def test_lists_are_named_after_algorithms(name: str, digits: int, algorithm: str) -> None:
    """The extension names the algorithm."""
    found = find_checksum('0' * digits, ChecksumList(name), ()).unwrap()
    assert found.algorithm == algorithm


@pytest.mark.parametrize(
    'name', ['SUM', 'md5sums', 'CHECKSUM', 'checksums.txt', 'SHA256SUMS.asc', 'x.md5', 'x.sha1', 'x.sha512sum', 'x.b2', 'x.b2sum']
)  # fmt: skip
def test_names_of_lists(name: str) -> None:
    """Each of these names is recognized as a checksum file."""
    assert is_checksum_list(name)
    assert not is_checksum_list(f'{name}!')


# --- safe names -------------------------------------------------------------------


@pytest.mark.parametrize(
    ('given', 'safe'),
    [
        ('X', 'X'), ('.X', '_.X'), (' aX ', 'aX'), ('aX.', 'aX'), ('a' * 199 + 'X' + 'b' * 9, 'a' * 199 + 'X'),
        ('\u3000a', '\u3000a'), ('a\u3000', 'a\u3000'), (' . a', '_. a'),
        ('a.' + 'b' * 198, 'a.' + 'b' * 198), ('a' * 300 + '.' + 'b' * 30, 'a' * 184 + '.' + 'b' * 15),
        ('数' * 100, '数' * 66), ('a' * 300 + '.' + '数' * 10, 'a' * 184 + '.' + '数' * 5),
        ('a' * 300 + '.bc' + '数' * 10, 'a' * 184 + '.bc' + '数' * 4),
    ],
    ids=lambda name: name[:12],
)  # fmt: skip
def test_as_much_of_a_name_as_can_be_is_kept(given: str, safe: str) -> None:
    """A name has 200 bytes, up to 16 of them its extension, and no space or dot at its end."""
    assert safe_name(given) == safe


@pytest.mark.parametrize(
    ('value', 'name'),
    [
        (r'attachment; filename="a\"b.csv"', 'a_b.csv'),
        (r'attachment; filename="a\b.csv"', 'ab.csv'),
        ('attachment; filename*=XXXX', 'XXXX'),
        ("attachment; filename*=us-ascii'en'a'b.csv", "a'b.csv"),
        ("attachment; filename*=windows-1252''%80.csv", '€.csv'),
    ],
)
def test_names_in_quotes_and_extended_ones(value: str, name: str) -> None:
    """A backslash in quotes escapes the next character (RFC 9110 section 5.6.4)."""
    representation = a_head(200, {'Content-Disposition': value}).headers
    assert name_content(representation, 'http://h/d/t.csv') == name


@pytest.mark.parametrize(
    ('name', 'ext'),
    [
        ('X.csv', 'csv'),
        ('..x.gz', 'gz'),
        ('a.gz.', None),
        ('/data.d/README', None),
        ('/d/.gz', None),
        ('a.d/x.gz', 'gz'),
    ],
)
def test_an_extension_is_that_of_the_last_segment(name: str, ext: str | None) -> None:
    """Dots before and after the name do not begin an extension."""
    assert extension(name) == ext
