"""The command line: stdout, stderr and exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlmachine.cli.exit_codes import CODES, exit_code
from dlmachine.core.faults import FAULTS, HttpStatus
from tests.fixtures import RunCommand
from tests.servers.behaviours import in_turn, resource, respond, trickle
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


def test_get_writes_here_under_the_name_of_the_response(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """Without a destination the file goes into the current folder; its path is printed."""
    done = run('get', server.on('/d/t.tsv', resource(BODY)))

    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.strip() == 't.tsv'
    assert (tmp_path / 'work' / 't.tsv').read_bytes() == BODY
    assert sorted(os.listdir(tmp_path / 'work')) == ['.dlmachine', 't.tsv']


@pytest.mark.parametrize(
    'words', [['-o', 'sub/x'], ['--dir', 'sub'], ['--cache', 'c'], ['-o', '-']], ids=' '.join
)
def test_destinations(run: RunCommand, server: Server, tmp_path: Path, words: list[str]) -> None:
    """A file, a folder, the cache, and stdout."""
    done = run('get', server.on('/x', resource(BODY)), *words)

    assert done.returncode == 0, done.stderr
    if words == ['-o', '-']:
        assert done.stdout.encode() == BODY
    else:
        assert (tmp_path / 'work' / done.stdout.strip()).read_bytes() == BODY


def test_an_error_is_one_line_and_a_code(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """An expected failure has no traceback, and leaves nothing behind."""
    done = run('get', server.on('/x', respond(404, body=b'no')), '--retry', '0')

    assert (done.returncode, done.stdout) == (8, '')
    assert run('get', server.on('/503', respond(503)), '--retry', '0').returncode == 8
    assert len(server.asked) == 2
    assert run('get', server.url('/503'), '--max-time', '0').returncode == 2
    assert done.stderr.count('\n') == 1
    assert done.stderr.startswith('error: ')
    assert os.listdir(tmp_path / 'work') == []


@pytest.mark.parametrize(
    ('words', 'code'),
    [
        (['get', 'http://127.0.0.1:1/x', '--retry', '0'], 4),
        (['get', 'no-url'], 2),
        (['get'], 2),
        (['nothing'], 2),
        (['get', 'http://127.0.0.1:1/x', '--offline', '--cache', 'c'], 11),
        (['get', 'http://127.0.0.1:1/x', '--checksum', 'sha256:00'], 2),
        (['get', 'http://127.0.0.1:1/x', '-o', 'a', '--cache', 'c'], 2),
        (['plan', 'http://127.0.0.1:1/x', '--exit-code'], 10),
        (['plan', 'http://127.0.0.1:1/x'], 0),
        (['get', '--dry-run', 'http://127.0.0.1:1/x'], 0),
        (['audit', 'missing.txt'], 2),
        (['cache', 'info', 'http://127.0.0.1:1/x', '--cache', 'c'], 3),
        (['cache', 'ls', '--cache', 'c'], 3),
        (['config'], 0),
        (['--version'], 0),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes(run: RunCommand, tmp_path: Path, words: list[str], code: int) -> None:
    """Scripts can tell failures apart; read-only commands leave the folder empty."""
    done = run(*words)

    assert done.returncode == code, done.stderr
    assert 'Traceback' not in done.stderr
    assert os.listdir(tmp_path / 'work') == []


def test_every_fault_has_a_code() -> None:
    """Credentials have their own code."""
    assert set(CODES) == set(FAULTS)
    assert [exit_code(HttpStatus(url='', status=status)) for status in (401, 407, 500)] == [6, 6, 8]


def test_many_and_some_fail(run: RunCommand, server: Server) -> None:
    """The others are downloaded, and the code is 12."""
    done = run('get', server.on('/a', resource(BODY)), server.on('/b', respond(404)), '--dir', 'd')

    assert done.returncode == 12
    assert done.stdout.strip() == str(Path('d', 'a'))
    assert '1 downloaded, 1 failed\n' in done.stderr


def test_json_is_for_machines(run: RunCommand, server: Server) -> None:
    """`--json` prints a line for each result, with stable codes."""
    good = run('get', server.on('/a', resource(BODY)), '--cache', 'c', '--json')
    mixed = run('get', server.url('/a'), 'gopher://127.0.0.1/', '--cache', 'c', '--json')

    assert json.loads(good.stdout)['size'] == len(BODY)
    results = map(json.loads, mixed.stdout.splitlines())
    reported = {one['url'].partition(':')[0]: one for one in results}
    assert reported['http']['origin'] == 'cache'
    assert reported['gopher']['fault']['code'] == 'scheme_refused'


def test_audit_reports_and_changes_nothing(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """Hit, missing and would-fail; 10 while anything would be downloaded, else 0."""
    url = server.on('/a', resource(BODY))
    run('get', url, '--cache', 'c')
    listed, asked = tmp_path / 'work' / 'list.txt', len(server.asked)
    listed.write_text(f'# list\n{url}\n{server.url("/b")}\ngopher://127.0.0.1/\n', encoding='utf-8')

    done = run('audit', 'list.txt', '--cache', 'c')
    rows = json.loads(run('audit', 'list.txt', '--cache', 'c', '--json').stdout)

    assert done.returncode == 10
    assert [row['status'] for row in rows] == ['hit', 'missing', 'would-fail']
    assert rows[0]['size'] == len(BODY)
    assert '3 in all: 1 hit' in done.stderr
    listed.write_text(url, encoding='utf-8')
    assert run('audit', 'list.txt', '--cache', 'c').returncode == 0
    assert len(server.asked) == asked


def test_cache_commands(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """ls, info, verify, rm and dir; a changed file is found by its digest."""
    url = server.on('/t.tsv', resource(BODY))
    path = Path(run('get', url, '--cache', 'c').stdout.strip())
    whole = tmp_path / 'work' / path

    assert url in run('cache', 'ls', '--cache', 'c').stdout
    (info,) = json.loads(run('cache', 'info', url, '--cache', 'c', '--json').stdout)
    assert info['record']['size_bytes'] == len(BODY)
    assert 'sha256' in run('cache', 'info', str(path), '--cache', 'c').stdout
    assert run('cache', 'dir', '--cache', 'c').stdout.strip() == f'{tmp_path}/work/c'
    assert run('cache', 'verify', '--cache', 'c').returncode == 0
    whole.write_bytes(BODY[::-1])
    assert run('cache', 'verify', '--cache', 'c').returncode == 9
    assert run('cache', 'rm', url, '--cache', 'c', '--dry-run').returncode == 0
    assert whole.exists()
    assert run('cache', 'rm', url, '--cache', 'c', '-y').returncode == 0
    assert not whole.exists()
    assert run('cache', 'ls', '--cache', 'c').stdout == ''


def test_config_shows_where_values_come_from(run: RunCommand, tmp_path: Path) -> None:
    """File over environment over default, each named."""
    Path(tmp_path, 'work', 'dl.toml').write_text('retries = 7\n', encoding='utf-8')

    done = run(
        'config', '--config', 'dl.toml', '--json', DLMACHINE_RETRIES='5', DLMACHINE_TIMEOUT='9'
    )

    reported = json.loads(done.stdout)
    assert (reported['retries']['value'], 'dl.toml' in reported['retries']['source']) == ('7', True)
    assert 'DLMACHINE_TIMEOUT' in reported['timeout']['source']
    assert reported['backend']['source'] == 'default'


def test_demo_shows_the_main_job(run: RunCommand) -> None:
    """Plan, download, hit, 304 and audit, with the requests of each step."""
    done = run('demo')

    assert (done.returncode, done.stderr) == (0, '')
    for line in ('.tsv.gz 200', '.tsv.gz 304', 'requests: none', 'hit', 'missing'):
        assert line in done.stdout


def test_ctrl_c_ends_with_130(server: Server, tmp_path: Path) -> None:
    """An interrupted download leaves no file at the destination."""
    url = server.on('/slow', trickle(1000, 0.05))
    running = subprocess.Popen(
        [sys.executable, '-m', 'dlmachine', 'get', url, '-o', str(tmp_path / 'x')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(200):
        if server.asked:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    _, reported = running.communicate(timeout=20)

    assert running.returncode == 130
    assert 'Traceback' not in reported
    assert not (tmp_path / 'x').exists()


def test_help_is_quick_to_load() -> None:
    """The help loads click and nothing else that is heavy."""
    code = (
        'import sys\n'
        'from click.testing import CliRunner\n'
        'from dlmachine.cli import group\n'
        "assert CliRunner().invoke(group, ['--help']).exit_code == 0\n"
        "heavy = {'requests', 'pycurl', 'cachedir', 'rich', 'yaml', 'sqlite3', 'returns'} & set(sys.modules)\n"
        'assert not heavy, heavy\n'
    )

    subprocess.run([sys.executable, '-c', code], check=True)


def test_ctrl_c_ends_a_batch_at_once(server: Server, tmp_path: Path) -> None:
    """Running downloads do not delay the exit."""
    urls = [server.on(f'/slow{number}', trickle(10_000, 0.05)) for number in range(3)]
    running = subprocess.Popen(
        [sys.executable, '-m', 'dlmachine', 'get', *urls, '--dir', str(tmp_path / 'd')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(200):
        if len(server.asked) == 3:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    _, reported = running.communicate(timeout=8)

    assert running.returncode == 130
    assert 'Traceback' not in reported
    assert not (tmp_path / 'd' / 'slow0').exists()


def test_data_is_a_form_as_with_curl(run: RunCommand, server: Server) -> None:
    """`--data` posts a form, `--json-data` a JSON body."""
    url = server.on('/api', respond(200, body=b'ok'))

    assert run('get', url, '--data', 'a=1&b=2', '-o', '-').stdout == 'ok'
    assert run('get', url, '--json-data', '{"a": 1}', '-o', '-').stdout == 'ok'
    assert [(asked.method, asked.body, asked.get('Content-Type')) for asked in server.asked] == [
        ('POST', b'a=1&b=2', 'application/x-www-form-urlencoded'),
        ('POST', b'{"a":1}', 'application/json'),
    ]


def test_a_stale_copy_is_reported(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """The path on stdout, the reason on stderr, exit code 0; without the option it fails."""
    url = server.on('/x', in_turn(resource(BODY), respond(503)))
    words = ('--cache', 'c', '--force-download', '--retry', '0')
    first = run('get', url, '--cache', 'c')
    stale = run('get', url, *words, '--stale-if-error')
    reported = json.loads(run('get', url, *words, '--stale-if-error', '--json').stdout)
    failed = run('get', url, *words)

    assert (stale.returncode, stale.stdout) == (0, first.stdout)
    assert stale.stderr.startswith('stale: ')
    assert '503' in stale.stderr
    assert (reported['origin'], reported['fault']['code']) == ('stale', 'http_status')
    assert failed.returncode == 8


def test_bodies_are_checked_from_the_command_line(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """Checksum files, sizes, content and folders, each with its exit code."""
    page, table = server.on('/p.csv', resource(b'<html>')), server.on('/t.csv', resource(BODY))
    wrong = server.on('/SHA256SUMS', resource(b'0' * 64 + b'  t.csv\n'))
    at = ('--retry', '0', '-o', 'new/x')

    assert run('get', page, *at).returncode == 9
    assert run('get', table, *at, '--checksum-file', wrong).returncode == 9
    assert run('get', table, *at, '--min-bytes', '1k').returncode == 9
    assert run('get', table, *at, '--no-create-dirs').returncode == 3
    assert not (tmp_path / 'work' / 'new' / 'x').exists()
    assert run('get', page, *at, '--no-check-content').returncode == 0


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='there is no device that is full')
def test_unwritable_output_has_the_exit_code_of_files(server: Server) -> None:
    """In one line, without a traceback, for bytes, paths and tables."""
    url = server.on('/t.csv', resource(b'x'))
    for words in (['get', '-o', '-', url], ['config']):
        with open('/dev/full', 'wb') as full:
            ended = subprocess.run(
                [sys.executable, '-m', 'dlmachine', *words],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
            )  # fmt: skip
        assert (ended.returncode, ended.stderr.count('\n')) == (3, 1)
        assert ended.stderr.startswith('error: ')


def test_a_closed_pipe_ends_it_silently(server: Server) -> None:
    """Like other programs at SIGPIPE."""
    url = server.on('/t.csv', resource(b'x'))
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, '-m', 'dlmachine', 'get', '-o', '-', url],
        stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, '')


def test_config_shows_no_secret_of_a_url(run: RunCommand) -> None:
    """A URL among the settings may contain one."""
    for words in (['config'], ['config', '--json']):
        shown = run(*words, DLMACHINE_CHECKSUM_FILE='https://h/SUMS?token=s3cret')
        assert 's3cret' not in shown.stdout
        assert 'https://h/SUMS?token=***' in shown.stdout


def test_a_group_without_a_command_shows_its_help_once(run: RunCommand) -> None:
    """It is not repeated as an error."""
    done = run('cache')
    assert done.returncode == 2
    assert done.stderr.count('Usage:') == 1
    assert 'Error' not in done.stderr


def test_a_configured_destination_counts(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """For get and audit; without one, and without a cache, files go into the current folder."""
    url, work = server.on('/t.tsv', resource(BODY)), tmp_path / 'work'
    (work / 'to.toml').write_text('dest = "data/"', encoding='utf-8')
    (work / 'list.txt').write_text(url, encoding='utf-8')

    got = run('get', url, '--config', 'to.toml')
    audited = [
        json.loads(run('audit', 'list.txt', *words, '--json').stdout)[0]['reason']
        for words in (('--config', 'to.toml'), ())
    ]

    assert got.stdout.strip() == str(work / 'data' / 't.tsv')
    assert (work / 'data' / 't.tsv').read_bytes() == BODY
    assert audited == [
        'the file is recorded: check whether it is current', 'the destination is a path',
    ]  # fmt: skip


def test_config_shows_values_as_in_a_file(run: RunCommand, tmp_path: Path) -> None:
    """What it prints can be set."""
    text = 'dest = "data/"\ntimeout = 3.5\nsegments = "auto"\n'
    (tmp_path / 'work' / 'own.toml').write_text(text, encoding='utf-8')

    done = json.loads(run('config', '--json', '--config', 'own.toml').stdout)

    assert done['dest']['value'] == f'{tmp_path}/work/data/'
    assert (done['timeout']['value'], done['segments']['value']) == ('3.5', 'auto')
    assert done['stall_timeout']['value'] == '60'
    assert json.loads(run('config', '--json').stdout)['dest']['value'] == 'None'


def test_a_configured_folder_gives_each_file_a_name(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """No file of a batch overwrites another; --cache is stronger than the configuration."""
    urls = [server.on(f'/{name}/t.tsv', resource(name.encode())) for name in 'ab']
    work = tmp_path / 'work'
    (work / 'to.toml').write_text('dest = "data/"', encoding='utf-8')

    run('get', *urls, '--config', 'to.toml')
    stored = run('get', urls[0], '--config', 'to.toml', '--cache', 'c').stdout.strip()

    assert {path.read_bytes() for path in (work / 'data').glob('t*.tsv')} == {b'a', b'b'}
    assert Path(stored).parent == work / 'c'
