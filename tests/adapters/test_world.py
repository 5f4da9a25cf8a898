"""The world of this computer, and its backends."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.part_location import part_stem
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import BackendMissing
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.spec.destination import Auto, PathKind, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters import backends
from dlmachine_adapters.backends import Backends
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.parts.folder import create_part
from dlmachine_adapters.world import SystemWorld
from tests.adapters.stores import a_target, tree


def test_observing_leaves_no_trace(tmp_path: Path) -> None:
    """After a thousand observations there is no file, no folder, and nothing to close."""
    folder = tmp_path / 'cache'
    before = tree(tmp_path)
    with SystemWorld(str(folder)) as world:
        for number in range(1000):
            policy = Policy(dest=ToPath(str(tmp_path / 'out' / str(number))))
            world.observe(a_target(query={'n': number}), policy if number % 2 else Policy())

    assert tree(tmp_path) == before


def test_what_is_observed_is_what_is_there(tmp_path: Path) -> None:
    """Destination, cache, backends, time and random number."""
    (tmp_path / 'x').write_text('old')
    with SystemWorld(str(tmp_path / 'cache')) as world:
        seen = world.observe(a_target(), Policy(dest=ToPath(str(tmp_path / 'x'))))
        other = world.observe(a_target(), Policy())

    assert seen.destination is not None
    assert seen.destination.kind is PathKind.FILE
    assert other.destination is None
    assert other.cache is not None
    assert other.cache.folder == str(tmp_path / 'cache')
    assert 0 <= seen.chance < 1
    assert seen.chance != other.chance
    assert seen.now <= other.now
    assert seen.backends is not None
    assert seen.backends[0].name == 'requests'


def test_a_glance_leaves_out_what_a_hit_has_no_need_of(tmp_path: Path) -> None:
    """The part and the backends are left for the observation with the lock held."""
    cache = tmp_path / 'cache'
    cache.mkdir()
    part = create_part(str(cache), part_stem(cache_key(a_target()), Auto()))
    part.begin(0, StoreBody(validator='"v"'))
    part.append(b'abc')
    part.discard(keep=True)
    with SystemWorld(str(cache)) as world:
        seen, observed = (look(a_target(), Policy()) for look in (world.glance, world.observe))

    assert observed.backends
    assert observed.part is not None
    assert (seen.backends, seen.part, seen.chance) == (None, None, 0.0)


@pytest.mark.parametrize(('cache', 'dest'), [('cache', ToMemory()), (None, Auto())])
def test_a_download_to_memory_sees_everything_at_once(
    tmp_path: Path, cache: str | None, dest: Auto | ToMemory
) -> None:
    """It takes no lock, so there is no second look."""
    with SystemWorld(cache and str(tmp_path / cache)) as world:
        assert world.glance(a_target(), Policy(dest=dest)).backends


def test_an_observation_relies_on_nothing_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host may have changed a file whose times are not up to date here; a glance may."""
    forgotten: list[str] = []
    monkeypatch.setattr(CachedirStore, 'forget', lambda _: forgotten.append('cache'))
    monkeypatch.setattr(FolderIndexes, 'forget', lambda _: forgotten.append('index'))
    policy = Policy(dest=ToPath(str(tmp_path / 'x')))
    with SystemWorld(str(tmp_path / 'cache')) as world:
        world.glance(a_target(), policy)
        assert forgotten == []
        world.observe(a_target(), policy)
    assert forgotten == ['cache', 'index']


def test_without_a_cache_there_is_none() -> None:
    """There is no store, and nothing is looked up."""
    with SystemWorld(None) as world:
        assert world.observe(a_target(), Policy()).cache is None
        assert world.store is None
        assert world.live_cache() is None


def test_the_live_cache_is_cachedirs(tmp_path: Path) -> None:
    """It is on the folder of the world."""
    with SystemWorld(str(tmp_path / 'cache')) as world:
        cache = world.live_cache()

    assert type(cache).__module__ == 'cachedir._cache'
    assert cache is not None
    assert cache.dir == str(tmp_path / 'cache')


def test_a_closed_world_lets_go_of_its_cache(tmp_path: Path) -> None:
    """The next use opens another."""
    with SystemWorld(str(tmp_path / 'cache')) as world:
        first = world.live_cache()
        same = world.live_cache()
    second = world.live_cache()
    world.close()

    assert first is same
    assert second is not first


# --- backends ----------------------------------------------------------------


class Plugin:
    """Another package's backend."""

    def __init__(self, clock: object) -> None:
        self.seen = BackendSeen(name='gopher', schemes=('gopher',))

    def close(self) -> None:
        self.seen = BackendSeen(name='closed', schemes=())


