"""What users of curl and wget type: flags for names, results, logs and colours."""

import json
import os
import re
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dlmachine.cli import group
from dlmachine.cli.parameters.habits import IMPLIED
from tests.servers.behaviours import in_turn, redirect, resource, respond
from tests.servers.http import Server

NAMED = resource(b'data', fields=(('Content-Disposition', 'attachment; filename="named.txt"'),))


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'work'
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ('NO_COLOR', 'FORCE_COLOR', 'DLMACHINE_CONFIG'):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> Result:
    """Run `dlmachine`, on a terminal that shows colours if it is asked to."""
    return CliRunner().invoke(group, words, color=True)


def files() -> set[str]:
    """The names of the files in the current folder."""
    return {name for name in os.listdir() if name != '.dlmachine'}


@pytest.mark.parametrize(
    ('words', 'path'),
    [
        ([], 'named.txt'),
        (['-O'], 'x.csv'),
        (['-OJ'], 'named.txt'),
        (['-J'], 'named.txt'),
        (['--content-disposition'], 'named.txt'),
        (['-O', '-d', 'sub'], 'sub/x.csv'),
        (['--remote-name', '--output-dir', 'sub'], 'sub/x.csv'),
        (['-O', '-o', 'sub/'], 'sub/x.csv'),
    ],
    ids=' '.join,
)
def test_a_file_is_named_by_the_url_or_the_response(
    server: Server, words: list[str], path: str
) -> None:
    """As in curl; only the last segment of the URL counts."""
    url = f'{server.on("/d/x.csv", NAMED)}?token=1'
    assert run('plan', url, *words).exit_code == 0
    done = run('get', url, *words)
    assert (done.exit_code, done.stdout) == (0, f'{path}\n'), done.stderr
    assert Path(path).read_bytes() == b'data'


def test_a_name_needs_a_folder(server: Server) -> None:
    """Neither a file, nor the cache."""
    url = server.on('/x', NAMED)
    for words in (['-o', 'y'], ['--cache', 'c'], ['-o', '-']):
        done = run('get', url, '-O', *words)
        assert done.exit_code == 2
        assert '--remote-name needs a folder' in done.stderr
    assert server.asked == []


def test_a_file_of_another_origin_is_not_replaced_by_its_name(server: Server) -> None:
    """The URL named it, not the user."""
    Path('x').write_text('mine')
    assert run('get', server.on('/x', resource(b'data')), '-O').exit_code == 3
    assert Path('x').read_text() == 'mine'
    assert run('get', server.url('/x'), '-O', '--overwrite').exit_code == 0
    assert Path('x').read_text() == 'data'


def test_flags_that_change_nothing_are_accepted(server: Server) -> None:
    """Alone, and together as curl's users write them."""
    url = server.on('/x', resource(b'data'))
    for words in ([*IMPLIED, '--location', '-C', '-'], ['-fsSLO'], ['-sSfL', '-o', 'y']):
        done = run('get', url, *words)
        assert done.exit_code == 0, done.stderr
    assert files() == {'x', 'y'}


@pytest.mark.parametrize('flag', ['-s', '-L', '-f', '-S', '-q', '-v', '-O', '-J', '-sSfL', '-I'])
def test_a_source_without_a_host_is_not_the_value_of_a_flag(flag: str) -> None:
    """A DOI, a data: URL, and a local file if those are allowed; a word elsewhere is."""
    Path('a.csv').write_text('a,b')
    assert run('get', flag, 'doi:10.5281/zenodo.1/x.csv', '--offline').exit_code == 11
    assert run('get', flag, 'data:text/csv,a', '-o', '-').exit_code == (2 if 'O' in flag else 0)
    words = ['-d', 'out'] if 'O' in flag else ['-o', '-']
    done = run('get', flag, './a.csv', '--allow-file', *words)
    assert done.exit_code == 0, done.stderr
    assert "'out.txt' is not a URL" in run('get', flag, 'out.txt').stderr


def test_a_redirect_is_followed_in_spite_of_the_configuration(server: Server) -> None:
    """With `-L`, and with the environment's opposite."""
    server.on('/y', resource(b'data'))
    url = server.on('/x', redirect('/y'))
    for words, code in (([], 8), (['-L'], 0), (['--location'], 0)):
        done = CliRunner(env={'DLMACHINE_FOLLOW': '0'}).invoke(
            group, ['get', url, '-o', 'x', *words]
        )
        assert done.exit_code == code, done.stderr


