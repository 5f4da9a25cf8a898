"""Files, checks and archived entries as JSON has them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.maintenance.archive import Archived
from dlmachine.core.maintenance.file_provenance import Provenance
from dlmachine.core.maintenance.recorded_files import FileCheck, FileState, StoredFile
from dlmachine.core.maintenance.verification import Digested, Repaired

AT = datetime(2024, 5, 1, tzinfo=UTC)
RECORD = DownloadRecord(
    url='https://h/x?token=***',
    urls=('https://h/x', 'https://mirror/x'),
    served_by='https://h/x',
    started_at=AT,
    finished_at=AT,
    size_bytes=3,
    sha256='a' * 64,
    verified_by=(('md5', 'caller'),),
    notes=('a note',),
    source=(('doi', '10.5281/zenodo.1'),),
    backend='curl',
    backend_version='8',
    dlmachine_version='0.1',
    etag='"v1"',
)
PROVENANCE = {
    'path': 'x',
    'state': 'whole',
    'url': 'https://h/x?token=***',
    'method': 'GET',
    'served_by': 'https://h/x',
    'final_url': 'https://mirror/x',
    'started_at': '2024-05-01T00:00:00+00:00',
    'finished_at': '2024-05-01T00:00:00+00:00',
    'validated_at': None,
    'size': 3,
    'sha256': 'a' * 64,
    'verified_by': ['md5 (caller)'],
    'etag': '"v1"',
    'last_modified': None,
    'verified_tls': True,
    'source': {'doi': '10.5281/zenodo.1'},
    'notes': ['a note'],
    'version': 2,
    'backend': 'curl 8',
    'dlmachine_version': '0.1',
}


def test_a_recorded_file() -> None:
    """With its record, or without one; the repr leaves the record out."""
    file = StoredFile(
        path='d/x',
        state=FileState.MISSING,
        url='https://h/x',
        version=1,
        stored_at=AT,
        file_bytes=None,
        key='k',
        record=None,
    )
    expected = {
        'url': 'https://h/x',
        'path': 'd/x',
        'version': 1,
        'ready': False,
        'state': 'missing',
        'cached': False,
        'stored_at': '2024-05-01T00:00:00+00:00',
        'file_bytes': None,
        'key': 'k',
        'record': None,
    }
    assert file.to_dict() == expected
    whole = StoredFile(
        path='d/x', state=FileState.WHOLE, url='https://h/x', version=1, stored_at=AT,
        file_bytes=3, key='k', record=RECORD, is_cached=True,
    )  # fmt: skip
    changes: dict[str, Any] = {'ready': True, 'state': 'whole', 'cached': True, 'file_bytes': 3}
    assert whole.to_dict() == {**expected, **changes, 'record': RECORD.to_dict()}
    assert RECORD.sha256 not in repr(whole)


@pytest.mark.parametrize(
    ('check', 'expected'),
    [
        (
            FileCheck(state=FileState.UNKNOWN, path='d/x'),
            {'url': '', 'verdict': 'unknown', 'expected': None, 'found': None, 'problem': None, 'moved_from': None, 'mended': None},
        ),
        (
            FileCheck(
                state=FileState.MOVED, path='d/x', url='https://h/x', sha256='ab', moved_from='d/y',
                found=Digested(sha256='ab', problem='slow'), repaired=Repaired(is_done=True, text='done', moved_to='z'),
            ),
            {'url': 'https://h/x', 'verdict': 'moved', 'expected': 'ab', 'found': 'ab', 'problem': 'slow', 'moved_from': 'd/y',
             'mended': {'done': True, 'text': 'done', 'moved_to': 'z'}},
        ),
    ],
    ids=['unknown', 'moved'],
)  # fmt: skip
def test_a_verified_file(check: FileCheck, expected: dict[str, Any]) -> None:
    """What is not known is None."""
    assert check.to_dict() == {'path': 'd/x', **expected}


def test_a_provenance() -> None:
    """What was requested, who served it, when, and which bytes."""
    made = Provenance(path='x', state=FileState.WHOLE, version=2, record=RECORD)
    assert made.to_dict() == PROVENANCE


def test_where_a_file_without_redirects_came_from() -> None:
    """It has no final URL on record."""
    record = DownloadRecord(
        url='http://h/x', started_at=AT, finished_at=AT, validated_at=AT, size_bytes=3, sha256='ab'
    )
    found = Provenance(path='x', state=FileState.WHOLE, version=1, record=record).to_dict()
    assert (found['final_url'], found['backend']) == ('', '')
    assert found['validated_at'] == '2024-05-01T00:00:00+00:00'


def test_an_archived_entry() -> None:
    """Its URL, key, size and digest."""
    assert Archived(key='k', record=RECORD).to_dict() == {
        'url': RECORD.url,
        'key': 'k',
        'size': 3,
        'sha256': 'a' * 64,
    }


def test_a_member_of_an_archive() -> None:
    """What the archive does not tell is None."""
    member = Member(name='a/b', kind=MemberKind.FILE, size_bytes=3)
    expected = {
        'name': 'a/b',
        'kind': 'a file',
        'size': 3,
        'packed': None,
        'mode': None,
        'modified_at': None,
        'link': None,
        'encrypted': False,
    }
    assert member.to_dict() == expected
    linked = Member(
        name='a/b', kind=MemberKind.SYMBOLIC_LINK, size_bytes=0, packed_bytes=0, mode=0o777,
        modified_at=AT, link='c', is_encrypted=True,
    )  # fmt: skip
    assert linked.to_dict() == {
        'name': 'a/b',
        'kind': 'a symbolic link',
        'size': 0,
        'packed': 0,
        'mode': 0o777,
        'modified_at': '2024-05-01T00:00:00+00:00',
        'link': 'c',
        'encrypted': True,
    }
