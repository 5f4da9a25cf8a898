"""Files and parts: one contract for the disk and for memory."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from errno import EACCES, ENOSPC
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import AnswerUnusable, BodyTooLarge, ChecksumUnknown, StorageFailed
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import (
    CheckCopy,
    Discard,
    OpenPart,
    Publish,
    ReadChecksums,
    Unpublish,
)
from dlmachine.core.protocol.events import (
    ChecksumsRead,
    CopyConfirmed,
    CopyMissing,
    Discarded,
    EffectFailed,
    NameTaken,
    Published,
    Unpublished,
)
from dlmachine.core.protocol.ports import Files, Part, PartError
from dlmachine.core.spec.destination import AtPath, InMemory, PathKind
from dlmachine_adapters.fakes import ManualClock, MemoryFiles
from dlmachine_adapters.local_files import LocalFiles

DATA = bytes(range(256)) * 64
BIG = DATA * 512
DIGEST = sha256(DATA).hexdigest()


@dataclass
class Disk:
    """The files under test, and how a test looks at them."""

    files: Files
    root: str
    read: Callable[[str], bytes]
    write: Callable[[str, bytes], Any]
    paths: Callable[[], list[str]]
    opened: list[Part] = field(default_factory=list)

    def path(self, name: str) -> str:
        """A path on this disk."""
        return str(Path(self.root, name))

    def part(self, stem: str = 'stem', **wanted: Any) -> Part:
        """An open part beside the root."""
        opened = self.files.open_part(OpenPart(beside=self.root, stem=stem, **wanted))
        assert not isinstance(opened, EffectFailed), opened
        self.opened.append(opened)
        return opened


@pytest.fixture(params=['disk', 'memory'])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Every implementation in turn; parts that a test leaves open are closed."""
    made = _memory() if request.param == 'memory' else _local(tmp_path / 'root')
    yield made
    for part in made.opened:
        part.discard(Discard())


def _memory() -> Disk:
    fake = MemoryFiles(ManualClock())
    return Disk(fake, '/root', fake.read, fake.write, lambda: list(fake.paths))


def _local(root: Path) -> Disk:
    root.mkdir()
    return Disk(
        LocalFiles(ManualClock()),
        str(root),
        lambda path: Path(path).read_bytes(),
        lambda path, data: Path(path).write_bytes(data),
        lambda: sorted(str(path) for path in root.rglob('*') if path.is_file()),
    )


def _fill(part: Part, data: bytes = DATA, **taking: Any) -> None:
    part.begin(StoreBody(**taking))
    part.write(data)
    part.finish()


def _end(part: Part, data: bytes) -> None:
    part.write(data)
    part.finish()


def test_bytes_appear_under_their_name(disk: Disk) -> None:
    """No file exists before the publication, and only the file after it."""
    part, path = disk.part(), disk.path('x.bin')
    part.begin(StoreBody())
    part.write(DATA[:1000])
    part.write(memoryview(DATA)[1000:])
    received = part.finish()

    assert path not in disk.paths()
    assert (received.size_bytes, received.wire_bytes, received.sha256) == (
        len(DATA),
        len(DATA),
        DIGEST,
    )
    published = part.publish(Publish(place=AtPath(path)))
    assert isinstance(published, Published)
    assert published.mtime_ns is not None
    assert (published.at, published.path) == (ManualClock().now(), path)
    assert (disk.read(path), disk.paths()) == (DATA, [path])


def test_a_part_in_memory_becomes_a_buffer(disk: Disk) -> None:
    """The buffer is at its beginning, and exists only after the publication."""
    part = disk.files.open_part(OpenPart(beside=None, stem='stem'))
    assert not isinstance(part, EffectFailed)
    _fill(part)

    before = part.buffer
    published = part.publish(Publish(place=InMemory()))
    part.discard(Discard())
    after = part.buffer

    assert before is None
    assert published == Published(at=published.at, path=None)
    assert after is not None
    assert after.read() == DATA