def test_existing_files_are_kept_or_replaced(server: Server) -> None:
    """By the words of curl and wget."""
    url = server.on('/x', resource(b'data'))
    Path('x').write_text('mine')
    for word, left in (
        ('--no-clobber', 'mine'),
        ('--skip-existing', 'mine'),
        ('--overwrite', 'data'),
    ):
        assert run('get', url, '-o', 'x', word).exit_code == 0
        assert Path('x').read_text() == left


def test_the_time_of_the_server_is_taken(server: Server) -> None:
    """With curl's `-R`, which stands by itself."""
    url = server.on('/x', resource(b'data', last_modified='Wed, 01 May 2024 12:00:00 GMT'))
    assert run('get', url, '-R').exit_code == 0
    assert Path('x').stat().st_mtime == 1714564800
    assert 'must be written by itself' in run('get', url, '-OR').stderr


def test_silence_leaves_paths_and_errors(server: Server) -> None:
    """No progress, no wait and no summary."""
    good, bad = server.on('/x', resource(b'data')), server.on('/y', respond(404))
    assert run('get', good, '-s').output == 'x\n'
    both = run('get', good, server.on('/z', resource(b'z')), '-s', '-d', 'd')
    assert sorted(both.output.split()) == ['d/x', 'd/z']
    failed = run('get', bad, '-s')
    assert (failed.exit_code, failed.stdout) == (8, '')
    assert '404' in failed.stderr


# --- results ----------------------------------------------------------------------


def test_results_are_written_as_asked(server: Server) -> None:
    """With the variables of curl, and those of `--json`."""
    server.on('/y', resource(b'data', fields=(('X-A', '1'),)))
    url = server.on('/x', redirect('/y'))
    pattern = (
        r'%{http_code} %{size_download} %{num_redirects} %{num_retries} %{exitcode}\n'
        r'%{filename_effective}|%{path}|%{url_effective}|%header{x-a}|%{origin}|%{errormsg}\t%%{a'
    )
    done = run('get', url, '-o', 'z', '-w', pattern)
    assert done.stdout == f'200 4 1 0 0\nz|z|{server.url("/y")}|1|network|\t%{{a', done.stderr
    done = run('get', url, '-o', 'z', '-w', '%{size_download} %{origin} %{time_total}')
    assert done.stdout == '0 cache 0.000000'
    times = run('get', url, '-o', 'z', '-w', '%{time_total} %{speed_download}', '--force-download')
    assert re.fullmatch(r'\d+\.\d{6} \d+', times.stdout)


def test_failures_are_written_too(server: Server) -> None:
    """Alone, and among others; the output of stdout comes first."""
    good, bad = server.on('/x', resource(b'data')), server.on('/y', respond(404))
    pattern = '%{http_code} %{exitcode} %{urlnum} %{errormsg}\\n'
    done = run('get', bad, '-w', pattern)
    assert (done.exit_code, done.stdout[:8]) == (8, '404 8 0 ')
    both = run('get', bad, good, '-d', 'd', '-w', '%{http_code} %{json}\\n')
    rows = {line[:3]: json.loads(line[4:]) for line in both.stdout.splitlines()}
    assert {code: row['ok'] for code, row in rows.items()} == {'404': False, '200': True}
    assert run('get', good, '-o', '-', '-w', ' %{http_code}').stdout == 'data 200'
    nowhere = run('get', 'http://127.0.0.1:1/x', '--retry', '0', '-w', '%{response_code}')
    assert nowhere.stdout == '000'


def test_a_format_may_be_in_a_file(server: Server) -> None:
    """An unknown variable is an error, with the nearest one."""
    url = server.on('/x', resource(b'data'))
    Path('f').write_text('%{path}\\n%{content_type}')
    assert run('get', url, '-o', 'x', '-w', '@f').stdout == 'x\n'
    for pattern, said in (
        ('%{htp_code}', 'there is no variable %{htp_code}; did you mean %{http_code}?'),
        ('%{zzzz}', 'there is no variable %{zzzz}: content_type, errormsg,'),
        ('@none', '--write-out: none cannot be read'),
    ):
        done = run('get', url, '-w', pattern)
        assert done.exit_code == 2
        assert said in done.stderr
    assert '--json and --write-out exclude' in run('get', url, '-w', 'x', '--json').stderr


