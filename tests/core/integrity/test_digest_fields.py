"""Digests in header fields of responses."""

from base64 import b64encode
from hashlib import md5, sha256, sha512
from time import process_time

import pytest

from dlmachine.core.integrity.digest_fields import served_digest
from tests.builders import a_head

DATA = b'abc'
MD5, SHA256, SHA512 = (b64encode(make(DATA).digest()).decode() for make in (md5, sha256, sha512))
OF_256 = ('sha256', sha256(DATA).hexdigest())
OF_512 = ('sha512', sha512(DATA).hexdigest())
OF_MD5 = ('md5', md5(DATA).hexdigest())


@pytest.mark.parametrize(
    ('fields', 'found'),
    [
        ({'Repr-Digest': f'sha-256=:{SHA256}:'}, ('Repr-Digest', *OF_256)),
        ({'Repr-Digest': f'unknown=:AAAA:, sha-256=:{SHA256}:, sha-512=:{SHA512}:'}, ('Repr-Digest', *OF_512)),
        ({'Content-Digest': f'sha-256 = :{SHA256}:;a=1'}, ('Content-Digest', *OF_256)),
        ({'Digest': f'md5={MD5}, SHA-256={SHA256}'}, ('Digest', *OF_256)),
        ({'Content-MD5': f' {MD5} '}, ('Content-MD5', *OF_MD5)),
        ({'X-Goog-Hash': f'crc32c=n03x6A==,md5={MD5}'}, ('x-goog-hash', *OF_MD5)),
        ({'Repr-Digest': f'sha-512=:{SHA512}:', 'Content-Digest': f'sha-256=:{SHA256}:', 'Digest': f'md5={MD5}', 'Content-MD5': MD5, 'x-goog-hash': f'md5={MD5}'}, ('Repr-Digest', *OF_512)),
        ({'x-goog-hash': 'crc32c=n03x6A=='}, None),
        ({'Content-MD5': MD5, 'Repr-Digest': f'sha-256=:{SHA256}:'}, ('Repr-Digest', *OF_256)),
        ({'x-goog-hash': f'md5={MD5}', 'Content-Encoding': 'gzip'}, None),
        ({'Repr-Digest': f'sha-256=:{MD5}:'}, None),
        ({'Repr-Digest': 'sha-256=:not base64!:'}, None),
        ({'Content-MD5': md5(DATA).hexdigest()}, None),
        ({'Content-MD5': ''}, None),
        ({'Repr-Digest': 'sha-256=:abc:'}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_strongest_digest_counts(fields: dict[str, str], found: object) -> None:
    """The strongest of all valid digests counts; invalid ones are ignored."""
    assert served_digest(a_head(200, fields), is_part=False, is_decoded=False) == found


def test_a_part_has_the_digest_of_the_whole_only() -> None:
    """Content-Digest and Content-MD5 of a 206 are those of the part (RFC 9530 section 2)."""
    of_part = {'Content-Digest': f'sha-256=:{SHA256}:', 'Content-MD5': MD5}
    assert served_digest(a_head(206, of_part), is_part=True, is_decoded=False) is None
    both = {**of_part, 'Repr-Digest': f'sha-512=:{SHA512}:'}
    found = served_digest(a_head(206, both), is_part=True, is_decoded=False)
    assert found == ('Repr-Digest', *OF_512)


def test_decoded_bytes_have_no_digest() -> None:
    """All digests are those of the coded bytes, which are not stored."""
    head = a_head(200, {'Repr-Digest': f'sha-256=:{SHA256}:'})
    assert served_digest(head, is_part=False, is_decoded=True) is None


@pytest.mark.parametrize(
    ('fields', 'found'),
    [
        ({'Repr-Digest': f'sha-256=:{MD5}:, sha-256=:{SHA256}:'}, ('Repr-Digest', *OF_256)),
        ({'Repr-Digest': f'sha-256=:{SHA256}: x'}, None),
        ({'Repr-Digest': f'sha-256={SHA256}'}, None),
        ({'Repr-Digest': f'\x0bsha-256=:{SHA256}:'}, None),
        ({'Digest': f'x=md5={MD5}'}, None),
        ({'Digest': f'md5=\x0b{MD5}'}, None),
        ({'Content-MD5': f'\x0b{MD5}'}, None),
        ({'Repr-Digest': f'sha-256=:{SHA256}: \t;a=1'}, ('Repr-Digest', *OF_256)),
        ({'Repr-Digest': f'sha-256=:{SHA256}:\x0b;a=1'}, None),
        ({'Repr-Digest': f'sha-256=:{SHA256}:;a=:AAAA:'}, ('Repr-Digest', *OF_256)),
        ({'Digest': f'MD5={MD5},'}, ('Digest', *OF_MD5)),
    ],
)
def test_lists_of_digests_are_read_member_by_member(fields: dict[str, str], found: object) -> None:
    """Each member is a digest or is ignored; the last value of a key counts (RFC 9651)."""
    assert served_digest(a_head(200, fields), is_part=False, is_decoded=False) == found


@pytest.mark.timing
@pytest.mark.parametrize(
    'unit', ['a', 'a=', 'a=:', 'md5=', 'md5=:A', 'sha-256=:', ',', ':', '=', ' ']
)
@pytest.mark.parametrize('name', ['Repr-Digest', 'Content-Digest', 'Digest', 'Content-MD5', 'x-goog-hash'])  # fmt: skip
def test_the_largest_field_takes_a_moment(name: str, unit: str) -> None:
    """The time is linear up to the size limit of a head."""
    head = a_head(200, {name: ', '.join([unit * (65_000 // len(unit))] * 4)})
    began = process_time()
    served_digest(head, is_part=False, is_decoded=False)
    assert process_time() - began < 1  # 0.1 or so; coverage takes its time