def test_an_empty_body_is_a_file(disk: Disk) -> None:
    """An empty body is valid."""
    part, path = disk.part(), disk.path('empty')
    part.begin(StoreBody(wire_bytes=0))

    assert part.finish().sha256 == sha256(b'').hexdigest()
    assert isinstance(part.publish(Publish(place=AtPath(path))), Published)
    assert disk.read(path) == b''


def test_other_digests_are_computed_on_the_way(disk: Disk) -> None:
    """Those that the decision requires; SHA-256 and the first bytes always."""
    part = disk.part()
    part.begin(StoreBody(algorithms=('md5',)))
    part.write(DATA)
    received = part.finish()

    assert received.digests == (('md5', md5(DATA).hexdigest()),)
    assert received.sha256 == DIGEST
    assert received.start == DATA[:1024]


@pytest.mark.parametrize('offset', [0, 10, 40])
def test_a_gzip_stream_is_followed_from_its_first_byte(disk: Disk, offset: int) -> None:
    """After a resume, the bytes before the offset are included."""
    whole = gzip.compress(DATA, mtime=0)
    for data, problem in ((whole, None), (whole[:-1], 'is a gzip stream that ends too early')):
        part = disk.part()
        part.begin(StoreBody(validator='"v"', checks_gzip=True))
        part.write(data[:offset] + b'x')
        part.begin(StoreBody(offset=offset, validator='"v"', checks_gzip=True))
        part.write(data[offset:])
        assert part.finish().gzip_problem == problem


def test_what_is_in_a_part_can_be_looked_at(disk: Disk) -> None:
    """The complete body as a separate file; the part is not affected."""
    part, path = disk.part(), disk.path('x')
    _fill(part)
    with part.view() as file:
        assert file.read() == DATA
    assert isinstance(part.publish(Publish(place=AtPath(path))), Published)
    assert disk.read(path) == DATA


def test_a_list_of_checksums_is_read(disk: Disk) -> None:
    """Its text, or a fault that names it."""
    path = disk.path('SHA256SUMS')
    missing = disk.files.read_checksums(ReadChecksums(path=path, max_bytes=99))
    disk.write(path, b'00  x\n')
    read = disk.files.read_checksums(ReadChecksums(path=path, max_bytes=99))

    assert isinstance(missing, EffectFailed)
    assert isinstance(missing.fault, StorageFailed)
    assert missing.fault.path == path
    assert isinstance(read, ChecksumsRead)
    assert read.text == '00  x\n'


def test_a_large_file_is_not_a_checksum_file(disk: Disk) -> None:
    """A file passed by mistake is not read completely."""
    path = disk.path('genome.fa')
    disk.write(path, b'x' * 100)
    event = disk.files.read_checksums(ReadChecksums(path=path, max_bytes=99))

    assert isinstance(event, EffectFailed)
    assert isinstance(event.fault, ChecksumUnknown)


@pytest.mark.parametrize('offset', [0, 1, 5000, len(DATA)])
def test_going_on_keeps_what_is_before_the_offset(disk: Disk, offset: int) -> None:
    """Size and digests are those of the complete file, the wire bytes those of this exchange."""
    part, path = disk.part(), disk.path('x')
    part.begin(StoreBody(validator='"v"'))
    part.write(DATA)
    part.begin(StoreBody(offset=offset, validator='"v"', algorithms=('md5',)))
    part.write(b'tail')
    received = part.finish()
    whole = DATA[:offset] + b'tail'

    assert received.size_bytes == part.size_bytes == len(whole)
    assert received.wire_bytes == 4
    assert received.sha256 == sha256(whole).hexdigest()
    assert received.digests == (('md5', md5(whole).hexdigest()),)
    assert isinstance(part.publish(Publish(place=AtPath(path))), Published)
    assert disk.read(path) == whole


