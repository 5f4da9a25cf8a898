"""What the workloads share: entries by program and by tool, folders, checks."""

import shutil
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.environments import AbsentError
from tests.benchmarks.measuring import Entry, Extras, find_tool, python
from tests.benchmarks.serving import SMALL_BYTES
from tests.benchmarks.work import Bench

#: Downloads at once, for every contender that supports it.
WORKERS: Final = 8
BACKENDS: Final = ('curl', 'requests')
CURL: Final = ('-q', '-sS', '-f')
ARIA2C: Final = (
    '--no-conf', '--quiet', '--allow-overwrite=true', '--file-allocation=none',
)  # fmt: skip


def by_program(
    bench: Bench, environment: str, work: str, job: dict[str, Any], **entry: Any
) -> Entry:
    """A contender that is one of the benchmark's programs, in the environment with that name."""
    try:
        at = bench.environments.python(environment)
    except AbsentError as error:
        return Entry(name=entry['name'], absent=str(error))
    command = python(f'with_{environment}.py', at, work=work, **job)
    return Entry(steps=(command,), **entry)


def by_tool(name: str, *commands: tuple[str, ...], **entry: Any) -> Entry:
    """A contender that is one or more commands of this computer."""
    steps = []
    for tool, *arguments in commands:
        found = find_tool(tool)
        if found is None:
            return Entry(name=name, absent=f'{tool} is not installed')
        steps.append((found, *arguments))
    return Entry(name=name, steps=tuple(steps), **entry)


def renew(folder: Path) -> None:
    """Create an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def renewing(folder: Path) -> Callable[[], None]:
    """Before a run: create an empty folder."""
    return lambda: renew(folder)


def checking(path: Path, size: int, sha256: str) -> Callable[[], Extras]:
    """After a run: check the size of the file, the first time its digest, too."""
    is_known = False

    def check() -> Extras:
        nonlocal is_known
        if not path.is_file() or path.stat().st_size != size:
            return {'problem': 'the file has another size'}
        if not is_known and digest_of(path) != sha256:
            return {'problem': 'the file has another digest'}
        is_known = True
        path.unlink()
        return {}

    return check


def counting(folder: Path, count: int) -> Callable[[], Extras]:
    """After a run: count the small files in the folder."""

    def check() -> Extras:
        found = sum(
            path.is_file() and path.stat().st_size == SMALL_BYTES for path in folder.iterdir()
        )
        return {} if found == count else {'problem': f'{found} of {count} files are there'}

    return check


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open('rb') as file:
        return file_digest(file, 'sha256').hexdigest()


def write_urls(path: Path, urls: list[str]) -> Path:
    """Write a list of URLs to a file."""
    path.write_text('\n'.join(urls) + '\n')
    return path
