"""The option `extract`: its forms, its folder, and what is decided about a folder."""

from datetime import timedelta
from pathlib import Path

import pytest

from dlmachine.core.archives.extracted_folder import is_extracted, name_folder, parse_version
from dlmachine.core.archives.extraction import ExtractionLimits, Selection
from dlmachine.core.archives.extraction_record import ExtractedFile, ExtractionRecord
from dlmachine.core.archives.parse_extract import parse_extract
from dlmachine.core.decision.folder_state import FolderSeen, Unpack, decide_folder
from dlmachine.core.faults import DestinationUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.spec.destination import read_extract
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.reuse import Extract, ExtractArchive

FORMS = [
    (True, Extract()),
    ('1', Extract()),
    (False, None),
    ('off', None),
    (Path('t'), Extract(into='t')),
    (Extract(deep=True), Extract(deep=True)),
    ({}, Extract()),
    ({'into': Path('t'), 'deep': True}, Extract(into='t', deep=True)),
    (
        {'members': ['a', '*.b'], 'strip': 2},
        Extract(members=('a', '*.b'), strip=2),
    ),
    (
        {'max_members': 1, 'max_extracted_bytes': None, 'max_ratio': 2},
        Extract(max_members=1, max_ratio=2),
    ),
    (
        {'into': None, 'members': None, 'strip': 0, 'max_extracted_bytes': 0},
        Extract(max_extracted_bytes=0),
    ),
]


@pytest.mark.parametrize(('value', 'meant'), FORMS)
def test_forms(value: object, meant: Extract | None) -> None:
    """A bool, a path, a mapping."""
    assert read_extract('extract', value).unwrap() == meant


@pytest.mark.parametrize(
    ('value', 'said'),
    [
        (5, 'extract must be true, false, a folder, or a mapping, not 5'),
        ('', "extract must be true, false, a folder, or a mapping, not ''"),
        ({'membres': []}, "unknown option 'membres' in extract. Did you mean 'members'?"),
        ({'q': 1}, "unknown option 'q' in extract"),
        ({'into': 5}, "extract['into'] must be a path, not 5"),
        ({'members': 'a'}, "extract['members'] must be a list of names, not 'a'"),
        ({'members': 5}, "extract['members'] must be a list of names, not 5"),
        ({'members': []}, "extract['members'] must be a list of names, not []"),
        ({'members': [5]}, "extract['members'] must be a list of names, not [5]"),
        ({'strip': -1}, "extract['strip'] must be a whole number of folders, 0 or more, not -1"),
        ({'deep': 1}, "extract['deep'] must be true or false, not 1"),
        ({'max_ratio': 0}, "extract['max_ratio'] must be a whole number of 1 or more, not 0"),
        (
            {'max_extracted_bytes': '1G'},
            "extract['max_extracted_bytes'] must be a number of bytes, or None, not '1G'",
        ),
    ],
)
def test_other_values_are_refused(value: object, said: str) -> None:
    """With the key, and the nearest known one."""
    assert said in str(read_extract('extract', value).failure())


def test_keywords_have_their_own_names() -> None:
    """Those of `dlmachine.extract`."""
    assert str(parse_extract({'strip': -1}).failure()).startswith('strip must be')


def test_a_policy_is_checked() -> None:
    """Its folder has to be a path."""
    fault = find_policy_fault(Policy(extract=Extract(into='http://h/x')))
    assert fault is not None
    assert 'is a URL' in str(fault)
    assert find_policy_fault(Policy(extract=Extract(into='x'))) is None
    assert find_policy_fault(Policy(extract=True)) is not None  # type: ignore[arg-type]


