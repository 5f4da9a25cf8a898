"""Mistakes: a type checker finds one in each line that ends in `# error`, and in no other. Never run."""

from datetime import timedelta

import dlmachine as dm

URL = 'https://example.org/interactions.tsv.gz'


def misspelt(manager: dm.DownloadManager) -> None:
    """No option has such a name."""
    dm.DownloadManager(retires=5)  # error
    dm.DownloadManager(query={'a': 1})  # error
    manager.download(URL, retires=5)  # error
    manager.download(URL, check_freshnes=True)  # error
    manager.fetch(URL, time_out=5)  # error
    manager.plan(URL, max_byte=5)  # error
    manager.download_many([URL], worker=5)  # error
    manager.download_all([URL], retires=5)  # error
    dm.download_all([URL], retires=5)  # error
    manager.open(URL, encodings='utf-8')  # error
    dm.Descriptor(URL, header={})  # error
    dm.download(URL, retires=5)  # error
    dm.fetch(URL, retires=5)  # error
    dm.downlod(URL)  # error
    manager.audit([URL], retires=5)  # error
    options: dm.DownloadOptions = {'retires': 5}  # error
    print(options)


def of_another_type(manager: dm.DownloadManager) -> None:
    """No option takes such a value."""
    dm.DownloadManager(timeout='soon')  # error
    manager.download(URL, retries='many')  # error
    manager.fetch(URL, stall_timeout=None)  # error
    manager.fetch(URL, check_method='date')  # error
    manager.fetch(URL, max_bytes=timedelta(1))  # error
    manager.fetch(URL, validate='is_table')  # error
    manager.fetch(URL, segments='many')  # error
    manager.fetch(URL, progress=lambda: None)  # error
    manager.plan(URL, headers=5)  # error
    manager.download_many([URL], verify='no')  # error
    manager.open(URL, dest='data')  # error
    manager.download(URL, dest=5)  # error
    dm.Descriptor(URL, query=5)  # error
    dm.Descriptor(URL, verify=None)  # error
    manager.fetch(URL, extract={'member': ['a.tsv']})  # error
    manager.fetch(URL, extract={'strip': 'one'})  # error
    manager.fetch(URL, extract=5)  # error
    manager.extract(URL, 'data', member=['a.tsv'])  # error
    manager.open_file(URL, mode='w')  # error
    dm.extract('data.zip', strips=1)  # error


async def awaited(manager: dm.AsyncDownloadManager) -> None:
    """The same mistakes, awaited."""
    dm.AsyncDownloadManager(retires=5)  # error
    dm.AsyncDownloadManager(in_flights=5)  # error
    await manager.download(URL, retires=5)  # error
    await manager.fetch(URL, time_out=5)  # error
    await manager.probe(URL, retires=5)  # error
    manager.download_many([URL], worker=5)  # error
    await manager.download_all([URL], retires=5)  # error
    (await manager.download(URL, dest=False)).upper()  # error
    (await manager.download(URL, dest='data/')).getvalue()  # error


def not_what_comes_back(manager: dm.DownloadManager) -> None:
    """The destination says what comes back."""
    manager.download(URL, dest=False).upper()  # error
    manager.download(URL, dest='data/').getvalue()  # error
    manager.download(URL).upper()  # error
    dm.download(URL, dest=False).upper()  # error


def unchecked(manager: dm.DownloadManager) -> None:
    """An item may have failed."""
    print(manager.download_all([URL])[0].path.upper())  # error
    print(manager.download_all([URL]).failed[0].outcome.path)  # error
    for item in manager.download_many([URL]):
        print(item.path.upper())  # error
        print(item.outcome.origin)  # error
        print(item.fault.code)  # error
        if item.ok is True:
            print(item.fault.code)  # error
        else:
            print(item.outcome.path)  # error
