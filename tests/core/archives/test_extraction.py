"""Where members go, which are refused, and the limits."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core.archives.extraction import (
    RECORD_NAME,
    ExtractionLimits,
    Place,
    Placing,
    Selection,
)
from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.faults.printing import shortened

FILE, FOLDER = MemberKind.FILE, MemberKind.FOLDER
SYMBOLIC, HARD = MemberKind.SYMBOLIC_LINK, MemberKind.HARD_LINK


def member(name: str, kind: MemberKind = FILE, link: str = '', mode: int | None = None) -> Member:
    """A member."""
    return Member(name=name, kind=kind, size_bytes=0, link=link, mode=mode)


def place_all(members: Iterable[Member], selection: Selection | None = None) -> list[str] | str:
    """The paths of the members that are extracted, or why one is refused."""
    placing, paths = Placing(selection or Selection()), []
    for one in members:
        placed = placing.place(one)
        if not is_successful(placed):
            return placed.failure()
        place = placed.unwrap()
        if place is not None:
            paths.append(place.path)
    return paths


def place(one: Member) -> Place:
    """The place of a single member."""
    found = Placing(Selection()).place(one).unwrap()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ('name', 'problem'),
    [
        ('/etc/passwd', "'/etc/passwd' is an absolute path"),
        ('\\etc', "'\\etc' is an absolute path"),
        ('C:\\x', "'C:\\x' is an absolute path"),
        ('c:x', "'c:x' is an absolute path"),
        ('../x', "'../x' leads outside the folder"),
        ('a/../../x', "'a/../../x' leads outside the folder"),
        ('a\\..\\..\\x', "'a\\..\\..\\x' leads outside the folder"),
        ('a/..', "'a/..' leads outside the folder"),
        ('a\nb', 'the name of a member contains control characters'),
        ('a\x00', 'the name of a member contains control characters'),
        ('a\udce9', 'the name of a member is not in UTF-8'),
        ('n' * 256, f"'{'n' * 77}...' is too long for a file system"),
        ('é' * 128, f"'{'é' * 77}...' is too long for a file system"),
        ('a/' * 1024 + 'x', f"'{('a/' * 128)[:77]}...' is too long for a file system"),
        ('a/' * 128 + 'x', f"'{('a/' * 128)[:77]}...' lies below more than 127 folders"),
        ('a/' * 1100 + 'x', f"'{('a/' * 128)[:77]}...' is too long for a file system"),
        ('a/nul.txt', "'a/nul.txt' has the name 'nul.txt', which is reserved"),
        ('COM1', "'COM1' has the name 'COM1', which is reserved"),
        ('.dlmachine/x', "'.dlmachine/x' has the name '.dlmachine', which is reserved"),
        (
            RECORD_NAME.upper(),
            f"'{RECORD_NAME.upper()}' has the name '{RECORD_NAME.upper()}', which is reserved",
        ),
    ],
)
def test_names_that_are_refused(name: str, problem: str) -> None:
    """Whatever the kind of the member."""
    for kind in (FILE, FOLDER, SYMBOLIC):
        assert place_all([member(name, kind, 'x')]) == problem


@pytest.mark.parametrize(
    ('name', 'path'),
    [
        ('a/b.tsv', 'a/b.tsv'),
        ('./a//b.tsv', 'a/b.tsv'),
        ('a\\b.tsv', 'a/b.tsv'),
        ('.gitignore', '.gitignore'),
        ('12:30.nc', '12:30.nc'),
        ('a..b/c', 'a..b/c'),
        ('n' * 255, 'n' * 255),
        ('a/' * 127 + 'ab', 'a/' * 127 + 'ab'),
        ('日本/é', '日本/é'),
    ],
)
def test_names_that_are_taken(name: str, path: str) -> None:
    """With folders as this system writes them."""
    assert place(member(name)) == Place(kind=FILE, path=path)


@pytest.mark.parametrize('name', ['', '.', './', '/'])
def test_the_folder_itself_is_left_out(name: str) -> None:
    """Many a tar archive has it; only `/` is refused."""
    found = place_all([member(name, FOLDER)])

    assert found == ("'/' is an absolute path" if name == '/' else [])


def test_permissions_are_those_of_new_files() -> None:
    """Executable or not; no set-uid, set-gid or sticky bit."""
    modes = {None: 0o666, 0o644: 0o666, 0o755: 0o777, 0o4711: 0o777, 0o6600: 0o666, 0o000: 0o666}

    assert {mode: place(member('a', mode=mode)).mode for mode in modes} == modes


@pytest.mark.parametrize(
    ('members', 'problem'),
    [
        ([member('a'), member('a')], "'a' occurs twice"),
        ([member('d./x'), member('d/y')], "'d' and 'd.' have the same name on some file systems"),
        (
            [member('d/x'), member('d/x..')],
            "'d/x..' and 'd/x' have the same name on some file systems",
        ),
        ([member('a'), member('A')], "'A' and 'a' have the same name on some file systems"),
        (
            [member('é'), member('e\u0301')],
            "'e\u0301' and 'é' have the same name on some file systems",
        ),
        ([member('ß'), member('SS')], "'SS' and 'ß' have the same name on some file systems"),
        ([member('a'), member('a. ')], "'a. ' and 'a' have the same name on some file systems"),
        ([member('d/x'), member('D/y')], "'D' and 'd' have the same name on some file systems"),
        ([member('a'), member('a/b')], "'a' is both a file and a folder"),
        ([member('a/b'), member('a')], "'a' is both a file and a folder"),
        ([member('d', SYMBOLIC, '.'), member('d/x')], "'d' is both a file and a folder"),
        ([member('d/x'), member('d', SYMBOLIC, '.')], "'d' is both a file and a folder"),
        ([member('a', FOLDER), member('a', SYMBOLIC, 'b')], "'a' is both a file and a folder"),
        ([member('p', MemberKind.SPECIAL)], "'p' is a device or a pipe"),
    ],
)
def test_names_that_meet(members: list[Member], problem: str) -> None:
    """A name belongs to one member, on every file system."""
    assert place_all(members) == problem


def test_names_that_do_not_meet() -> None:
    """Only dots and spaces at the end of a name do not count."""
    names = ['a', 'aX', '.a', 'd/a', 'd/e/a', 'd/e.e/a']

    assert place_all([member(name) for name in names]) == names


def test_a_folder_may_be_named_again() -> None:
    """Before, between and after its files."""
    members = [member('d', FOLDER), member('d/x'), member('d/', FOLDER), member('d/y')]

    assert place_all(members) == ['d', 'd/x', 'd', 'd/y']


@pytest.mark.parametrize(
    ('name', 'link', 'is_inside'),
    [
        ('l', 'a', True),
        ('l', './a//b/', True),
        ('d/l', '../a', True),
        ('d/l', './../a', True),
        ('d/e/l', '..//../a', True),
        ('d/e/l', '../../a', True),
        ('d/l', '..', True),
        ('l', '..', False),
        ('l', '../a', False),
        ('d/l', '../../a', False),
        ('l', '/etc/passwd', False),
        ('l', 'a/..', False),
        ('l', 'a/../..', False),
        ('l', '..\\x', False),
        ('l', '', False),
        ('l', 'a\nb', False),
        ('l', 'a\udce9', False),
        ('l', 'é' * 1_024, True),
        ('l', 'é' * 1_025, False),
    ],
)
def test_symbolic_links_stay_inside(name: str, link: str, is_inside: bool) -> None:
    """They go up only at the beginning, so that no chain of them leads outside."""
    found = place_all([member(name, SYMBOLIC, link)])

    said = f"'{name}' is a link to '{shortened(link)}', which may lead outside the folder"
    assert found == ([name] if is_inside else said)
    if is_inside:
        assert place(member(name, SYMBOLIC, link)) == Place(kind=SYMBOLIC, path=name, link=link)


def test_another_name_of_a_link_stays_inside_too() -> None:
    """A hard link to a symbolic one leads from where it is."""
    placing = Placing(Selection())
    for name, link in (('d/up', '..'), ('d/to', '../a'), ('f', 'a')):
        assert is_successful(placing.place(member(name, SYMBOLIC, link)))

    same = placing.place(member('e/to', HARD, 'd/to')).unwrap()
    again = placing.place(member('g/f', HARD, 'f')).unwrap()

    assert same == Place(kind=SYMBOLIC, path='e/to', link='../a')
    assert again == Place(kind=SYMBOLIC, path='g/f', link='a')
    for name, link, target in (('x', 'd/up', '..'), ('y', 'd/to', '../a'), ('z', 'e/to', '../a')):
        said = f"'{name}' is a link to '{target}', which may lead outside the folder"
        assert placing.place(member(name, HARD, link)).failure() == said


def test_hard_links_are_to_extracted_files() -> None:
    """Of a member that came before."""
    placing = Placing(Selection(strip=1))
    assert is_successful(placing.place(member('d/a')))
    linked = placing.place(member('d/b', HARD, './d/a')).unwrap()

    assert linked == Place(kind=HARD, path='b', link='a')
    said = "'c' is a hard link to 'd/nothing', which is not extracted"
    assert placing.place(member('d/c', HARD, 'd/nothing')).failure() == said
    itself = placing.place(member('d/e', HARD, 'd/e')).failure()
    assert itself == "'e' is a hard link to 'd/e', which is not extracted"


@pytest.mark.parametrize(
    ('selection', 'paths'),
    [
        (Selection(), ['readme.txt', 'd/a.tsv', 'd/e/b.tsv', 'd2/c.tsv']),
        (Selection(strip=1), ['a.tsv', 'e/b.tsv', 'c.tsv']),
        (Selection(strip=2), ['b.tsv']),
        (Selection(strip=3), []),
        (Selection(members=('d',)), ['d/a.tsv', 'd/e/b.tsv']),
        (Selection(members=('./d/',), strip=1), ['a.tsv', 'e/b.tsv']),
        (Selection(members=('d/a.tsv', 'readme.txt')), ['readme.txt', 'd/a.tsv']),
        (Selection(members=('*.tsv',)), []),
        (Selection(members=('d/*.tsv',)), ['d/a.tsv']),
        (Selection(members=('**.tsv',)), ['d/a.tsv', 'd/e/b.tsv', 'd2/c.tsv']),
        (Selection(members=('d*/*.tsv',)), ['d/a.tsv', 'd2/c.tsv']),
        (Selection(members=('nothing',)), []),
    ],
)
def test_selections(selection: Selection, paths: list[str]) -> None:
    """Files, folders and patterns; then folders are taken off."""
    names = ('readme.txt', 'd/a.tsv', 'd/e/b.tsv', 'd2/c.tsv')

    assert place_all([member(name) for name in names], selection) == paths


def test_folders_above_are_counted_once() -> None:
    """Each is one more that a disk has to hold."""
    placing = Placing(Selection(members=('d',)))
    for name in ('d/e/f', 'd/e/g', 'd/h', 'other/i'):
        placing.place(member(name))

    assert placing.count == len(['d', 'd/e', 'd/e/f', 'd/e/g', 'd/h'])


def test_many_stars_take_a_moment() -> None:
    """A manifest of others has patterns, and an archive of others has names."""
    selection = Selection(members=('*a' * 40 + 'b', '**a' * 40 + 'b'))

    assert selection.rest_of('a' * 2_000) == ''
    assert selection.rest_of('a' * 2_000 + 'b') != ''


def test_limits() -> None:
    """Of members, of bytes, and of their ratio above 64 MiB."""
    limits = ExtractionLimits(max_members=3, max_extracted_bytes=100_000_000, max_ratio=10)
    large = 64 * 1024 * 1024 + 10

    assert limits.find_excess(3, 100_000_000, 10_000_000) is None
    assert limits.find_excess(4, 0, 1) == ('has more members than the limit of 3', 'max_members')
    bytes_ = ('unpacks to more bytes than the limit of 100,000,000', 'max_extracted_bytes')
    assert limits.find_excess(1, 100_000_001, 100_000_000) == bytes_
    ratio = ('unpacks to more than 10 times its size', 'max_ratio')
    assert limits.find_excess(1, large - 10, 0) is None
    assert limits.find_excess(1, large, 0) == ratio
    assert limits.find_excess(1, large, large // 10 + 1) is None
    assert limits.find_excess(1, large, large // 10 - 1) == ratio
    assert ExtractionLimits().find_excess(100_000, 10**15, 10**12) is None


PARTS = st.sampled_from(
    ['a', 'A', 'b', '..', '.', '', 'é', 'e\u0301', 'nul', 'x.', 'C:', '.dlmachine']
)
NAMES = st.builds('/'.join, st.lists(PARTS, min_size=1, max_size=4))
MEMBERS = st.builds(member, NAMES, st.sampled_from(MemberKind), NAMES)


@given(st.lists(MEMBERS, max_size=8))
def test_nothing_is_placed_outside_and_no_name_twice(members: list[Member]) -> None:
    """Whatever an archive says; and nothing is below a link."""
    placing = Placing(Selection())
    places: list[Place] = []
    for one in members:
        placed = placing.place(one)
        if is_successful(placed) and (found := placed.unwrap()) is not None:
            places.append(found)

    for found in places:
        assert not {'', '.', '..'} & {*found.path.split('/')}
    others = [one.path for one in places if one.kind is not FOLDER]
    assert len({path.casefold() for path in others}) == len(others)
    for found in places:
        assert not any(found.path.startswith(f'{other}/') for other in others)


def test_wanted_members_that_are_not_there_are_known() -> None:
    """Names and patterns alike; without a selection nothing is missing."""
    placing = Placing(Selection(members=('a', 'b/*', 'c', 'd')))
    for name in ('b/x', 'c', 'e'):
        placing.place(member(name))
    assert placing.unmatched == ('a', 'd')
    assert Placing(Selection()).unmatched == ()


@pytest.mark.parametrize('names', [('a/x', 'x/y'), ('a/b/c', 'c/d'), ('a/b/c', 'b/c/d', 'c/e')])
def test_names_clash_within_a_folder_only(names: tuple[str, ...]) -> None:
    """A file may have the name of a folder that is elsewhere."""
    assert place_all(map(member, names)) == list(names)


def test_the_longest_path_is_accepted() -> None:
    """One byte more is refused."""
    folders = '/'.join(['d' * 127] * 16)
    assert place_all([member(folders)]) == [folders[:2_047]]
    assert place_all([member(f'{folders}d')]) == [f'{folders}d']
    assert isinstance(place_all([member(f'{folders}dd')]), str)


def test_only_the_owners_bit_makes_a_file_executable() -> None:
    """Whatever others may do with it."""
    assert place(member('a', mode=0o677)).mode == 0o666
    assert place(member('a', mode=0o100)).mode == 0o777