def test_folders() -> None:
    """Beside the archive, or in the cache, where selections do not meet."""
    whole, some = Selection(), Selection(members=('a',))
    assert name_folder('a.tar.gz', some) == 'a'
    assert name_folder('/d/a', whole) == '/d/a.extracted'
    assert name_folder('/c/x-1', whole, '', '/c') == '/c/extracted/x-1/x-1.extracted'
    part = name_folder('/c/x-1.zip', some, 'd.zip', '/c')
    # The folder of an earlier version is found again.
    assert part == '/c/extracted/x-1.zip/d-938657de'
    assert name_folder('/c/x-1.zip', whole, cache='/c') == '/c/extracted/x-1.zip/x-1'
    assert part != name_folder('/c/x-1.zip', Selection(members=('b',)), 'd.zip', '/c')


def test_as_text() -> None:
    """For users, and as the values of the room for archives."""
    assert str(Extract()) == 'into a folder named after the archive'
    assert str(Extract(into='t', strip=2)) == 'into t, strip 2'
    assert Extract(max_ratio=5).limits == ExtractionLimits(max_ratio=5)


FILE = ExtractedFile(path='a', size_bytes=1, sha256='aa')
RECORD = ExtractionRecord(
    source='http://h/a.zip', size_bytes=9, sha256='00', selection=Selection(), extracted_at='',
    files=(FILE,),
)  # fmt: skip
EFFECT = ExtractArchive(
    archive='/d/a.zip', name='a.zip', source='http://h/a.zip', folder='/d/a', wanted=Extract(),
    patience=timedelta(0),
)  # fmt: skip
FOLDER = FolderSeen(is_there=True, is_folder=True)
WHOLE = replace(FOLDER, record=RECORD)
OTHER_MEMBERS = replace(RECORD, selection=Selection(strip=1))


@pytest.mark.parametrize(
    ('seen', 'sha256', 'decided'),
    [
        (FolderSeen(), '00', Unpack()),
        (FolderSeen(is_there=True), '00', 'it is not a folder'),
        (FOLDER, '00', Unpack(replaces=True)),
        (replace(FOLDER, other='own'), '00', 'it has another file, own'),
        (WHOLE, '00', None),
        (replace(WHOLE, other='own'), '00', None),
        (replace(WHOLE, missing=(FILE,)), '00', Unpack(restores=(FILE,))),
        (replace(WHOLE, changed=(FILE,)), '00', Unpack(restores=(FILE,), changed=(FILE,))),
        (WHOLE, '11', Unpack(replaces=True)),
        (replace(WHOLE, changed=(FILE,)), '11', Unpack(changed=(FILE,), replaces=True)),
        (replace(WHOLE, other='own'), '11', 'it has another file, own'),
        (replace(FOLDER, record=OTHER_MEMBERS), '00', Unpack(replaces=True)),
        (
            replace(FOLDER, record=replace(RECORD, source='http://h/b.zip')),
            '11',
            'it has the files of http://h/b.zip',
        ),
        (replace(FOLDER, record=replace(RECORD, source='http://h/b.zip')), '00', None),
    ],
)
def test_decisions(seen: FolderSeen, sha256: str, decided: object) -> None:
    """A table: what was seen, the digest of the archive, and what is done."""
    found = decide_folder(EFFECT, sha256, seen)
    if isinstance(decided, str):
        assert isinstance(found, DestinationUnusable)
        assert found.problem == decided
    else:
        assert found == decided


@pytest.mark.parametrize(
    ('name', 'version'),
    [
        ('00112233445566778899aabbccddeeff-3.tar.gz', ('00112233445566778899aabbccddeeff', 3)),
        ('00112233445566778899aabbccddeeff-12', ('00112233445566778899aabbccddeeff', 12)),
        ('00112233445566778899aabbccddeeff-0.zip', None),
        ('00112233445566778899AABBCCDDEEFF-1.zip', None),
        ('mine', None),
        ('.gone-00112233445566778899aabbccddeeff-3.zip', None),
    ],
)
def test_folders_of_extracted_files(name: str, version: tuple[str, int] | None) -> None:
    """Those of versions, and those that are being removed; others are a user's."""
    assert parse_version(name) == version
    assert is_extracted(name) is (version is not None or name.startswith('.gone-'))
