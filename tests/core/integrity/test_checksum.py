"""Checksums and checksum files."""

import pytest

from dlmachine.core.faults import ChecksumUnknown
from dlmachine.core.integrity.checksum import Checksum, ChecksumList, find_algorithm
from dlmachine.core.integrity.checksum_file import find_checksum, guess_algorithm

A, B = 'a' * 64, 'b' * 64
SUMS = ChecksumList('SHA256SUMS')


@pytest.mark.parametrize(
    ('text', 'paths', 'found'),
    [
        (f'{A}  t.csv\n{B}  u.csv\n', ['/d/t.csv'], A),
        (f'{B} *./d/t.csv\r\n{A} *./e/t.csv\r\n', ['/e/t.csv'], A),
        (f'{B}  t.csv\n{A}  e/t.csv\n', ['/d/e/t.csv'], A),
        (f'{B}  d\\t.csv\n{A}  e\\t.csv\n', ['/e/t.csv'], A),
        (f'SHA256 (t.csv) = {A}\nMD5 (t.csv) = {"c" * 32}\n'.partition('MD5')[0], ['/t.csv'], A),
        (f'SHA2-256(t.csv)= {A}\n', ['/t.csv'], A),
        (f'# a comment\n; another\n\n{A}  t.csv\n', ['/t.csv'], A),
        (f'\ufeff{A}  t.csv', ['/t.csv'], A),
        (f'{A}\n', ['/whatever'], A),
        (f'{A}  -\n', ['/-'], A),
        (f'sha256:{A}\n', ['/x'], A),
        (f't.csv {A}\nu.csv sha256:{B} http://h/u.csv\n', ['/t.csv'], A),
        (f't.csv {B}\nu.csv sha256:{A} http://h/u.csv\n', ['/u.csv'], A),
        (f'{A}  a b.csv\n', ['/a%20b.csv'], A),
        (f'\\{A}  a\\nb\\\\c\n', ['/a\nb\\c'], A),
        (f'{A.upper()}  t.csv\n', ['/t.csv'], A),
        (f'{A}  t.csv\n{A}  t.csv\n', ['/t.csv'], A),
        (f'{A}  t.csv\n', ['/other', 't.csv'], A),
        (f't.csv: {A}\nu.csv: {B}\n', ['/t.csv'], A),
        (f't.csv,{B}\nu.csv, sha256:{A}\n', ['/u.csv'], A),
        (f'MD5 (t.csv) = {"c" * 32}\nSHA256 (t.csv) = {A}\nSHA1 (t.csv) = {"d" * 40}', ['/t.csv'], A),
        (f'{A}  ?t.csv\n{B} ^u.csv\n', ['/t.csv'], A),
    ],
)  # fmt: skip
def test_the_line_of_a_file_is_found(text: str, paths: list[str], found: str) -> None:
    """The formats of all common tools are parsed."""
    assert find_checksum(text, SUMS, tuple(paths)).unwrap() == Checksum('sha256', found)


@pytest.mark.parametrize(
    ('name', 'digits', 'algorithm'),
    [
        ('x.md5', 32, 'md5'),
        ('CHECKSUMS', 40, 'sha1'),
        ('sums', 56, 'sha224'),
        ('sums', 64, 'sha256'),
        ('SHA384SUMS', 96, 'sha384'),
        ('sums', 128, 'sha512'),
        ('B2SUMS', 128, 'blake2b'),
        ('x.blake2s', 64, 'blake2s'),
        ('https://h/sha3-256.txt', 64, 'sha3_256'),
        ('md5sums', 64, 'sha256'),
    ],
)
def test_the_algorithm_follows_from_list_and_length(name: str, digits: int, algorithm: str) -> None:
    """The name of the checksum file counts if the length of the digest allows it."""
    found = find_checksum(f'{"0" * digits}  t.csv', ChecksumList(name), ('t.csv',))
    assert found.unwrap() == Checksum(algorithm, '0' * digits)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('', 'contains no checksum'),
        ('<html>please log in</html>', 'contains no checksum'),
        ('08716 51 t.csv', 'contains no checksum'),
        ('crc32:' + A + '  t.csv', 'contains no checksum'),
        (f'MD5 (t.csv) = {A}', 'contains no checksum'),
        (f'{A[:-1]}  t.csv', 'contains no checksum'),
        (f'{A}  u.csv', "has no line for 't.csv'"),
        (f'{A}\n{B}\n', "has no line for 't.csv'"),
        (f'{A}  t.csv\n{B}  t.csv\n{"0" * 32}  t.csv', "has 3 different checksums for 't.csv'"),
        (f'{A}  t.csv\n{B}  t.csv\n', "has 2 different checksums for 't.csv'"),
        (f'{A}  a/t.csv\n{B}  b/t.csv\n', "has 2 different checksums for 't.csv'"),
        (f'{A}  .\n', "has no line for 't.csv'"),
    ],
)
def test_checksum_file_without_a_matching_line_is_a_fault(text: str, problem: str) -> None:
    """A missing or ambiguous checksum is a fault."""
    found = find_checksum(text, SUMS, ('/t.csv',))
    assert found.failure() == ChecksumUnknown(source='SHA256SUMS', problem=problem)


def test_a_file_without_a_name_has_no_line() -> None:
    """A URL that ends in a slash has no file name."""
    found = find_checksum(f'{A}  t.csv', SUMS, ('/',))
    assert found.failure() == ChecksumUnknown(
        source='SHA256SUMS', problem='has no line for a file without a name'
    )


def test_a_list_shows_no_secret() -> None:
    """The secrets in the URL of a checksum file are masked."""
    wanted = ChecksumList('https://h/SHA256SUMS?token=s3cret')
    assert 's3cret' not in f'{wanted} {wanted!r}'
    assert wanted.is_url
    assert not SUMS.is_url
    assert str(SUMS) == 'SHA256SUMS'


@pytest.mark.parametrize(
    ('name', 'algorithm'),
    [('SHA', 'sha1'), ('sha2-256', 'sha256'), ('SHA_512', 'sha512'), ('b2', 'blake2b'), ('shake-128', None), ('', None)],
)  # fmt: skip
def test_algorithms_have_many_spellings(name: str, algorithm: str | None) -> None:
    """Algorithms without a fixed length are not accepted."""
    assert find_algorithm(name) == algorithm


def test_the_algorithm_of_a_list_is_guessed() -> None:
    """The algorithm is SHA-256 unless the name of the file has another one."""
    assert [guess_algorithm(name) for name in ('x/MD5SUMS', 'md5/sums', 'a.sha512')] == [
        'md5', 'sha256', 'sha512',
    ]  # fmt: skip
