"""Flags come from the table of options: none is missing, and none is declared twice."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from dlmachine.cli import get, group
from dlmachine.cli.parameters.flags import OLD_FLAGS, ON, REPEATED, flag_of, in_flags
from dlmachine.cli.parameters.options import SECTIONS, TableFlag
from dlmachine.config import load_config
from dlmachine.core.spec.option_help import CACHE_HELP
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES
from dlmachine.options.lists import SETTING_NAMES
from tests.servers.behaviours import resource
from tests.servers.http import Server

#: Options without a flag from the table, and the reason.
ELSEWHERE = {
    'dest': '--output and --dir',
    'pkg': 'for programs that have a cache of their own',
    'validate': 'a function',
    'auth': '--user, --bearer-env and others',
    'cookies': '--cookie and --cookie-jar',
    'key_password': '--pass',
    'any_status': 'for programs that look at responses',
    'on_event': 'a function; --log-file FILE.jsonl',
    'rules': 'tables [[rule]] in a configuration file',
    **dict.fromkeys(CACHE_HELP, 'flags of cache prune'),
    'query': '--data and --json-data', 'post': '--data', 'json': '--json-data', 'data': '--data', 'multipart': '',
}  # fmt: skip
FLAGS = {one.name: one for one in get.command.params if isinstance(one, TableFlag)}
#: A value for each option that takes one.
VALUES: dict[str, Any] = {
    'path': 'c', 'method': 'PUT', 'headers': 'A: b', 'user_agent': 'me', 'secret_names': 'code', 'mirrors': 'http://m/',
    'freshness': 'stored', 'remember_missing': '7d', 'if_exists': 'keep', 'link': 'hard', 'mtime': 'server', 'check_method': 'etag', 'newer_than': '2024-05-01', 'older_than': '2024-05-01', 'checksum': f'md5:{"ab" * 16}',
    'checksum_file': 'x.md5', 'backend': 'curl', 'segments': 'auto', 'rate': '3/s', 'cainfo': 'x', 'cert': 'x', 'key': 'x', 'proxy': 'p:1', 'proxy_auth': 'me:pw', 'no_proxy': 'x', 'repositories': 'doi=https://h', 'resolve': 'h:1:::1', 'storage_options': '{"anon": true}',
}  # fmt: skip


def parsed(*words: str) -> dict[str, Any]:
    """The parameters of `get` for these arguments."""
    return get.command.make_context('get', ['http://h/', *words]).params


def test_every_option_has_a_flag() -> None:
    """Under its own name; a new option of the table is also in a section of the help."""
    assert FLAGS.keys() == {*SETTING_NAMES, *DESCRIPTOR_NAMES} - ELSEWHERE.keys()
    for name, flag in FLAGS.items():
        assert flag_of(name) in (*flag.opts, *flag.secondary_opts), name
        if name not in REPEATED and name not in {'path', 'no_proxy'}:
            assert flag_of(name).removeprefix('--no-').removeprefix('--') == name.replace('_', '-')
    in_sections = [name for names in SECTIONS.values() for name in names]
    assert sorted([*in_sections, 'path', 'progress']) == sorted(FLAGS)


def test_switches_are_known() -> None:
    """Options that are true by default have a flag that switches them off."""
    settings = load_config(None, {}, environ={}, user_file='/dev/null').unwrap().settings
    assert {one.name for one in settings if one.value is True} == ON


@pytest.mark.parametrize('name', sorted(FLAGS))
def test_a_flag_sets_its_option(name: str) -> None:
    """By each of its names, and nothing else."""
    untouched = parsed()
    for flag in (*FLAGS[name].opts, *FLAGS[name].secondary_opts):
        if name == 'extract':  # Its value is joined, because it can be left out.
            value: Any = 'tables'
            changed = parsed(f'{flag}={value}')
            assert parsed(flag, 'https://h/x')[name] == 'true'
        elif FLAGS[name].is_flag:
            value = flag in FLAGS[name].opts
            changed = parsed(flag)
        else:
            value = VALUES.get(name, '7')
            changed = parsed(flag, value)
            value = (value,) if name in REPEATED else value
        assert {key: one for key, one in changed.items() if one != untouched[key]} == {name: value}


def test_what_was_not_passed_is_left_to_the_configuration(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passed options override it, in both directions of a switch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('DLMACHINE_OFFLINE', '1')
    url = server.on('/x', resource(b'x'))

    assert CliRunner().invoke(group, ['get', url]).exit_code == 11
    assert CliRunner().invoke(group, ['get', url, '--no-offline']).exit_code == 0


@pytest.mark.parametrize(('old', 'new'), OLD_FLAGS.items())
def test_an_old_flag_works_and_warns(old: str, new: str) -> None:
    """On stderr, with the present name; after `--` it is an argument."""
    words = (old, '3') if new == '--workers' else (old,)
    name = new.removeprefix('--').replace('-', '_')

    @click.command()
    def show() -> None:
        click.echo(repr(parsed(*words)[name]))
        parsed('--', old)

    done = CliRunner().invoke(show, [])

    assert done.stdout == ('3\n' if new == '--workers' else 'True\n')
    assert done.stderr == f'warning: {old} is now called {new}\n'


def test_an_old_variable_works_and_warns(tmp_path: Path) -> None:
    """The default of --workers."""
    done = subprocess.run(
        [sys.executable, '-m', 'dlmachine', 'get', '-i', '-'], input=b'', cwd=tmp_path,
        env={'DLMACHINE_JOBS': '2', 'PATH': '', 'PYTHONPATH': ':'.join(sys.path)}, capture_output=True, check=False,
    )  # fmt: skip

    assert b'warning: DLMACHINE_JOBS is now called DLMACHINE_WORKERS' in done.stderr


def test_a_bad_value_names_its_flag() -> None:
    """With the message of the table's parser; exit code 2."""
    for words, said in (
        (('--retries', 'x'), "'--retries' / '--retry': must be a whole number, not 'x'"),
        (('-m', '0'), 'must be more than 0'),
        (('--check-method', 'x'), "'--check-method': must be one of auto"),
        (('--newer-than', 'x'), "'--newer-than': must be a date"),
    ):
        done = CliRunner().invoke(group, ['get', 'http://h/', *words])

        assert done.exit_code == 2
        assert said in done.stderr


def test_the_help_shows_values_and_defaults() -> None:
    """Each flag has its own line, in a section, with the default of the policy."""
    text = CliRunner().invoke(group, ['get', '--help'], terminal_width=200).stdout

    for section in ('Options:', *(f'{name}:' for name in SECTIONS)):
        assert f'\n{section}\n' in text
    assert 'Maximum time without a byte (seconds; default: 60)' in ' '.join(text.split())
    assert '-k, --no-verify, --insecure' in text
    assert '--verify,' not in text
    assert in_flags('pass keep_old=False') == 'pass --no-keep-old'


def test_names_for_the_key_are_repeated(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotated token is a hit."""
    monkeypatch.chdir(tmp_path)
    url = server.on('/x', resource(b'x'))
    names = [
        '--key-without',
        'cookie',
        '--key-ignores-query',
        'token',
        '--key-ignores-query',
        'X-*',
    ]
    for token in ('1', '2'):
        words = [f'{url}?token={token}&X-A={token}', '-H', f'Cookie: {token}', '--cache', 'c']
        assert CliRunner().invoke(group, ['get', *words, *names]).exit_code == 0
    assert len(server.asked) == 1
