"""Plain pycurl, as a lower bound: no digest, no cache, no retries."""

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any


def one(job: dict[str, Any]) -> None:
    """One file over one connection."""
    import pycurl

    curl = pycurl.Curl()
    with open(job['path'], 'wb') as file:
        curl.setopt(pycurl.URL, job['url'])
        curl.setopt(pycurl.FAILONERROR, 1)
        curl.setopt(pycurl.WRITEDATA, file)
        curl.perform()
    curl.close()


def ranges(job: dict[str, Any]) -> None:
    """One file in several ranges at once."""
    import pycurl

    size, count = job['size'], job['ranges']
    handle = os.open(job['path'], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    multi = pycurl.CurlMulti()
    curls = []
    for number in range(count):
        first, last = size * number // count, size * (number + 1) // count - 1
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, job['url'])
        curl.setopt(pycurl.FAILONERROR, 1)
        curl.setopt(pycurl.RANGE, f'{first}-{last}')
        curl.setopt(pycurl.WRITEFUNCTION, _writer(handle, first))
        multi.add_handle(curl)
        curls.append(curl)
    running = count
    while running:
        _, running = multi.perform()
        multi.select(1.0)
    _, _, failed = multi.info_read(count)
    if failed:
        sys.exit(str(failed[0][1:]))


def many(job: dict[str, Any]) -> None:
    """Many files, several at once, from one thread."""
    import pycurl

    waiting = list(enumerate(Path(job['urls']).read_text().split()))[::-1]
    multi = pycurl.CurlMulti()
    idle = [pycurl.Curl() for _ in range(job['workers'])]
    files: dict[Any, ExitStack] = {}
    while waiting or files:
        while waiting and idle:
            number, url = waiting.pop()
            curl = idle.pop()
            stack = files[curl] = ExitStack()
            place = Path(job['folder'], f'{number}.bin')
            file = stack.enter_context(place.open('wb'))
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.FAILONERROR, 1)
            curl.setopt(pycurl.WRITEDATA, file)
            if job.get('cainfo'):
                curl.setopt(pycurl.CAINFO, job['cainfo'])
            multi.add_handle(curl)
        multi.perform()
        _, done, failed = multi.info_read()
        if failed:
            sys.exit(str(failed[0][1:]))
        for curl in done:
            multi.remove_handle(curl)
            files.pop(curl).close()
            idle.append(curl)
        if not done:
            multi.select(1.0)


def _writer(handle: int, first: int) -> Any:
    at = first

    def write(data: bytes) -> None:
        nonlocal at
        at += os.pwrite(handle, data, at)

    return write


if __name__ == '__main__':
    asked = json.loads(sys.argv[1])
    {'one': one, 'many': many, 'ranges': ranges}[asked['work']](asked)