def test_going_on_behind_the_end_is_refused(disk: Disk) -> None:
    """A part never has a hole."""
    part = disk.part()
    _fill(part)

    with pytest.raises(PartError, match='are to be kept'):
        part.begin(StoreBody(offset=len(DATA) + 1))


@pytest.mark.parametrize('limit', [0, 100, len(DATA) - 1])
def test_the_limit_holds(disk: Disk, limit: int) -> None:
    """A longer body stops the transport; the caller adds the URL to the fault."""
    part = disk.part()
    part.begin(StoreBody(limit_bytes=limit))

    with pytest.raises(PartError) as caught:
        part.write(DATA)
    assert caught.value.fault == BodyTooLarge(url='', limit_bytes=limit, size_bytes=None)


def test_the_limit_counts_what_was_there(disk: Disk) -> None:
    """It limits the complete size, not the rest."""
    part = disk.part()
    _fill(part)
    part.begin(StoreBody(offset=len(DATA), limit_bytes=len(DATA) + 4))
    part.write(b'1234')
    with pytest.raises(PartError):
        part.write(b'5')


def test_a_coded_body_is_decoded(disk: Disk) -> None:
    """Bytes and digest are those of the content, the wire bytes those that arrived."""
    part, coded = disk.part(), gzip.compress(BIG)
    part.begin(StoreBody(decoder='gzip'))
    for start in range(0, len(coded), 1000):
        part.write(bytearray(coded[start : start + 1000]))
    received = part.finish()

    assert (received.size_bytes, received.wire_bytes) == (len(BIG), len(coded))
    assert received.sha256 == sha256(BIG).hexdigest()


def test_a_bomb_meets_the_limit(disk: Disk) -> None:
    """Decoded bytes are counted as they are decoded."""
    part = disk.part()
    part.begin(StoreBody(decoder='gzip', limit_bytes=1 << 20))
    with pytest.raises(PartError) as caught:
        part.write(gzip.compress(bytes(1 << 26)))
    assert isinstance(caught.value.fault, BodyTooLarge)
    assert part.size_bytes <= 1 << 20


@pytest.mark.parametrize('coded', [gzip.compress(DATA)[:-3], b'<html>'])
def test_a_body_without_its_coding_is_refused(disk: Disk, coded: bytes) -> None:
    """Truncated, or not coded at all."""
    part = disk.part()
    part.begin(StoreBody(decoder='gzip'))
    with pytest.raises(PartError) as caught:
        _end(part, coded)
    assert isinstance(caught.value.fault, AnswerUnusable)


def test_no_body_at_all_needs_no_coding(disk: Disk) -> None:
    """An empty response stays empty, with any coding."""
    part = disk.part()
    part.begin(StoreBody(decoder='gzip'))

    assert part.finish().size_bytes == 0


def test_an_existing_file_is_replaced(disk: Disk) -> None:
    """Atomically, and only at the end."""
    path = disk.path('x')
    disk.write(path, b'old')
    part = disk.part()
    _fill(part)

    assert disk.read(path) == b'old'
    part.publish(Publish(place=AtPath(path)))
    assert disk.read(path) == DATA


def test_without_replace_an_existing_file_stays(disk: Disk) -> None:
    """The other file stays; the part may get another name."""
    path, other = disk.path('x-1'), disk.path('x-2')
    disk.write(path, b'theirs')
    part = disk.part()
    _fill(part)

    assert isinstance(part.publish(Publish(place=AtPath(path), replace=False)), NameTaken)
    assert isinstance(part.publish(Publish(place=AtPath(other), replace=False)), Published)
    assert (disk.read(path), disk.read(other)) == (b'theirs', DATA)


def test_what_was_published_moves_on(disk: Disk) -> None:
    """A second publication moves it from the first path to the second."""
    first, second = disk.path('x-1'), disk.path('x-2')
    part = disk.part()
    _fill(part)
    part.publish(Publish(place=AtPath(first), replace=False))
    moved = part.publish(Publish(place=AtPath(second), replace=False))

    assert isinstance(moved, Published)
    assert (moved.path, moved.mtime_ns is None) == (second, False)
    assert disk.paths() == [second]
    assert disk.read(second) == DATA


