"""Programs as README shows them: type checkers have nothing to say about them. Never run."""

from collections.abc import Iterator
from datetime import date, timedelta
from io import BufferedReader, BytesIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, assert_type

import dlmachine as dm

URL = 'https://example.org/interactions.tsv.gz'


def download(folder: Path) -> None:
    """The destination decides what comes back."""
    with dm.DownloadManager(
        path='cache', retries=5, timeout=60, headers={'Accept': 'a/b'}
    ) as manager:
        assert_type(manager.download(URL), str | BytesIO)
        assert_type(manager.download(URL, True), str | BytesIO)
        assert_type(manager.download(URL, dest=False), BytesIO)
        assert_type(manager.download(URL, False, query={'ids': [1, 2]}), BytesIO)
        assert_type(manager.download(URL, dest='data/'), str)
        assert_type(manager.download(URL, folder / 'x.tsv'), str)
        assert_type(manager.download(dm.Descriptor(URL), b'x', max_bytes='2M'), str)
        for line in manager.open(URL, encoding='utf-8', retries=0):
            print(line.rstrip())
        buffer = manager.download(URL, dest=False)
        print(buffer.getvalue()[:2])


def without_a_manager() -> None:
    """The same, by the default manager."""
    assert_type(dm.download(URL), str | BytesIO)
    assert_type(dm.download(URL, dest=False, retries=0), BytesIO)
    assert_type(dm.download(URL, 'data/'), str)
    assert_type(dm.fetch(URL, offline=True), dm.Outcome)


def audit(manager: dm.DownloadManager, items: list[dm.Item]) -> None:
    """The dry run of many."""
    for row in manager.audit([URL, dm.Descriptor(URL)], check_freshness=True):
        print(row.status.value)
    print(list(manager.audit(items)))


def manifest(manager: dm.DownloadManager, item: dm.Item) -> None:
    """An entry of a manifest may have a destination of its own."""
    assert_type(manager.download(item, False), str | BytesIO)
    print(manager.fetch(item), manager.plan(item))


def is_table(file: BinaryIO) -> bool:
    """Whether it begins as a table does."""
    return file.read(6) == b'source'


def every_kind_of_value(manager: dm.DownloadManager) -> None:
    """Each option takes what its parser takes."""
    outcome = manager.fetch(
        URL,
        'data/',
        post={'a': 1},
        headers=['Accept: text/csv'],
        mirrors=['https://mirror.example.org/'],
        verify=False,
        check_method='etag',
        newer_than=date(2024, 5, 1),
        older_than='2024-06-01',
        connect_timeout=timedelta(seconds=5),
        stall_timeout=2.5,
        timeout=None,
        segments='auto',
        checksum='sha256:' + 64 * '0',
        validate=is_table,
        rate='3/s',
        limit_rate='1M',
        secret_names='code',
        backend='curl',
    )
    assert_type(outcome, dm.Outcome)
    assert_type(outcome.content, str | BytesIO)


def kept(manager: dm.DownloadManager) -> Iterator[dm.Plan]:
    """Options may be kept in a value of their own."""
    options: dm.DownloadOptions = {'retries': 2, 'check_content': False}
    yield manager.plan(URL, **options)
    defaults: dm.ManagerOptions = {'user_agent': 'me', 'progress': False}
    yield dm.DownloadManager(**defaults).plan(URL, **options)
    request: dm.DescriptorOptions = {'method': 'PUT', 'data': b'x'}
    yield manager.plan(dm.Descriptor(URL, **request))


def many(manager: dm.DownloadManager) -> None:
    """`ok` tells what an item has, and so do its class and its fault."""
    for item in manager.download_many([URL], dest='data', workers=4, retries=1):
        assert_type(item, dm.BatchSuccess[str] | dm.BatchFailure[str])
        if item.ok is True:
            print(item.path.upper(), item.outcome.record, item.input.upper())
        else:
            print(item.fault.code)
        match item:
            case dm.BatchSuccess():
                print(Path(item.path), item.outcome.origin)
            case dm.BatchFailure():
                print(item.fault.what())
        if item.fault is None:
            print(item.outcome.content)
        print(item.unwrap().path)


def show(event: dm.ProgressEvent) -> None:
    """Each event has a type."""
    match event:
        case dm.DownloadAdvanced(done_bytes=done, total_bytes=total):
            assert_type(done, int)
            assert_type(total, int | None)
        case dm.DownloadFailed(fault=fault):
            print(fault.code)
        case _:
            pass


