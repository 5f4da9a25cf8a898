"""A run that extracts its archive, at its end."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import ArchiveRefused, InvalidInput
from dlmachine.core.machine.files import cache_policy
from dlmachine.core.plan.codec import dumps, loads
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.effects import CheckCopy, Discard, ExtractArchive, Record, ReleaseLock
from dlmachine.core.protocol.events import (
    ArchiveExtracted,
    CopyConfirmed,
    EffectFailed,
    LockReleased,
)
from dlmachine.core.spec.destination import PathKind, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Extract, Extracted
from tests.builders import (
    FOLDER,
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_path,
    a_policy,
    a_snapshot,
    an_entry,
)

WANTED = Extract(into='tables')
FILES = Extracted(folder='tables', files=('tables/a',), restored=('tables/a',))


def to_extraction(run: Run) -> ExtractArchive:
    """Let all go well until the archive is to be extracted."""
    effect = run.go_well(ExtractArchive).step.effect
    assert isinstance(effect, ExtractArchive)
    return effect


def test_a_hit_is_extracted() -> None:
    """By the name and the digest of its record; the outcome has the files."""
    entry = an_entry()
    policy = a_policy(extract=WANTED, lock_timeout=timedelta(seconds=7))
    run = Run(None, policy, a_snapshot(cache=a_cache(entry)))
    assert isinstance(run.step.effect, CheckCopy)
    effect = to_extraction(run.feed(CopyConfirmed(at=NOW)))

    record = entry.record
    assert record is not None
    assert (effect.archive, effect.name) == (entry.path, record.filename)
    assert (effect.source, effect.sha256) == (record.url, record.sha256)
    assert (effect.folder, effect.mtime_ns) == ('tables', record.mtime_ns)
    assert effect.patience == policy.lock_timeout
    outcome = run.feed(ArchiveExtracted(at=NOW, extracted=FILES)).outcome
    assert outcome.extracted == FILES
    assert outcome.content == 'tables'
    assert outcome.path == entry.path
    assert outcome.to_dict()['extracted'] == {
        'folder': 'tables', 'files': ['tables/a'], 'restored': ['tables/a'],
    }  # fmt: skip


def test_a_new_file_is_extracted_after_its_lock_is_released() -> None:
    """Recorded first: if the extraction fails, the archive stays."""
    run = Run(None, a_policy(extract=Extract()), a_snapshot(cache=a_cache()))
    effect = to_extraction(run)

    kinds = [type(one) for one in run.effects]
    assert kinds.index(Record) < kinds.index(ReleaseLock) < kinds.index(ExtractArchive)
    assert effect.folder.startswith(f'{FOLDER}/extracted/')
    fault = ArchiveRefused(path=effect.archive, problem='is damaged')
    failed = run.feed(EffectFailed(at=NOW, fault=fault)).fault
    assert (failed.url, failed.tries) == (URL, 1)
    assert 'is damaged' in str(failed)


def test_an_event_of_another_effect_is_a_bug() -> None:
    """As in every state."""
    run = Run(None, a_policy(extract=Extract()), a_snapshot(cache=a_cache(an_entry())))
    to_extraction(run.feed(CopyConfirmed(at=NOW)))
    assert run.feed(LockReleased(at=NOW)).fault.code == 'bug'


def test_at_a_path_the_folder_is_beside_it() -> None:
    """Named after the file."""
    policy = a_policy(dest=ToPath('/d/x.tar.gz'), extract=Extract())
    run = Run(None, policy, a_snapshot(destination=a_path(PathKind.MISSING)))
    assert to_extraction(run).folder == '/d/x'


@pytest.mark.parametrize('dest', [ToMemory(), a_policy().dest])
def test_memory_has_no_file(dest: ToMemory) -> None:
    """It is refused before anything is requested."""
    fault = Run(None, a_policy(dest=dest, extract=WANTED)).fault
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'extract'


def test_the_plan_has_the_effect() -> None:
    """In its text and in its JSON."""
    policy = Policy(extract=Extract())
    made = plan(a_descriptor(), policy, a_snapshot(cache=a_cache(an_entry()))).unwrap()
    assert isinstance(made.effects[-1], ExtractArchive)
    assert f'extract {an_entry().path} into {FOLDER}/extracted/' in str(made)
    assert type(made).from_json(made.to_json()).unwrap() == made
    assert loads(dumps(made.effects[-1])).unwrap() == made.effects[-1]
    assert Discard not in map(type, made.effects)


def test_what_fills_the_cache_is_not_extracted_there() -> None:
    """Only the file at the path."""
    assert cache_policy(a_policy(extract=WANTED)).extract is None
