"""Parts with segments, their notes, and the workers that fill them."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from errno import EIO
from hashlib import md5, sha256
from io import FileIO
from pathlib import Path
from typing import Any, cast

import pytest

from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.faults import AnswerUnusable, StorageFailed
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, ExchangeSegments, OpenPart, Publish, Reassemble
from dlmachine.core.protocol.events import EffectFailed, Published
from dlmachine.core.protocol.ports import Files, Part, PartError, Sink
from dlmachine.core.protocol.states import Failed
from dlmachine.core.spec.destination import AtPath, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.run import Run
from dlmachine_adapters.fakes import InTurn, ManualClock, MemoryFiles, Resource, memory_world
from dlmachine_adapters.files import io as writing
from dlmachine_adapters.files.io import write_all
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.parts import file_store, sidecar
from dlmachine_adapters.parts.folder import find_parts
from dlmachine_adapters.progress.metering import MeteredPart
from dlmachine_adapters.runtime.workers import ThreadWorkers
from tests.adapters.stores import a_target
from tests.builders import an_exchange
from tests.part_paths import new_note, note_path, read_note, usable_spans, write_note

URL = 'https://example.org/x'
MIB = 1 << 20
DATA = os.urandom(3 * MIB)
SIZE = len(DATA)
#: A beginning, and two later spans.
FRONT, MIDDLE, END = (0, MIB - 1), (MIB, 2 * MIB - 1), (2 * MIB, SIZE - 1)
FIRST = StoreBody(wire_bytes=MIB, validator='"v1"', url_digest='a', whole_bytes=SIZE)


@dataclass
class Disk:
    """Files under test; parts that a test leaves open are closed."""

    files: Files
    root: str
    read: Callable[[str], bytes]
    opened: list[Part] = field(default_factory=list)

    def part(self, adopt: PartSeen | None = None) -> Part:
        """An open part."""
        made = self.files.open_part(OpenPart(beside=self.root, stem='stem', adopt=adopt))
        assert not isinstance(made, EffectFailed), made
        self.opened.append(made)
        return made

    def seen(self) -> PartSeen:
        """The part that was kept."""
        found = self.files.see_part(self.root, 'stem')
        assert found is not None
        return found


@pytest.fixture(params=['disk', 'memory'])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Every implementation in turn."""
    clock = ManualClock()
    fake = MemoryFiles(clock)
    made = (
        Disk(fake, '/root', fake.read)
        if request.param == 'memory'
        else Disk(LocalFiles(clock), str(tmp_path), lambda path: Path(path).read_bytes())
    )
    yield made
    for part in made.opened:
        part.discard(Discard())


def asked(*spans: tuple[int, int], held: Spans = (FRONT,)) -> ExchangeSegments:
    """An effect for segments of DATA."""
    expect = an_exchange().expect
    return ExchangeSegments(
        exchange=an_exchange(
            Request(method='GET', url='http://h/x'), replace(expect, url_digest='a')
        ),
        spans=spans,
        held=held,
        whole_bytes=SIZE,
        validator='"v1"',
        connections=2,
    )


def begun(disk: Disk) -> Part:
    """A part with its first range."""
    part = disk.part()
    part.begin(FIRST)
    part.write(DATA[:MIB])
    received = part.finish()
    assert (received.size_bytes, received.wire_bytes, received.sha256) == (MIB, MIB, '')
    return part


def fill(sink: Sink, span: tuple[int, int], count: int | None = None) -> None:
    """Write a segment, or its beginning."""
    first, last = span
    sink.begin(StoreBody(offset=first, wire_bytes=last - first + 1, whole_bytes=SIZE))
    data = DATA[first : last + 1 if count is None else first + count]
    for at in range(0, len(data), 100_000):
        sink.write(data[at : at + 100_000])


def join() -> Reassemble:
    """Reassemble all of DATA."""
    return Reassemble(name='x', whole_bytes=SIZE, algorithms=('md5',))


def test_segments_become_one_file(disk: Disk) -> None:
    """Written in any order, reassembled with its digests, and published."""
    part = begun(disk)
    middle, end = part.split(asked(MIDDLE, END))
    fill(end, END)
    fill(middle, MIDDLE)
    assert end.finish().wire_bytes == MIB
    part.close_segments()
    received = part.reassemble(join())
    path = f'{disk.root}/x'

    assert part.size_bytes == SIZE
    assert (received.size_bytes, received.wire_bytes) == (SIZE, SIZE)
    assert received.sha256 == sha256(DATA).hexdigest()
    assert received.digests == (('md5', md5(DATA, usedforsecurity=False).hexdigest()),)
    assert received.start == DATA[:1024]
    assert isinstance(part.publish(Publish(place=AtPath(path))), Published)
    assert disk.read(path) == DATA