def test_a_part_that_is_given_up_leaves_nothing(disk: Disk) -> None:
    """No file, no part, no note."""
    part = disk.part()
    _fill(part, BIG, validator='"v"')

    assert isinstance(part.discard(Discard()), Discarded)
    assert disk.paths() == []
    assert disk.files.see_part(disk.root, 'stem') is None


def test_giving_up_what_was_published_leaves_it(disk: Disk) -> None:
    """The file belongs to the caller then."""
    part, path = disk.part(), disk.path('x')
    _fill(part)
    part.publish(Publish(place=AtPath(path)))
    part.discard(Discard())

    assert disk.read(path) == DATA


def test_a_kept_part_is_resumed(disk: Disk) -> None:
    """It is seen with its size and validator, adopted once, and completed."""
    part, path = disk.part(), disk.path('x')
    part.begin(StoreBody(validator='"v"', wire_bytes=2 * len(BIG)))
    part.write(BIG)
    part.discard(Discard(keep=True))
    seen = disk.files.see_part(disk.root, 'stem')

    assert seen is not None
    assert (seen.size_bytes, seen.validator) == (len(BIG), '"v"')
    assert disk.files.see_part(disk.root, 'another') is None
    assert disk.files.see_part(None, 'stem') is None
    taken = disk.part(adopt=seen)
    assert disk.files.see_part(disk.root, 'stem') is None
    assert disk.part(adopt=seen).size_bytes == 0
    assert taken.size_bytes == len(BIG)
    taken.begin(StoreBody(offset=len(BIG), validator='"v"'))
    taken.write(b'rest')
    assert taken.finish().sha256 == sha256(BIG + b'rest').hexdigest()
    taken.publish(Publish(place=AtPath(path)))
    assert disk.read(path) == BIG + b'rest'


def test_a_part_without_a_validator_is_not_kept(disk: Disk) -> None:
    """Without one, it cannot be resumed safely."""
    part = disk.part()
    _fill(part, BIG)
    part.discard(Discard(keep=True))

    assert disk.files.see_part(disk.root, 'stem') is None
    assert disk.paths() == []


def test_two_parts_of_one_thing_never_mix(disk: Disk) -> None:
    """Without locks, two owners write two parts."""
    one, two = disk.part(), disk.part()
    one.begin(StoreBody(validator='"v"'))
    two.begin(StoreBody(validator='"v"'))
    one.write(b'1' * 3_000_000)
    two.write(b'2' * 3_000_000)
    assert one.finish().sha256 == sha256(b'1' * 3_000_000).hexdigest()
    two.discard(Discard())
    one.publish(Publish(place=AtPath(disk.path('x'))))
    assert disk.read(disk.path('x')) == b'1' * 3_000_000


def test_a_copy_is_confirmed_by_presence_and_size(disk: Disk) -> None:
    """And by its digest, if one is set."""
    path = disk.path('x')
    disk.write(path, DATA)
    right, wrong = Checksum('sha256', DIGEST), Checksum('sha256', DIGEST[::-1])
    cases = {
        CheckCopy(path=path, size_bytes=len(DATA)): CopyConfirmed,
        CheckCopy(path=path, size_bytes=None): CopyConfirmed,
        CheckCopy(path=path, size_bytes=1): CopyMissing,
        CheckCopy(path=path, size_bytes=None, checksum=right): CopyConfirmed,
        CheckCopy(path=path, size_bytes=None, checksum=wrong): CopyMissing,
        CheckCopy(path=disk.path('y'), size_bytes=None): CopyMissing,
    }

    assert {effect: type(disk.files.confirm(effect)) for effect in cases} == cases


