"""`get` of many: a summary at the end, results as lines of JSON, and another try of what failed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import RunCommand
from tests.servers.behaviours import in_turn, resource, respond
from tests.servers.http import Asked, Server, Wire

Results = list[dict[str, Any]]


def _results(printed: str) -> Results:
    return [json.loads(line) for line in printed.splitlines()]


def _paths(server: Server) -> list[str]:
    return sorted(asked.path for asked in server.asked)


# --- the summary ----------------------------------------------------------------------


def test_the_summary_counts_and_groups_the_reasons(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """The most frequent reason first, with three of the names."""
    good, old = server.on('/a', resource(b'a')), server.on('/old', resource(b'b'))
    run('get', old, '--cache', 'c')
    gone = [server.url(f'/gone{number}') for number in range(4)]
    done = run('get', good, old, 'gopher://h/x', *gone, '--cache', 'c', '--retry', '0')

    assert done.returncode == 12
    summary, first, second = done.stderr.splitlines()[-3:]
    assert summary == '1 downloaded, 1 unchanged, 5 failed'
    assert first.startswith('  4 failed: the server answered 404 Not Found (http://127.0.0.1:')
    assert first.endswith(' and 1 more)')
    assert second.startswith('  1 failed: ')
    assert '(gopher://h/x)' in second


def test_different_texts_of_one_kind_are_one_reason(run: RunCommand, server: Server) -> None:
    """By the code of the fault."""
    urls = [server.on(f'/{name}', resource(name.encode())) for name in 'ab']
    done = run('get', *urls, '-d', 'd', '--checksum', 'sha256:' + '0' * 64)

    assert '2 failed: digest mismatch (' in done.stderr
    assert done.returncode == 9


def test_a_stale_copy_counts_as_such(run: RunCommand, server: Server) -> None:
    """It is neither downloaded nor unchanged."""
    stale = server.on('/x', in_turn(resource(b'x'), respond(503)))
    run('get', stale, '--cache', 'c')
    words = ('--cache', 'c', '--force-download', '--retry', '0', '--stale-if-error')
    done = run('get', stale, server.on('/y', resource(b'y')), *words)

    assert done.stderr.splitlines()[-1] == '1 downloaded, 1 stale'


def test_quiet_prints_a_summary_only_of_failures(run: RunCommand, server: Server) -> None:
    """Without failures, nothing at all."""
    urls = [server.on(f'/{name}', resource(b'x')) for name in 'ab']
    done = run('get', *urls, '-d', 'd', '-q')
    failed = run('get', *urls, server.url('/none'), '-d', 'd', '-q')

    assert (done.stdout, done.stderr) == ('', '')
    assert '2 unchanged, 1 failed' in failed.stderr


# --- JSON -----------------------------------------------------------------------------


def test_successes_and_failures_have_the_same_keys(run: RunCommand, server: Server) -> None:
    """One object for each, with the position of its input."""
    good, bad = server.on('/a', resource(b'abc')), server.url('/none')
    done = run('get', good, bad, 'gopher://h/x', '--cache', 'c', '--json', '--retry', '0')
    results = sorted(_results(done.stdout), key=lambda one: one['index'])

    assert [one['name'] for one in results] == [good, bad, 'gopher://h/x']
    assert [one['ok'] for one in results] == [True, False, False]
    assert [list(one) for one in results] == [list(results[0])] * 3
    assert [one['size'] for one in results] == [3, None, None]
    assert [one['fault'] and one['fault']['code'] for one in results] == [
        None, 'http_status', 'scheme_refused',
    ]  # fmt: skip
    assert list(_results(run('get', good, '--cache', 'c', '--json').stdout)[0]) == list(results[0])


def test_results_are_printed_while_it_runs(server: Server, tmp_path: Path) -> None:
    """The first is there before the second is asked for."""
    first = server.on('/a', resource(b'a'))
    lines: list[str] = []

    def wait(asked: Asked, wire: Wire) -> None:
        for _ in range(200):
            if lines:
                break
            wire.pause(0.05)
        wire.respond(body=str(len(lines)).encode())

    second = server.on('/b', wait)
    command = [
        sys.executable,
        '-m',
        'dlmachine',
        'get',
        first,
        second,
        '-d',
        str(tmp_path),
        '--json',
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as going:
        assert going.stdout is not None
        lines.extend(iter(going.stdout.readline, ''))

    assert [json.loads(line)['url'] for line in lines] == [first, second]
    assert (tmp_path / 'b').read_bytes() == b'1'


# --- another try ------------------------------------------------------------------------


@pytest.fixture
def manifest(server: Server, tmp_path: Path) -> Path:
    """Three entries, of which one fails at first; two have the same name."""
    server.on('/good', resource(b'good'))
    server.on('/flaky', in_turn(respond(404), resource(b'flaky')))
    server.on('/other', resource(b'other'))
    path = tmp_path / 'work' / 'm.json'
    entries = [
        {'name': 'twice', 'url': server.url('/good')},
        {'name': 'twice', 'url': server.url('/flaky')},
        {'url': server.url('/other')},
    ]
    path.write_text(json.dumps({'downloads': entries}))
    return path


def test_only_what_failed_is_tried_again(
    run: RunCommand, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """Entries are told apart even if they have the same name; positions stay."""
    words = ('get', '-i', 'm.json', '-d', 'd', '--json', '--retry', '0')
    done = run(*words)
    (tmp_path / 'work' / 'r.json').write_text(done.stdout)
    server.asked.clear()
    again = run(*words, '--retry-failed', 'r.json')

    assert (done.returncode, again.returncode) == (12, 0)
    assert _paths(server) == ['/flaky']
    (result,) = _results(again.stdout)
    assert (result['index'], result['name'], result['ok']) == (1, 'twice', True)
    assert (tmp_path / 'work' / 'd' / 'flaky').read_bytes() == b'flaky'
    (tmp_path / 'work' / 'r2.json').write_text(done.stdout + again.stdout)


def test_what_has_no_result_is_downloaded_as_well(
    run: RunCommand, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """An interrupted run has written fewer results, and perhaps a part of the last line."""
    result = {'index': 0, 'name': 'twice', 'ok': True}
    (tmp_path / 'work' / 'r.json').write_text(f'{json.dumps(result)}\n{{"index": 1, "na')
    done = run('get', '-i', 'm.json', '-d', 'd', '--retry-failed', 'r.json', '-q')

    assert _paths(server) == ['/flaky', '/other']
    assert done.returncode == 12


def test_a_list_of_results_is_read_too(
    run: RunCommand, server: Server, manifest: Path, tmp_path: Path
) -> None:
    """As other tools write it, and as former versions did, without `ok` and `index`."""
    results: Results = [
        {'url': 'twice', 'origin': 'network', 'fault': None, 'index': None},
        {'url': 'twice', 'fault': {'code': 'http_status'}},
        {'url': server.url('/other'), 'origin': 'stale', 'fault': {'code': 'http_status'}},
    ]
    (tmp_path / 'work' / 'r.json').write_text(json.dumps(results))
    run('get', '-i', 'm.json', '-d', 'd', '--retry-failed', 'r.json')

    assert _paths(server) == ['/flaky']


def test_a_list_of_urls_can_be_tried_again(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """The file keeps the name that it has in the folder."""
    urls = [server.on('/a', resource(b'a')), server.on('/b', in_turn(respond(404), resource(b'b')))]
    (tmp_path / 'work' / 'list').write_text('\n'.join(urls))
    done = run('get', '-i', 'list', '-d', 'd', '--json', '--retry', '0')
    (tmp_path / 'work' / 'r').write_text(done.stdout)
    again = run('get', '-i', 'list', '-d', 'd', '--retry-failed', 'r')

    assert again.stdout == 'd/b\n'
    (tmp_path / 'work' / 'r').write_text(done.stdout.replace('"ok": false', '"ok": true'))
    nothing = run('get', '-i', 'list', '-d', 'd', '--retry-failed', 'r')
    assert (nothing.returncode, nothing.stdout) == (0, '')
    assert nothing.stderr == 'nothing to retry: everything is finished\n'


def test_another_try_takes_no_name_of_another(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """Although it has one entry only."""
    first = server.on('/a/t.csv', resource(b'first'))
    second = server.on('/b/t.csv', in_turn(respond(404), resource(b'second')))
    (tmp_path / 'work' / 'list').write_text(f'{first}\n{second}\n')
    done = run('get', '-i', 'list', '-d', 'd', '--json', '--retry', '0')
    (tmp_path / 'work' / 'r').write_text(done.stdout)
    again = run('get', '-i', 'list', '-d', 'd', '--retry-failed', 'r')

    assert again.stdout == 'd/t-2.csv\n'
    assert (tmp_path / 'work' / 'd' / 't.csv').read_bytes() == b'first'


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('', 'r.json is empty; write the new results to another file'),
        ('{"a"\n', 'r.json is not JSON'),
        ('5\n', 'r.json does not have the results of dlmachine get --json'),
        ('{"name": "else", "ok": true}\n', 'r.json has no result for any of the 3 downloads'),
    ],
)
def test_other_files_are_refused(
    run: RunCommand, server: Server, manifest: Path, tmp_path: Path, text: str, problem: str
) -> None:
    """Before anything is downloaded."""
    (tmp_path / 'work' / 'r.json').write_text(text)
    done = run('get', '-i', 'm.json', '-d', 'd', '--retry-failed', 'r.json')

    assert done.returncode == 2
    assert problem in done.stderr
    assert server.asked == []
    assert run('get', server.url('/a'), '--retry-failed', 'r.json').returncode == 2


# --- lines ------------------------------------------------------------------------------


def test_a_failure_names_the_line_of_its_url(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """Of a file and of stdin; of one URL and of several."""
    text = f'# mine\n{server.on("/a", resource(b"a"))}\n\nhttps//h/x\nhtp://h/x\n{server.url("/none")}\n'
    (tmp_path / 'work' / 'list').write_text(text)
    done = run('get', '-i', 'list', '-d', 'd', '--retry', '0')
    piped = run('get', '-i', '-', '-d', 'd', said='\nhtp://h/x\n')

    told = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert sorted(line.partition(': ')[2].partition(': ')[0] for line in told) == [
        'list, line 4', 'list, line 5', 'list, line 6',
    ]  # fmt: skip
    assert piped.stderr.startswith('error: stdin, line 2: htp://h/x')
