"""The lockfile of a manifest: its text, its damages, its entries, and what has changed since."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from tomllib import loads
from typing import Any

import pytest

from dlmachine.core.faults import InvalidInput
from dlmachine.core.http.body import FilePart, MultipartBody
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.manifest.comparison import (
    LockDifference,
    compare_lock,
    find_changes,
    find_repeated,
)
from dlmachine.core.manifest.entry_digest import entry_digest
from dlmachine.core.manifest.lock import (
    Lock,
    LockedFile,
    make_lock,
    parse_lock,
    read_written,
    write_lock,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy

A, B = 'a' * 64, 'b' * 64
FIRST = LockedFile(name='first', url='http://h/a', entry=A, size=5, sha256=B, etag='"v1"')
SECOND = LockedFile(
    name='two\nlines "b"', url='http://h/ä', entry=B, size=0, sha256=A, last_modified='Wed'
)
ROW = f'name = "t"\nurl = "u"\nentry = "{A}"\nsize = 1\nsha256 = "{B}"\n'


def test_a_lock_is_sorted_and_reads_back() -> None:
    """In any order, the same text; a version, no times."""
    one, other = (write_lock(make_lock(files)) for files in ((FIRST, SECOND), (SECOND, FIRST)))

    assert one == other
    assert one.splitlines()[:5] == [
        '# Written by dlmachine lock. Commit this file, and do not edit it.',
        'version = 1',
        '',
        '[[file]]',
        'name = "first"',
    ]
    assert parse_lock(loads(one), 'x').unwrap() == Lock(files=(FIRST, SECOND))
    assert parse_lock(loads(write_lock(Lock())), 'x').unwrap() == Lock()
    assert parse_lock({'version': 1}, 'x').unwrap() == Lock()


def test_a_later_format_is_refused() -> None:
    """The fault names the file."""
    assert parse_lock({'version': 2}, 'x.lock').failure() == InvalidInput(
        where='x.lock',
        problem='has the format 2, but this version of dlmachine reads format 1',
        advice='Install a newer dlmachine',
    )


def test_a_written_lock_is_read_as_it_is() -> None:
    """As its TOML would be; texts with escapes that TOML alone knows are left to TOML."""
    plain = replace(SECOND, name='two \\ "b" ä', etag='W/"\\"', last_modified='"a" "b"')
    text = write_lock(make_lock((FIRST, plain)))

    assert read_written(text) == Lock(files=(FIRST, plain)) == parse_lock(loads(text), 'x').unwrap()
    assert read_written(write_lock(Lock(files=(SECOND,)))) is None


@pytest.mark.parametrize(
    'change',
    [
        lambda text: text.replace('version = 1', 'version = 2'),
        lambda text: text.removeprefix('#'),
        lambda text: text.replace('size = 5', 'size = 05'),
        lambda text: text.replace('size = 5', 'size = 5 # five'),
        lambda text: text.replace('"first"', '"zzz"'),
        lambda text: text.replace('"first"', '"two"'),
        lambda text: text.replace('"first"', '""'),
        lambda text: text.replace('"first"', r'"\u0041"'),
        lambda text: text.replace('\n', '\r\n'),
        lambda text: text.replace(A, A.upper()),
        lambda text: f'{text}\n',
        lambda text: text[:-1],
        lambda text: text[: len(text) // 2],
    ],
)
def test_an_edited_lock_is_parsed_as_toml(change: Callable[[str], str]) -> None:
    """Other text than what is written is never guessed at."""
    text = write_lock(make_lock((FIRST, replace(SECOND, name='two'))))

    assert read_written(text) is not None
    assert change(text) != text
    assert read_written(change(text)) is None


def broken(**changed: object) -> str:
    """A lockfile with one entry, in which these values are others."""
    rows = dict(line.split(' = ') for line in ROW.splitlines()) | changed
    lines = (f'{name} = {value}' for name, value in rows.items() if value is not None)
    return 'version = 1\n[[file]]\n' + '\n'.join(lines)


@pytest.mark.parametrize(
    ('text', 'where', 'problem'),
    [
        ('', 'x.lock', 'has no format version'),
        ('version = "1"', 'x.lock', 'has no format version'),
        ('version = 0', 'x.lock', 'has no format version'),
        ('version = true', 'x.lock', 'has no format version'),
        ('version = 1\nx = 1', 'x.lock', 'has other names than version and file'),
        ('version = 1\nfile = 1', 'x.lock', 'has other names than version and file'),
        ('version = 1\nfile = [1]', 'x.lock, entry 1', 'is not a table'),
        (broken(name=None), 'x.lock, entry 1', 'has no name'),
        (broken(name='""'), 'x.lock, entry 1', "has '' as name, which must be text"),
        (broken(name='5'), 'x.lock, entry 1', 'has 5 as name, which must be text'),
        (broken(url=None), "x.lock, entry 't'", 'has no url'),
        (broken(url='"a\\nb"'), "x.lock, entry 't'", "has 'a\\nb' as url, which must be text on one line"),
        (broken(etag='5'), "x.lock, entry 't'", 'has 5 as etag, which must be text on one line'),
        (broken(size='1.0'), "x.lock, entry 't'", 'has 1.0 as size, which must be a number of bytes'),
        (broken(size='true'), "x.lock, entry 't'", 'has True as size, which must be a number of bytes'),
        (broken(size='-1'), "x.lock, entry 't'", 'has -1 as size, which must be a number of bytes'),
        (broken(sha256='"ab"'), "x.lock, entry 't'", "has 'ab' as sha256, which must be a SHA-256 digest of 64 hex digits"),
        (broken(entry=f'"{"A" * 64}"'), "x.lock, entry 't'", f"has '{'A' * 64}' as entry, which must be a SHA-256 digest of 64 hex digits"),
        (broken(path='"x"'), "x.lock, entry 't'", "has the unknown name 'path'"),
        (broken() + '\n[[file]]\n' + ROW, "x.lock, entry 't'", 'occurs twice'),
    ],
)  # fmt: skip
def test_a_damaged_lock_names_the_entry(text: str, where: str, problem: str) -> None:
    """And what to do: nothing is guessed."""
    found: Any = parse_lock(loads(text), 'x.lock').failure()

    assert (found.where, found.problem) == (where, problem)
    assert found.advice == 'Restore the lockfile, or remove it and lock the manifest again'


def test_a_later_format_asks_for_a_newer_version() -> None:
    """Whatever is in it."""
    found: Any = parse_lock({'version': 2, 'new': 1}, 'x.lock').failure()

    assert found.problem == 'has the format 2, but this version of dlmachine reads format 1'
    assert found.advice == 'Install a newer dlmachine'


def test_the_difference_is_by_name_and_digest() -> None:
    """Entries that are new, have changed, or are gone; in the order of the manifest."""
    lock = make_lock((FIRST, SECOND))

    found = compare_lock({'new': A, 'first': B}, lock)

    assert found == LockDifference(added=('new',), changed=('first',), removed=(SECOND.name,))
    assert found.unlocked == {'new', 'first'}
    assert not found.is_empty
    assert compare_lock({'first': A, SECOND.name: B}, lock) == LockDifference()
    assert LockDifference().is_empty
    assert str(LockDifference(added=tuple('abcdefg'), changed=('h',))) == (
        '7 added (a, b, c, d, e, 2 more), 1 changed (h)'
    )
    assert str(LockDifference(removed=tuple('abcde'))) == '5 removed (a, b, c, d, e)'


def test_every_difference_has_its_kind() -> None:
    """All names, in the order of the kinds."""
    difference = LockDifference(added=('a', 'b'), changed=('c',), removed=('d',))
    assert difference.entries == (
        ('added', 'a'),
        ('added', 'b'),
        ('changed', 'c'),
        ('removed', 'd'),
    )


def test_changes_are_those_of_bytes() -> None:
    """By name; entries that are new, gone, or have the same bytes are none."""
    new = replace(FIRST, sha256=A, size=1_234_567, etag='"v2"')
    same = replace(SECOND, etag='"v3"')
    before = {'first': FIRST, 'gone': FIRST, 'same': SECOND}
    (change,) = find_changes(before, {'new': FIRST, 'first': new, 'same': same})
    assert (change.old, change.new) == (FIRST, new)
    assert str(change) == f'first: 5 bytes, sha256 {B[:12]} -> 1,234,567 bytes, sha256 {A[:12]}'


def test_entries_of_a_lock_have_different_names() -> None:
    """The first repeated one is found."""
    assert find_repeated((name, number) for number, name in enumerate('abc')) is None
    assert find_repeated((name, number) for number, name in enumerate('abba')) == 'b'
    assert find_repeated((name, 'same') for name in 'abba') is None


def digest(url: str = 'http://h/t', policy: Policy | None = None, **words: Any) -> str:
    """The digest of an entry."""
    made = Descriptor.parse(url, **words).unwrap()
    return entry_digest(made, policy or Policy())


@pytest.mark.parametrize(
    'words',
    [
        {'url': 'http://h/u'},
        {'query': {'a': 1}},
        {'method': 'POST'},
        {'headers': {'Accept': 'text/csv'}},
        {'json': {'a': 1}},
        {'data': 'a'},
        {'post': {'a': 1}},
        {'multipart': {'a': '1'}},
        {'policy': Policy(checksum=Checksum('md5', '0' * 32))},
        {'policy': Policy(checksum_file=ChecksumList('SUMS'))},
        {'policy': Policy(checksum_file=ChecksumList('http://h/SUMS'))},
    ],
)
def test_what_says_which_bytes_changes_the_digest(words: dict[str, Any]) -> None:
    """Request and checksum."""
    assert digest(**words) != digest()


@pytest.mark.parametrize(
    'words',
    [
        {'mirrors': ['http://m/t']},
        {'verify': False},
        {'headers': {'User-Agent': 'x'}},
        {'policy': Policy(retries=9, user_agent='x')},
        {'query': {'day': '1'}, 'key_ignores_query': ['day']},
        {'headers': {'X-Day': '1'}, 'key_without': ['X-Day']},
    ],
)
def test_what_says_how_to_get_them_does_not(words: dict[str, Any]) -> None:
    """Other addresses of the same file, and options."""
    assert digest(**words) == digest()


@pytest.mark.parametrize(
    ('one', 'two'),
    [
        ({'url': 'http://me:pass-1@h/t?token=one-1'}, {'url': 'http://me:pass-2@h/t?token=two-2'}),
        ({'query': {'api_key': 'one-1'}}, {'query': {'api_key': 'two-2'}}),
        ({'headers': {'Authorization': 'Bearer one-1'}}, {'headers': {'Authorization': 'Bearer two-2'}}),
        ({'headers': {'X-Own': 'one-1'}, 'secret_names': ['X-Own']}, {'headers': {'X-Own': 'two-2'}, 'secret_names': ['X-Own']}),
        ({'post': {'password': 'one-1', 'a': 1}}, {'post': {'password': 'two-2', 'a': 1}}),
        ({'json': {'password': 'one', 'a': 1}}, {'json': {'password': 'two', 'a': 1}}),
        ({'multipart': {'password': 'one'}}, {'multipart': {'password': 'two'}}),
        ({'multipart': {'mine': 'one'}, 'secret_names': ['mine']}, {'multipart': {'mine': 'two'}, 'secret_names': ['mine']}),
        ({'json': {'mine': 'one'}, 'secret_names': ['mine']}, {'json': {'mine': 'two'}, 'secret_names': ['mine']}),
        ({'url': 'http://h/one-1', 'mirrors': ['http://h/x?token=one-1']}, {'url': 'http://h/two-2', 'mirrors': ['http://h/x?token=two-2']}),
        ({'multipart': {'note': 'is one-1'}, 'headers': {'X-Token': 'one-1'}}, {'multipart': {'note': 'is two-2'}, 'headers': {'X-Token': 'two-2'}}),
        ({'data': 'is one-1', 'headers': {'X-Token': 'one-1'}}, {'data': 'is two-2', 'headers': {'X-Token': 'two-2'}}),
    ],
)  # fmt: skip
def test_a_secret_does_not_count(one: dict[str, Any], two: dict[str, Any]) -> None:
    """A rotated token is not a change, and the digest does not tell what it was."""
    assert digest(**one) == digest(**two)


@pytest.mark.parametrize(
    ('words', 'written'),
    [
        ({}, '"method":"GET","url":"http://h/t","v":1}\n'),
        ({'method': 'PUT', 'mirrors': ['http://m/t']}, '"method":"PUT","url":"http://h/t","v":1}\n'),
        ({'policy': Policy(checksum=Checksum('md5', '0' * 32))}, f'"method":"GET","url":"http://h/t","v":1}}\nmd5:{"0" * 32}'),
        ({'policy': Policy(checksum_file=ChecksumList('/a/b\udcff'))}, '"method":"GET","url":"http://h/t","v":1}\nb\udcff'),
        ({'policy': Policy(checksum_file=ChecksumList('/a/b\udcff')), 'mirrors': ['http://m/t']}, '"method":"GET","url":"http://h/t","v":1}\nb\udcff'),
        ({'policy': Policy(checksum_file=ChecksumList('http://h/a/b'))}, '"method":"GET","url":"http://h/t","v":1}\nhttp://h/a/b'),
        ({'auth': ('me', 'planted')}, '"method":"GET","url":"http://h/t","v":1}\n'),
    ],
)  # fmt: skip
def test_digests_in_lockfiles_stay_valid(words: dict[str, Any], written: str) -> None:
    """They are those of this text, in every version of dlmachine."""
    text = f'{{"body":null,"headers":[],{written}'
    assert digest(**words) == sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()


def test_the_content_of_a_part_counts_unless_it_is_secret() -> None:
    """Its name says so."""
    assert digest(multipart={'note': 'one'}) != digest(multipart={'note': 'two'})


def test_the_folder_of_a_checksum_file_does_not_count() -> None:
    """It is another one on another computer."""
    one, two, other = (
        Policy(checksum_file=ChecksumList(path)) for path in ('/a/SUMS', '/b/SUMS', '/a/other')
    )

    assert digest(policy=one) == digest(policy=two) != digest(policy=other)


def test_a_file_counts_by_its_bytes() -> None:
    """And bytes that are not text as they are."""
    one, two = (
        FilePart(name='f', path='/x', filename='x', content_type='text/plain', sha256=sha256)
        for sha256 in (A, B)
    )

    assert digest(body=MultipartBody((one,))) != digest(body=MultipartBody((two,)))
    assert digest(data=b'\xff') != digest(data=b'\xfe')


def test_the_rest_of_a_json_body_counts() -> None:
    """Also beside a secret."""
    one, two = ({'password': 'x', 'query': name} for name in ('a', 'b'))

    assert digest(json=one) != digest(json=two)
