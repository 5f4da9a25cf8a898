"""Names in files and outputs that scripts rely on."""

import os
from enum import Enum

import pytest

from dlmachine.core.decision.snapshot import CacheSeen, PartSeen
from dlmachine.core.faults import FAULTS, ConnectionFailed, HttpStatus, Party, TlsFailed
from dlmachine.core.http.body import RawBody, content_type_of
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import Url
from dlmachine.core.integrity.file_signature import START_BYTES
from dlmachine.core.maintenance.checks import GIVEN_UP_AGE, SETTLED_AGE
from dlmachine.core.maintenance.findings import FindingKind, Repair
from dlmachine.core.maintenance.verification import NOTE_VERSION, CopyState, RepairAction
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.events import Interrupted, LockAcquired
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.outcome import Origin
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathKind, PathSeen, ends_in_separator
from dlmachine.core.spec.reuse import CheckMethod
from tests.builders import NOW, URL, a_record

WORDS: list[tuple[type[Enum], str]] = [
    (FindingKind, 'orphan, unknown file, row without file, strange row, wrong size, dead lock, part, stray note, stray registry, extracted files, quarantined, registry, folder, file system'),
    (Repair, 'none, quarantine, mark, free lock, remove, remove extracted files, remove part, mend registry'),
    (PathKind, 'missing, file, folder, other'),
    (Origin, 'cache, network, stale'),
    (Party, 'caller, server, network, local'),
    (CheckMethod, 'auto, etag, modified, size, hash'),
    (CopyState, 'whole, wrong, missing, unreadable, unknown'),
    (RepairAction, 'leave, mark, quarantine'),
]  # fmt: skip


@pytest.mark.parametrize(('kind', 'words'), WORDS, ids=[kind.__name__ for kind, _ in WORDS])
def test_values_are_the_words_of_outputs(kind: type[Enum], words: str) -> None:
    """The values are in JSON, in reports and in stored plans."""
    assert ', '.join(member.value for member in kind) == words


def test_codes_of_faults_are_stable() -> None:
    """The command line prints the codes, and users match on them."""
    assert ' '.join(kind.code for kind in FAULTS) == (
        'invalid_input secret_unavailable jar_unusable certificate_unusable unknown_name backend_missing scheme_refused offline_miss '
        'window_unsatisfiable destination_unusable checksum_unknown lock_outdated cancelled '
        'doi_not_found source_unusable file_unreadable http_status redirect_refused answer_unusable '
        'body_too_large digest_mismatch lock_mismatch content_refused login_failed connection_failed tls_failed timed_out '
        'body_truncated proxy_unreachable proxy_login_refused proxy_refused proxy_unusable address_refused cache_unusable storage_failed lock_busy worker_lost bug '
        'member_unknown member_not_named password_refused archive_refused'
    )


def test_formats_are_numbered() -> None:
    """A record or a note with another version number is not read."""
    assert a_record().to_json().startswith('{"v": 1, ')
    assert NOTE_VERSION == 1


@pytest.mark.parametrize('phase', ['resolve', 'connect', 'send', 'receive'])
def test_phases_of_a_connection_have_messages(phase: str) -> None:
    """Each phase has its own message."""
    told = ConnectionFailed(url='u', phase=phase).what()
    assert told.startswith(('u: the ', 'u: no '))
    assert told != ConnectionFailed(url='u', phase='send' if phase != 'send' else 'connect').what()


def test_ages_of_findings() -> None:
    """A file is settled after an hour, a part given up after a week."""
    assert SETTLED_AGE.total_seconds() == 60 * 60
    assert GIVEN_UP_AGE.days == 7


def test_number_of_checked_first_bytes() -> None:
    """PDF readers accept the signature anywhere in these bytes."""
    assert START_BYTES == 1_024


@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'PATCH'])
def test_methods_of_a_download(method: str) -> None:
    """Methods that return content."""
    data = None if method == 'GET' else b'x'
    assert Descriptor.parse(URL, method=method, data=data).unwrap().method == method
    assert Descriptor.parse(URL, method=f'{method}X', data=data).value_or(None) is None


def test_bytes_without_a_type_are_called_so() -> None:
    """RFC 2046 section 4.5.1."""
    assert content_type_of(RawBody(b'x')) == 'application/octet-stream'


def test_a_backslash_is_a_letter_where_it_is_not_a_separator() -> None:
    """The name of a file may contain a backslash on POSIX."""
    assert ends_in_separator('a\\') is (os.altsep is not None)
    assert ends_in_separator('a/')


def test_defaults_of_values() -> None:
    """The defaults of values of which only the required fields are set."""
    assert PathSeen(kind=PathKind.MISSING).has_folder
    assert PathSeen(kind=PathKind.MISSING).blocker is None
    assert StoreBody().offset == 0
    asked = Expectation()
    assert (asked.name, asked.requested_name, asked.checks_content) == ('', '', False)
    assert (asked.offset, asked.is_conditional) == (0, False)
    assert (ResponseHead(status=200).version, ResponseHead(status=200).reason) == ('', '')
    assert not LockAcquired(at=NOW).waited
    broke = HttpStatus(url='u', status=500)
    assert broke.tries == 0
    assert Interrupted(at=NOW, fault=broke).part_bytes == 0
    assert TlsFailed(url='u').detail == ''
    assert CacheSeen(folder='/c').item_id == ''
    assert PartSeen(name='x', size_bytes=1, validator='"v"').url_digest == ''
    assert str(Url(scheme='https', host='h')) == 'https://h/'