def test_unpublishing_takes_a_file_away(disk: Disk) -> None:
    """A missing file is not an error."""
    path = disk.path('x')
    disk.write(path, DATA)

    assert isinstance(disk.files.unpublish(Unpublish(path=path)), Unpublished)
    assert isinstance(disk.files.unpublish(Unpublish(path=path)), Unpublished)
    assert disk.paths() == []


def test_paths_are_seen_as_what_they_are(disk: Disk) -> None:
    """A file, a folder, nothing; and a file in the way."""
    disk.write(disk.path('file'), DATA)
    kinds = {name: disk.files.see_path(disk.path(name)) for name in ('file', 'new', 'file/x/y')}

    assert disk.files.see_path(disk.root).kind is PathKind.FOLDER
    assert [seen.kind for seen in kinds.values()] == [
        PathKind.FILE,
        PathKind.MISSING,
        PathKind.MISSING,
    ]
    assert [seen.blocker for seen in kinds.values()] == [None, None, disk.path('file')]


@pytest.mark.parametrize('operation', ['create', 'write', 'publish', 'remove'])
@pytest.mark.parametrize('code', [ENOSPC, EACCES])
def test_the_fake_fails_on_request(operation: str, code: int) -> None:
    """Every operation can be made to fail, once."""
    files = MemoryFiles(ManualClock())
    files.fail_next(operation, code)
    faults: list[object] = []
    opened = files.open_part(OpenPart(beside='/d', stem='s'))
    if isinstance(opened, EffectFailed):
        faults.append(opened.fault)
        opened = files.open_part(OpenPart(beside='/d', stem='s'))
    assert not isinstance(opened, EffectFailed)
    for _ in range(2):
        opened.begin(StoreBody())
        try:
            opened.write(DATA)
        except PartError as error:
            faults.append(error.fault)
    for _ in range(2):
        published = opened.publish(Publish(place=AtPath('/d/x')))
        faults += [published.fault] if isinstance(published, EffectFailed) else []
    removed = files.unpublish(Unpublish(path='/d/x'))
    faults += [removed.fault] if isinstance(removed, EffectFailed) else []

    assert [type(fault) for fault in faults] == [StorageFailed]
    assert getattr(faults[0], 'operation', '') == operation


def test_a_body_that_does_not_fit_is_refused_before_writing(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By every implementation, for a body, a range and segments alike."""
    if isinstance(disk.files, MemoryFiles):
        disk.files.free_bytes = 10
    else:
        monkeypatch.setattr('dlmachine_adapters.parts.file_store.free_bytes', lambda *_: 10)
    part = disk.part()
    part.begin(StoreBody(wire_bytes=10))
    part.write(b'0123456789')
    part.begin(StoreBody(offset=5, wire_bytes=10))
    for taking in (StoreBody(wire_bytes=11), StoreBody(wire_bytes=5, whole_bytes=11)):
        with pytest.raises(PartError) as caught:
            part.begin(taking)
        assert isinstance(caught.value.fault, StorageFailed)
        assert caught.value.fault.problem == 'disk full (needs 11 B, 10 B free)'


def test_free_space_is_not_checked_for_memory(disk: Disk) -> None:
    """The free memory is unknown."""
    part = disk.files.open_part(OpenPart(beside=None, stem='stem'))
    assert not isinstance(part, EffectFailed)
    part.begin(StoreBody(wire_bytes=1 << 60))
    part.discard(Discard())


def test_a_body_for_a_taken_path_is_refused(disk: Disk) -> None:
    """The part keeps its bytes; an empty file is replaced or refused once the body is complete."""
    part, path = disk.part(), disk.path('taken')
    part.begin(StoreBody(new_path=path))
    part.write(DATA)
    disk.write(path, b'')
    part.begin(StoreBody(offset=len(DATA), new_path=path))
    disk.write(path, b'mine')
    with pytest.raises(PartError, match='is a file that dlmachine did not record'):
        part.begin(StoreBody(new_path=path))
    assert part.size_bytes == len(DATA)
    assert disk.read(path) == b'mine'