# --- logs, colours, configuration --------------------------------------------------


def test_the_log_goes_to_a_file(server: Server) -> None:
    """Appended; stderr has no log, unless it is asked for. A password is masked."""
    url = server.on('/x', resource(b'data')).replace('http://', 'http://me:hidden@')
    for words in ([], ['-vv']):
        done = run('get', url, '-o', 'x', '--force-download', '--log-file', 'log', *words)
        assert done.exit_code == 0
        assert bool(done.stderr) is bool(words)
    text = Path('log').read_text()
    assert re.match(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO', text)
    assert 'DEBUG' in text
    assert 'hidden' not in text
    done = run('get', url, '--log-file', 'none/log')
    assert (done.exit_code, 'none/log cannot be written: No such file' in done.stderr) == (2, True)


def test_the_log_may_be_lines_of_json(server: Server) -> None:
    """The events of each download, without those that count bytes; a password is masked."""
    url = server.on('/x', resource(b'data')).replace('http://', 'http://me:hidden@')
    assert run('get', url, '-o', 'x', '--log-file', 'log.jsonl').exit_code == 0
    assert run('get', server.url('/none'), '--log-file', 'log.jsonl').exit_code != 0
    text = Path('log.jsonl').read_text()
    events = [json.loads(line) for line in text.splitlines()]
    assert [one['event'] for one in events] == [
        'DownloadStarted',
        'DownloadFinished',
        'DownloadStarted',
        'DownloadFailed',
    ]
    assert datetime.fromisoformat(events[0]['time']).tzinfo is not None
    assert events[1]['outcome']['path'] == 'x'
    assert events[3]['fault']['status'] == 404
    assert 'hidden' not in text
    done = run('get', url, '--log-file', 'none/log.jsonl')
    assert (done.exit_code, 'none/log.jsonl cannot be written' in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ('words', 'env', 'is_colored'),
    [
        ([], {}, False),
        (['--color', 'always'], {}, True),
        (['--color', 'always'], {'NO_COLOR': '1'}, True),
        (['--color', 'auto'], {'FORCE_COLOR': '1'}, True),
        ([], {'FORCE_COLOR': '1', 'NO_COLOR': ''}, True),
        ([], {'FORCE_COLOR': '1', 'NO_COLOR': '1'}, False),
        ([], {'FORCE_COLOR': '1', 'TERM': 'dumb'}, False),
        (['--color', 'never'], {'FORCE_COLOR': '1'}, False),
    ],
)
def test_messages_have_colours_if_wanted(
    words: list[str], env: dict[str, str], is_colored: bool
) -> None:
    """The flag counts before the environment; without both, only a terminal has colours."""
    env = {'TERM': 'xterm', **env}
    done = CliRunner(env=env).invoke(group, ['get', 'gopher://h/', *words])
    assert done.stderr.startswith('\x1b[31m\x1b[1merror:\x1b[0m ' if is_colored else 'error: ')


def test_the_file_of_the_user_may_be_ignored(tmp_path: Path) -> None:
    """For one command; a file that is named counts all the same."""
    file, other = tmp_path / 'user.toml', tmp_path / 'other.toml'
    file.write_text('retries = 7')
    other.write_text('timeout = 9')
    runner = CliRunner(env={'DLMACHINE_CONFIG': str(file)})

    def shown(*words: str) -> dict[str, str]:
        rows = json.loads(runner.invoke(group, ['config', '--json', *words]).stdout)
        return {name: rows[name]['value'] for name in ('retries', 'timeout')}

    assert shown() == {'retries': '7', 'timeout': 'None'}
    assert shown('--no-config') == {'retries': '3', 'timeout': 'None'}
    assert shown('--no-config', '--config', str(other)) == {'retries': '3', 'timeout': '9'}
    assert shown() == {'retries': '7', 'timeout': 'None'}


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_errors_that_last_are_retried(server: Server, backend: str) -> None:
    """With curl's flags, by either backend."""
    if backend == 'curl':
        pytest.importorskip('pycurl')
    url = server.on('/x', in_turn(respond(404), respond(403), resource(b'data')))
    words = ['--backend', backend, '--retry-all-errors', '--retry-delay', '0']
    assert run('get', url, *words, '--retry', '2', '--retry-max-time', '60').exit_code == 0
    assert len(server.asked) == 3
