"""The page that follows a download: its effects are those of real runs, in the modules it names."""

import re
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from returns.unsafe import unsafe_perform_io

import dlmachine as dm
import dlmachine_adapters
from dlmachine.demo import examples
from dlmachine.execution import run as execution
from dlmachine_adapters.fakes import Resource, memory_world

PAGE = Path(__file__).parents[1] / 'docs' / 'explanation' / 'following-a-download.md'
FACE = Path(dm.__file__).parent
ADAPTERS = Path(dlmachine_adapters.__file__).parent


@dataclass(frozen=True)
class Row:
    """One effect of a table of the page, with the modules that the table names."""

    effect: str
    decided: set[Path]
    performed: set[Path]


def rows_of(section: str) -> list[Row]:
    """The rows of the table in a section."""
    text = PAGE.read_text(encoding='utf-8').partition(f'## {section}\n')[2].partition('\n## ')[0]
    rows = re.findall(r'^\| `(\w+)` \| (.+) \| (.+) \|$', text, re.MULTILINE)
    return [
        Row(effect, paths(FACE / 'core', decided), paths(ADAPTERS, performed))
        for effect, decided, performed in rows
    ]


def paths(folder: Path, cell: str) -> set[Path]:
    """The paths of the modules in a cell."""
    return {folder / name for name in re.findall(r'`([^`]+)`', cell)}


@dataclass
class Trace:
    """The modules whose functions ran: in each effect, and between effects before the next one."""

    decided: dict[str, set[Path]] = field(default_factory=lambda: defaultdict(set))
    performed: dict[str, set[Path]] = field(default_factory=lambda: defaultdict(set))
    ran: set[Path] = field(default_factory=set)

    @contextmanager
    def recording(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        perform = execution.Run.perform

        def watched(run: Any, effect: Any, update: Any) -> Any:
            name = type(effect).__name__
            self.decided[name] |= self.ran
            self.ran.clear()
            event = perform(run, effect, update)
            self.performed[name] |= self.ran
            self.ran.clear()
            return event

        def notice(frame: FrameType, event: str, _: object) -> None:
            if event == 'call':
                self.ran.add(Path(frame.f_code.co_filename))

        monkeypatch.setattr(execution.Run, 'perform', watched)
        with profiled(notice):
            yield


@contextmanager
def profiled(notice: Callable[[FrameType, str, object], None]) -> Iterator[None]:
    """Call `notice` for each call of a function, in this thread and in those that it starts."""
    threading.setprofile(notice)
    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def test_effects_are_those_of_a_run() -> None:
    """A miss and a hit perform the effects of the page, in its order."""
    world = memory_world({'https://example.org/a.csv': Resource(b'x,y', etag='"v1"')})
    descriptor, policy = dm.Descriptor('https://example.org/a.csv'), dm.Policy()
    for section in ('A cache miss', 'A hit'):
        plan = dm.plan(descriptor, policy, world.observe(descriptor, policy)).unwrap()
        outcome = unsafe_perform_io(dm.execute(plan, world).unwrap())

        told = [row.effect for row in rows_of(section)]
        assert [type(effect).__name__ for effect, _ in outcome.story] == told
    assert len(rows_of('A cache miss')) == 7


def test_modules_are_those_that_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each module of a row runs for its effect, in a real download by either backend."""
    sections = {'A cache miss': Trace(), 'A hit': Trace()}
    with examples() as server:
        for backend in ('requests', 'curl'):
            folder = tmp_path / backend
            with dm.DownloadManager(path=folder, backend=backend) as manager:
                for trace in sections.values():
                    with trace.recording(monkeypatch):
                        manager.fetch(f'{server.url}/table.tsv')
    for section, trace in sections.items():
        for row in rows_of(section):
            assert row.decided, row
            assert row.performed, row
            assert row.decided <= trace.decided[row.effect], (row.effect, trace.decided)
            assert row.performed <= trace.performed[row.effect], (row.effect, trace.performed)


def test_modules_of_a_batch_run(tmp_path: Path) -> None:
    """Each module of the table about batches runs in a batch, whose items have the effects of a miss."""
    text = PAGE.read_text(encoding='utf-8').partition('## An item of a batch\n')[2]
    named = paths(FACE, '\n'.join(re.findall(r'^\| [a-z].* \| (`.+`) \|$', text, re.MULTILINE)))
    ran: set[Path] = set()
    with examples() as server, dm.DownloadManager(path=tmp_path) as manager:
        urls = [f'{server.url}/table.tsv?n={number}' for number in range(3)]
        with profiled(lambda frame, *_: ran.add(Path(frame.f_code.co_filename))):
            items = list(manager.download_many(iter(urls)))

    assert len(named) == 6
    assert named <= ran
    for item in items:
        story = [type(effect).__name__ for effect, _ in item.unwrap().story]
        assert story == [row.effect for row in rows_of('A cache miss')]


def test_named_modules_exist() -> None:
    """So does every other module that the page names."""
    for name in re.findall(r'`([\w/]+\.py)`', PAGE.read_text(encoding='utf-8')):
        places = (FACE.parent / name, FACE / name, FACE / 'core' / name, ADAPTERS / name)
        named = [place for place in places if place.exists()] or list(FACE.rglob(name))

        assert named, name