def test_a_part_with_holes_is_never_joined(disk: Disk) -> None:
    """Only the bytes before its first hole count."""
    part = begun(disk)
    middle, end = part.split(asked(MIDDLE, END))
    fill(middle, MIDDLE, 500_000)
    fill(end, END)
    part.close_segments()

    assert part.size_bytes == MIB + 500_000
    with pytest.raises(PartError) as raised:
        part.reassemble(join())
    assert isinstance(raised.value.fault, StorageFailed)
    with pytest.raises(PartError):
        part.begin(StoreBody(offset=MIB + 500_001, validator='"v1"', url_digest='a'))
    with pytest.raises(PartError):
        part.split(asked(MIDDLE, held=((0, 2 * MIB),)))


class SickFile(FileIO):
    """A file that cannot be truncated once it has bytes, as on a failing disk."""

    def truncate(self, size: int | None = None) -> int:
        """Truncate, or fail."""
        if os.fstat(self.fileno()).st_size:
            raise OSError(EIO, os.strerror(EIO))
        return super().truncate(size)


@pytest.fixture
def sick(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk on which the first range can be written, but no segment can begin."""
    if isinstance(disk.files, MemoryFiles):
        disk.files.fail_next('truncate', EIO, after_bytes=1)
    else:
        monkeypatch.setattr(file_store, 'FileIO', SickFile)
    return disk


def test_a_disk_that_fails_as_segments_begin(sick: Disk) -> None:
    """Before a segment is requested."""
    part = begun(sick)
    with pytest.raises(PartError) as raised:
        part.split(asked(MIDDLE, END))
    part.close_segments()
    fault = raised.value.fault

    assert isinstance(fault, StorageFailed)
    assert (fault.operation, fault.problem) == ('write', os.strerror(EIO).lower())
    assert OUR_FOLDER in fault.path
    assert part.size_bytes == MIB


def test_a_disk_that_fails_as_segments_begin_ends_the_download(sick: Disk) -> None:
    """With the same event from each implementation, and nothing is left."""
    world = memory_world({URL: Resource(DATA, etag='"v1"')}, has_cache=False)
    world.files = cast('MemoryFiles', sick.files)
    target, path = a_target(URL), f'{sick.root}/x'
    policy = Policy(dest=ToPath(path), segments=4)
    ahead = Run(target, policy, world)
    step = ahead.run_until(ahead.begin(world.observe(target, policy)))
    (fault,) = (event.fault for _, event in ahead.story if isinstance(event, EffectFailed))

    assert isinstance(fault, StorageFailed)
    assert fault.problem == os.strerror(EIO).lower()
    assert step.state == Failed(fault=replace(fault, tries=1))
    assert [type(effect) for effect, event in ahead.story if isinstance(event, EffectFailed)] == [
        ExchangeSegments
    ]
    assert len(world.requests) == 1
    assert sick.files.see_part(sick.root, 'x') is None


def test_a_hole_is_filled_in_the_next_try(disk: Disk) -> None:
    """A range begins at the hole; the bytes behind it are kept."""
    part = begun(disk)
    middle, end = part.split(asked(MIDDLE, END))
    fill(middle, MIDDLE, 500_000)
    fill(end, END)
    part.close_segments()
    at = MIB + 500_000
    part.begin(
        StoreBody(offset=at, validator='"v1"', url_digest='a', whole_bytes=SIZE, held=(END,))
    )
    part.write(DATA[at : 2 * MIB])
    assert part.finish().size_bytes == 2 * MIB

    assert part.reassemble(join()).sha256 == sha256(DATA).hexdigest()


def test_what_is_not_kept_is_forgotten(disk: Disk) -> None:
    """Bytes of another version, or from another URL, are dropped."""
    part = begun(disk)
    _, end = part.split(asked(MIDDLE, END))
    fill(end, END)
    part.close_segments()
    part.begin(FIRST)
    part.write(DATA[:MIB])
    (middle,) = part.split(asked(MIDDLE))
    fill(middle, MIDDLE)
    part.close_segments()

    with pytest.raises(PartError):
        part.reassemble(join())


def test_one_connection_takes_over_from_segments(disk: Disk) -> None:
    """The complete file from the start, in a part that had holes."""
    part = begun(disk)
    _, end = part.split(asked(MIDDLE, END))
    fill(end, END)
    part.close_segments()
    part.begin(StoreBody(validator='"v1"', url_digest='a'))
    part.write(DATA)

    assert part.finish().sha256 == sha256(DATA).hexdigest()
    assert isinstance(part.publish(Publish(place=AtPath(f'{disk.root}/x'))), Published)
    assert disk.read(f'{disk.root}/x') == DATA


def test_a_segment_takes_its_own_bytes_only(disk: Disk) -> None:
    """None of another offset, none beyond its end, and none after it is closed."""
    part = begun(disk)
    middle, _ = part.split(asked(MIDDLE, END))
    for taking in (StoreBody(offset=0, whole_bytes=SIZE), StoreBody(offset=MIB)):
        with pytest.raises(PartError):
            middle.begin(taking)
    fill(middle, MIDDLE)
    with pytest.raises(PartError) as raised:
        middle.write(b'x')
    assert isinstance(raised.value.fault, AnswerUnusable)
    part.close_segments()
    fill_ = StoreBody(offset=MIB, whole_bytes=SIZE)
    middle.begin(fill_)
    with pytest.raises(PartError, match='closed'):
        middle.write(b'x')


def test_a_part_that_was_left_is_resumed_by_segment(disk: Disk) -> None:
    """The existing spans are seen, and only the others are requested later."""
    part = begun(disk)
    _, end = part.split(asked(MIDDLE, END))
    fill(end, END, 600_000)
    part.close_segments()
    part.discard(Discard(keep=True))
    seen = disk.seen()
    tail = (END[0], END[0] + 600_000 - 1)

    assert (seen.size_bytes, seen.spans, seen.whole_bytes) == (MIB, (FRONT, tail), SIZE)
    assert (seen.validator, seen.url_digest) == ('"v1"', 'a')
    again = disk.part(adopt=seen)
    assert again.size_bytes == MIB
    rest = (tail[1] + 1, SIZE - 1)
    middle, end = again.split(asked(MIDDLE, rest, held=(FRONT, tail)))
    fill(middle, MIDDLE)
    fill(end, rest)
    again.close_segments()
    assert again.reassemble(join()).sha256 == sha256(DATA).hexdigest()


def test_a_part_that_was_left_is_cut_at_its_first_hole(disk: Disk) -> None:
    """If the rest is requested by one connection."""
    part = begun(disk)
    _, end = part.split(asked(MIDDLE, END))
    fill(end, END)
    part.close_segments()
    part.discard(Discard(keep=True))
    again = disk.part(adopt=disk.seen())
    again.begin(StoreBody(offset=MIB - 1, validator='"v1"', url_digest='a'))
    again.write(DATA[MIB - 1 :])

    assert again.finish().sha256 == sha256(DATA).hexdigest()


def test_a_part_without_a_beginning_is_not_left(disk: Disk) -> None:
    """There would be no validator to request the rest with."""
    part = disk.part()
    part.begin(FIRST)
    (end,) = part.split(asked(END, held=()))
    fill(end, END)
    part.close_segments()
    part.discard(Discard(keep=True))

    assert disk.files.see_part(disk.root, 'stem') is None


def test_memory_is_not_divided() -> None:
    """Segments are not supported."""
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=None, stem='x'))
    assert not isinstance(part, EffectFailed)
    (sink,) = part.split(asked(END, held=()))
    with pytest.raises(PartError):
        fill(sink, END)
    part.close_segments()
    with pytest.raises(PartError):
        part.reassemble(join())


# --- notes ---------------------------------------------------------------------------


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The part of an owner that was killed: a beginning, a hole, and some of the end."""
    monkeypatch.setattr(file_store, '_NOTE_SECONDS', 0.0)
    disk = Disk(LocalFiles(ManualClock()), str(tmp_path), str.encode)
    part = begun(disk)
    _, end = part.split(asked(MIDDLE, END))
    fill(end, END, 600_000)
    (path,) = (tmp_path / OUR_FOLDER).glob('*.part')
    monkeypatch.setattr(sidecar, 'OWNED', set())
    monkeypatch.setattr(sidecar, 'is_held', lambda ours, part: False)
    yield path
    part.discard(Discard())


TAIL = (END[0], END[0] + 600_000 - 1)


def test_the_note_keeps_the_representation(tmp_path: Path) -> None:
    """Size, URL and digest, which the next run compares with its response."""
    disk = Disk(LocalFiles(ManualClock()), str(tmp_path), str.encode)
    representation = Representation(
        size_bytes=SIZE, source='there', promised=('Repr-Digest', 'sha256', 'ab' * 32)
    )
    part = disk.part()
    part.begin(replace(FIRST, representation=representation))
    part.write(DATA[:MIB])
    (_, end) = part.split(replace(asked(MIDDLE, END), representation=representation))
    fill(end, END)
    part.close_segments()
    part.discard(Discard(keep=True))

    assert disk.seen().representation == representation


def test_a_killed_owners_note_names_what_was_written(left: Path) -> None:
    """On the same computer all written bytes count, synced or not."""
    note = read_note(left)
    assert note is not None
    assert (note.whole_bytes, note.kept_bytes, note.synced) == (SIZE, 0, ())
    assert usable_spans(left, note) == (FRONT, TAIL)


@pytest.mark.parametrize(
    ('changes', 'spans'),
    [
        ({'boot': 'another'}, (FRONT,)),
        ({'host': 'another'}, ()),
        ({'host': 'another', 'is_left': True}, (FRONT,)),
        ({'pid': os.getppid()}, ()),
        ({'is_left': True}, (FRONT,)),
        ({'is_left': True, 'synced': (FRONT, (SIZE - 2, SIZE - 1))}, ()),
        ({'boot': ''}, ()),
    ],
    ids=['crashed', 'elsewhere', 'left elsewhere', 'alive', 'left', 'too short', 'unknown'],
)
def test_only_what_is_certain_counts(left: Path, changes: dict[str, Any], spans: Spans) -> None:
    """After a restart, or on another computer, only synced bytes count."""
    note = read_note(left)
    assert note is not None
    known = {'written': note.written, 'synced': (FRONT,), 'kept_bytes': MIB, **changes}
    fields = {'validator': '"v1"', 'whole_bytes': SIZE, 'host': note.host, 'boot': note.boot}
    assert usable_spans(left, new_note(**{**fields, 'pid': note.pid, **known})) == spans


def test_a_silent_owners_part_is_of_use_up_to_its_first_hole(left: Path, tmp_path: Path) -> None:
    """It is copied, because its owner may still be alive; the synced bytes do not change."""
    note = new_note(
        validator='"v1"', url_digest='a', whole_bytes=SIZE, kept_bytes=MIB, synced=(FRONT, TAIL),
        written=(FRONT, TAIL), host='another', boot='another',
    )  # fmt: skip
    write_note(left, note)
    os.utime(note_path(left), (0, 0))
    (seen,) = find_parts(str(tmp_path), 'stem')
    assert (seen.size_bytes, seen.spans, seen.whole_bytes) == (MIB, (), None)
    part = LocalFiles(ManualClock()).open_part(
        OpenPart(beside=str(tmp_path), stem='stem', adopt=seen)
    )
    assert not isinstance(part, EffectFailed)
    assert part.size_bytes == MIB
    with part.view() as file:
        assert file.read() == DATA[:MIB]
    part.discard(Discard())


def test_who_knows_of_no_holes_sees_no_note(left: Path) -> None:
    """An earlier version of dlmachine finds no validator in the note, and leaves the part alone."""
    stored = json.loads(note_path(left).read_text())
    assert 'validator' not in stored
    assert set(stored) == {
        'address', 'kept_bytes', 'is_left', 'host', 'pid', 'boot', 'said', 'segmented',
    }  # fmt: skip


@pytest.mark.parametrize(
    'spans',
    [[[5, 4]], [[0, SIZE]], [[-1, 4]], [[4, 5], [0, 1]], [[0, 1], [2, 3]], [[0]], 'x', None],
)
def test_a_note_that_makes_no_sense_is_none(left: Path, spans: Any) -> None:
    """Then the part is not resumed."""
    stored = json.loads(note_path(left).read_text())
    stored['segmented']['written'] = spans
    note_path(left).write_text(json.dumps(stored))
    assert read_note(left) is None


def test_a_beat_syncs_what_was_written(tmp_path: Path) -> None:
    """The note then records those spans."""
    disk = Disk(LocalFiles(ManualClock()), str(tmp_path), str.encode)
    part: Any = begun(disk)
    _, end = part.split(asked(MIDDLE, END))
    fill(end, END)
    part._storage.tick()
    (path,) = (tmp_path / OUR_FOLDER).glob('*.part')
    note = read_note(path)
    assert note is not None
    assert (note.synced, note.written, note.kept_bytes) == ((FRONT, END), (FRONT, END), MIB)
    # Bytes that are about to be overwritten are no longer recorded.
    part.close_segments()
    part.begin(FIRST)
    fresh = read_note(path)
    assert fresh is not None
    assert (fresh.synced, fresh.written, fresh.kept_bytes) == ((), (), 0)
    part.discard(Discard())


def test_an_adopted_part_is_never_taken_for_one_without_holes(left: Path, tmp_path: Path) -> None:
    """An owner that dies right after the adoption leaves a note with the spans."""
    files = LocalFiles(ManualClock())
    (seen,) = find_parts(str(tmp_path), 'stem')
    with pytest.MonkeyPatch.context() as patched:
        # Its first owner, which is dead, has it open in this process.
        patched.setattr('dlmachine_adapters.parts.folder.hold', lambda _: True)
        part = files.open_part(OpenPart(beside=str(tmp_path), stem='stem', adopt=seen))
    assert not isinstance(part, EffectFailed)
    (path,) = (tmp_path / OUR_FOLDER).glob('*.part')
    note = read_note(path)
    assert note is not None
    assert (note.whole_bytes, note.written) == (SIZE, (FRONT, TAIL))
    part.discard(Discard())


def test_small_files_have_no_note(tmp_path: Path) -> None:
    """Resuming them would save less than a note costs."""
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(tmp_path), stem='stem'))
    assert not isinstance(part, EffectFailed)
    part.begin(StoreBody(wire_bytes=10, validator='"v1"', whole_bytes=100_000))
    part.write(b'0123456789')
    assert list((tmp_path / OUR_FOLDER).glob('*.json')) == []
    part.discard(Discard())