def watched(manager: dm.DownloadManager) -> None:
    """A switch, or a function."""
    manager.download(URL, progress=show)
    manager.download_all([URL], progress=False)
    dm.DownloadManager(progress=show)


def all_of_them(manager: dm.DownloadManager, items: list[dm.Item]) -> None:
    """The results of a batch have the type of its inputs."""
    results = manager.download_all([URL], dest='data', workers=4, retries=1)
    assert_type(results, dm.Results[str])
    assert_type(results.retry(), dm.Results[str])
    assert_type(results[0], dm.BatchSuccess[str] | dm.BatchFailure[str])
    print([Path(item.path) for item in results.ok], results[:2], len(results))
    print([item.fault.code for item in results.failed], [item.index for item in results])
    assert_type(manager.download_all(items), dm.Results[dm.Item])
    print(dm.download_all([dm.Descriptor(URL)])[0].input.method)
    mixed = manager.download_all([URL, dm.Descriptor(URL), items[0]])
    assert_type([one.index for one in mixed], list[int])
    results.raise_for_failures()


def several_kinds(manager: dm.DownloadManager, items: list[dm.Item]) -> None:
    """The input of each result is of the kind that was passed."""
    for item in manager.download_many(items):
        print(item.input.name)
    for one in manager.download_many([dm.Descriptor(URL)]):
        print(one.input.method)
    mixed = manager.download_many([URL, dm.Descriptor(URL), items[0]])
    assert_type([one.index for one in mixed if not isinstance(one.input, str)], list[int])


def stopped(manager: dm.DownloadManager) -> None:
    """A batch can be closed, and a record is there wherever dlmachine stored the file."""
    items = manager.download_many([URL])
    print(next(items).index)
    items.close()
    record = manager.fetch(URL).record
    print(record.size_bytes, record.sha256[:16])


def named(item: 'dm.BatchItem[str]') -> str:
    """The name of the two together."""
    return item.input if item.ok is True else item.fault.code


async def awaited() -> None:
    """The same types, awaited."""
    async with dm.AsyncDownloadManager(path='cache', retries=5, in_flight=8) as manager:
        assert_type(await manager.download(URL), str | BytesIO)
        assert_type(await manager.download(URL, dest=False), BytesIO)
        assert_type(await manager.download(URL, 'data/', extract=True), str)
        assert_type(await manager.fetch(URL, timeout=5), dm.Outcome)
        assert_type(await manager.probe(URL), dm.ProbeResult)
        print(len(await manager.download_all([URL], 'data', workers=2)))
        async for item in manager.download_many([URL], dest='data', on_event=show):
            print(item.index)


def packed(manager: dm.DownloadManager) -> None:
    """Archives are opened, listed and extracted."""
    assert_type(manager.open_file(URL, 'a.tsv'), TextIOWrapper)
    assert_type(manager.open_file(URL, mode='rb', retries=0), BufferedReader)
    assert_type(dm.open_file('data.zip', 'a.tsv', mode='rb'), BufferedReader)
    assert_type(manager.extract(URL, 'data', members=['*.tsv'], strip=1), dm.Extracted)
    assert_type(dm.extract('data.zip').files, tuple[str, ...])
    assert_type([member.size_bytes for member in dm.members('data.zip')], list[int])
    manager.download(URL, 'data/', extract={'into': 'tables', 'members': ['*.tsv'], 'strip': 1})
    manager.download(URL, 'data/', extract='tables', on_event=show, remember_missing='7d')


def folders(manager: dm.DownloadManager, probed: dm.ProbeResult) -> None:
    """What a data folder has, and what a server says."""
    assert_type(manager.lock('data.toml'), dm.LockReport)
    manager.sync('data.toml', 'data', frozen=True).raise_for_failures()
    print([check.path for check in manager.verify('data', fix=True)], probed.status.value)
    print(manager.adopt(URL, 'data/x.tsv', checksum='md5:' + 32 * '0'))
    print(dm.pooch_downloader(manager, timeout=60), dm.pooch_downloader(retries=0))


def by_hand() -> None:
    """Observe, plan, execute."""
    desc, policy = dm.Descriptor(URL, query={'a': 1}, post=True), dm.Policy(retries=1)
    with dm.DownloadManager() as manager, manager.adapters() as world:
        plan = dm.unwrap(dm.plan(desc, policy, world.observe(desc, policy)))
        assert_type(dm.unwrap(dm.execute(plan, world)), dm.Outcome)