def _broken(clock: object) -> None:
    msg = 'a library is missing'
    raise RuntimeError(msg)


def _install(monkeypatch: pytest.MonkeyPatch, **targets: str) -> None:
    points = tuple(
        EntryPoint(name, f'{__name__}:{target}', backends.GROUP) for name, target in targets.items()
    )
    monkeypatch.setattr('importlib.metadata.entry_points', lambda group: points)
    monkeypatch.setitem(sys.modules, __name__, _module())


def _module() -> Any:
    return SimpleNamespace(Plugin=Plugin, _broken=_broken)


def test_our_own_are_there_without_any_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even in a checkout that is not installed; requests comes first."""
    monkeypatch.setattr('importlib.metadata.entry_points', lambda group: ())
    names = [seen.name for seen in Backends(ManualClock()).seen()]

    assert names[0] == 'requests'
    assert set(names) <= {'requests', 'curl'}


def test_what_is_not_installed_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading it fails with what to install."""
    monkeypatch.setattr(backends, 'find_spec', lambda name: None)
    made = Backends(ManualClock())
    monkeypatch.setitem(sys.modules, 'dlmachine_adapters.curl_backend.transport', None)
    fault = made.load('curl').failure()

    assert [seen.name for seen in made.seen() if seen.name in {'requests', 'curl'}] == []
    assert isinstance(fault, BackendMissing)
    assert fault.install == 'pip install pycurl'


def test_a_backend_is_seen_as_it_describes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record gets libcurl's version; a scheme that this libcurl lacks is not assumed."""
    pytest.importorskip('pycurl')
    from dlmachine_adapters.curl_backend.transport import CurlTransport

    monkeypatch.setattr(CurlTransport, 'schemes', ('http', 'https'))
    made = Backends(ManualClock())
    seen = {one.name: one for one in made.seen()}

    assert seen['requests'] == made.load('requests').unwrap().seen
    assert seen['curl'] == made.load('curl').unwrap().seen
    assert 'libcurl/' in seen['curl'].version
    assert seen['curl'].schemes == ('http', 'https')


def test_a_backend_whose_library_cannot_be_loaded_is_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For example pycurl without its libcurl."""
    monkeypatch.setattr(backends, 'find_spec', lambda name: object())
    monkeypatch.setitem(sys.modules, 'dlmachine_adapters.curl_backend.transport', None)

    assert 'curl' not in {seen.name for seen in Backends(ManualClock()).seen()}


def test_an_unknown_backend_is_a_fault() -> None:
    """There is nothing to install, because it is unknown."""
    fault = Backends(ManualClock()).load('wget').failure()

    assert isinstance(fault, BackendMissing)
    assert fault.install == ''


def test_others_can_add_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes after the built-in ones, is loaded once, and closed at the end."""
    _install(monkeypatch, gopher='Plugin')
    made = Backends(ManualClock())
    seen = made.seen()
    loaded: Any = made.load('gopher').unwrap()
    made.close()

    assert seen[-1] == BackendSeen(name='gopher', schemes=('gopher',))
    assert loaded.seen.name == 'closed'


@pytest.mark.parametrize(
    ('name', 'urls', 'are_others_seen'),
    [
        ('requests', ('https://example.org/a',), False),
        ('requests', ('https://example.org/a', 'ftp://example.org/a'), True),
        ('wget', ('https://example.org/a',), True),
    ],
)
def test_others_are_only_looked_for_if_they_are_needed(
    monkeypatch: pytest.MonkeyPatch, name: str, urls: tuple[str, ...], *, are_others_seen: bool
) -> None:
    """The preferred backend is enough if it supports all URLs; metadata of packages is not read."""
    asked: list[str] = []

    def search(group: str) -> tuple[EntryPoint, ...]:
        asked.append(group)
        return ()

    monkeypatch.setattr('importlib.metadata.entry_points', search)
    seen = Backends(ManualClock()).for_urls(name, urls)

    assert seen[0].name == 'requests'
    assert (asked != []) == are_others_seen
    assert (len(seen) > 1) <= are_others_seen


def test_a_broken_plugin_breaks_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not listed; loading it says what is wrong."""
    _install(monkeypatch, broken='_broken')
    made = Backends(ManualClock())

    fault = made.load('broken').failure()

    assert 'broken' not in {seen.name for seen in made.seen()}
    assert fault == BackendMissing(backend='broken', reason='a library is missing')


def test_built_in_backends_cannot_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package cannot replace a built-in backend."""
    _install(monkeypatch, requests='Plugin')
    loaded = Backends(ManualClock()).load('requests')

    assert is_successful(loaded)
    assert loaded.unwrap().seen.name == 'requests'
    loaded.unwrap().close()