def test_writing_at_an_offset_without_pwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: the same bytes at the same offsets."""
    monkeypatch.setattr(writing, '_pwrite', writing._seek_and_write)
    with (tmp_path / 'x').open('w+b', buffering=0) as file:
        write_all(file.fileno(), b'cd', 2)
        write_all(file.fileno(), b'ab', 0)
    assert (tmp_path / 'x').read_bytes() == b'abcd'


# --- workers --------------------------------------------------------------------------


@pytest.mark.parametrize('workers', [ThreadWorkers(), InTurn()], ids=['threads', 'in turn'])
def test_results_are_in_the_order_of_the_jobs(workers: Any) -> None:
    """For any number of threads."""
    jobs = [lambda number=number: number for number in range(50)]
    for most in (1, 3, 64):
        assert workers.run(jobs, most, lambda _: True) == tuple(range(50))


@pytest.mark.parametrize('workers', [ThreadWorkers(), InTurn()], ids=['threads', 'in turn'])
def test_a_worker_that_does_not_go_on_takes_no_more(workers: Any) -> None:
    """Jobs without a worker are not done."""
    jobs = [lambda number=number: number for number in range(9)]
    ends = workers.run(jobs, 2, lambda end: end % 2 == 0)
    done = [end for end in ends if end is not None]
    assert [end for end in done if end % 2] == [1, 3]
    assert ends == tuple(range(len(done))) + (None,) * (9 - len(done))


def test_jobs_are_done_at_once() -> None:
    """As many as allowed, and no more."""
    meeting = threading.Barrier(3, timeout=10)
    ends = ThreadWorkers().run([meeting.wait] * 6, 3, lambda _: True)
    assert sorted(str(end) for end in ends) == ['0', '0', '1', '1', '2', '2']


def test_what_a_job_raises_comes_out() -> None:
    """An exception is not lost in a thread."""

    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ThreadWorkers().run([broken, lambda: 1], 2, lambda _: True)


# --- progress -------------------------------------------------------------------------


def test_one_bar_for_all_segments(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins with the existing bytes, and adds the new ones."""
    reports: list[tuple[int, int | None]] = []
    metered = MeteredPart(disk.part(), lambda done, total: reports.append((done, total)))
    metered.begin(FIRST)
    metered.write(DATA[:MIB])
    middle, end = metered.split(asked(MIDDLE, END))
    fill(end, END)
    fill(middle, MIDDLE)
    assert middle.size_bytes == middle.finish().wire_bytes == MIB
    metered.close_segments()
    assert {total for _, total in reports} == {SIZE}
    assert reports[:3] == [(0, SIZE), (MIB, SIZE), (MIB, SIZE)]
    assert reports[-1] == (SIZE, SIZE)
    assert metered.reassemble(join()).sha256 == sha256(DATA).hexdigest()
