"""`python -m tests.benchmarks`: run the workloads, print tables, write JSON."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.benchmarks.environments import Environments
from tests.benchmarks.measuring import Entry, Row, run_once
from tests.benchmarks.profiling import profile_work
from tests.benchmarks.report import as_json, machine, show
from tests.benchmarks.work import Bench, MakeWork, Work
from tests.benchmarks.works.audits import audits
from tests.benchmarks.works.cache_hits import cache_hits, cache_size
from tests.benchmarks.works.connections import connections
from tests.benchmarks.works.known_files import known_files, large_folder
from tests.benchmarks.works.many_files import many_files, many_files_scale
from tests.benchmarks.works.one_file import one_file, one_file_memory
from tests.benchmarks.works.slow_server import slow_server
from tests.benchmarks.works.startup import startup
from tests.benchmarks.works.syncs import syncs

WORKS: Final[Mapping[str, MakeWork]] = {
    'one-file': one_file,
    'one-file-memory': one_file_memory,
    'many-files': many_files,
    'many-files-scale': many_files_scale,
    'slow-server': slow_server,
    'cache-hits': cache_hits,
    'cache-size': cache_size,
    'known-files': known_files,
    'large-folder': large_folder,
    'sync': syncs,
    'startup': startup,
    'audit': audits,
    'connections': connections,
}


def main() -> int:
    """Run the requested workloads; return 0 unless a contender failed."""
    asked = _parse()
    environments = Environments(asked.envs)
    results: list[dict[str, Any]] = []
    is_well = True
    where = machine()
    print(', '.join(f'{name} {value}' for name, value in where.items()), end='\n\n')
    for name in asked.only or WORKS:
        with TemporaryDirectory(prefix='dlmachine-bench-', dir=_tmpfs()) as folder:
            bench = Bench(folder=Path(folder), environments=environments, is_quick=asked.quick)
            with WORKS[name](bench) as work:
                if asked.profile is not None:
                    profile_work(work, bench.folder, asked.profile)
                    continue
                rows = _run(work, bench, 1 if asked.quick else asked.rounds, asked.contender)
                print(show(work, rows), flush=True)
                results.append(as_json(work, rows))
                is_well = is_well and not any(row.problem for row in rows.values())
    if asked.json is not None:
        report = {'machine': where, 'versions': environments.versions(), 'works': results}
        asked.json.write_text(json.dumps(report, indent=1) + '\n')
    return 0 if is_well else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m tests.benchmarks', description=__doc__)
    parser.add_argument('--only', action='append', choices=[*WORKS], help='a work load')
    parser.add_argument('--contender', action='append', help='only rows that begin so')
    parser.add_argument('--rounds', type=int, default=3, help='runs of each contender')
    parser.add_argument('--quick', action='store_true', help='small data, one round')
    parser.add_argument(
        '--profile', type=Path, metavar='FOLDER', help='profile dlmachine instead, in one thread'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all runs there')
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    parser.add_argument(
        '--envs', type=Path, default=cache / 'dlmachine-bench', help='folder of environments'
    )
    return parser.parse_args()


def _run(work: Work, bench: Bench, rounds: int, wanted: list[str] | None) -> dict[str, Row]:
    rows = {
        entry.name: Row(entry=entry)
        for entry in work.entries
        if wanted is None or entry.name.startswith(tuple(wanted))
    }
    scratch = bench.folder / 'run'
    scratch.mkdir()
    for number in range(rounds):
        for row in rows.values():
            if _is_due(row, number):
                _go(row, scratch, f'{work.name} {number + 1}/{rounds}')
    return rows


def _is_due(row: Row, number: int) -> bool:
    entry: Entry = row.entry
    return not entry.absent and not row.problem and (number == 0 or not entry.is_slow)


def _go(row: Row, scratch: Path, where: str) -> None:
    done = run_once(row.entry, scratch)
    if isinstance(done, str):
        row.problem = done
    else:
        row.runs.append(done)
    if sys.stderr.isatty():
        sys.stderr.write(f'\r\x1b[K{where} {row.entry.name}')


def _tmpfs() -> str | None:
    shared = '/dev/shm'
    return shared if os.access(shared, os.W_OK) else None


if __name__ == '__main__':
    sys.exit(main())
