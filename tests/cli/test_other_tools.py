"""Each flag of curl, wget and aria2 of the table is accepted, or ends with a hint that names ours."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dlmachine.cli import get, group
from dlmachine.cli.parameters.habits import IMPLIED
from dlmachine.cli.parameters.other_tools import TOOLS, Row, all_rows

OURS = {
    flag: param
    for param in get.command.params
    if isinstance(param, click.Option)
    for flag in (*param.opts, *param.secondary_opts)
}
#: Flags that mean something else here, and do so without an error.
ELSEWHERE = {
    'curl': {'-d', '--json', '-i', '-q', '-V', '-T'},
    'wget': {'-O', '-x', '-o', '-w', '-e', '-c', '--mirror', '--timeout', '-i', '-m', '-b', '-A', '-U', '-d', '-nv'},
    'hf': set(),
    'aria2': {'-U', '--dry-run', '-n', '-m', '--retry-wait', '--timeout', '-x', '-s', '-k', '-c', '-R'},
}  # fmt: skip
FLAGS = [(row, tool, flag) for row in all_rows() for tool in TOOLS for flag in row.flags(tool)]


def flags_of(param: click.Option) -> set[str]:
    """All names of an option."""
    return {*param.opts, *param.secondary_opts}


@pytest.mark.parametrize('row', list(all_rows()), ids=str)
def test_our_flags_are_there(row: Row) -> None:
    """Without one, the note says what to do."""
    assert row.ours or row.note
    for flag in row.ours.split():
        assert flag in OURS


@pytest.mark.parametrize(
    ('row', 'tool', 'flag'), FLAGS, ids=[f'{tool} {flag}' for _, tool, flag in FLAGS]
)
def test_a_flag_is_ours_or_ends_with_a_hint(row: Row, tool: str, flag: str) -> None:
    """One that means something else here is listed above, and in the manual."""
    if flag in OURS:
        is_same = flags_of(OURS[flag]) & set(row.ours.split()) or flag in IMPLIED
        assert is_same or flag in {'-C', '--continue-at', '--if-exists'} or flag in ELSEWHERE[tool]
        return
    done = CliRunner().invoke(group, ['get', 'http://h/', flag])
    assert done.exit_code == 2
    assert tool in done.stderr
    assert f"'s {flag}" in done.stderr
    said = row.ours.split()[0] if row.ours else row.note
    assert said in done.stderr


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['-O', 'out.txt', 'http://h/'], "'out.txt' is not a URL. wget's -O is --output here"),
        (['-sO', 'out.txt', 'http://h/'], "'out.txt' is not a URL"),
        (['-s', '16', 'http://h/'], "'16' is not a URL. aria2's -s is --segments"),
        (['-d', 'a=1&b=2', 'http://h/'], "curl's -d is --data here"),
        (['-d', '{"a": 1}', 'http://h/'], "curl's -d is --data here"),
        (['-d', '@file', 'http://h/'], "curl's -d is --data here"),
        (['-c', 'http://h/'], 'downloads are always resumed'),
        (['-nc', 'http://h/'], "No such option '-nc'. wget's -nc is --no-clobber"),
        (['-nv', 'http://h/'], "No such option '-nv'. wget's -nv: errors are always shown"),
        (['-x', '16', 'http://h/'], "aria2's -x is --max-per-host"),
        (['--check-certificate=false', 'http://h/'], 'is --no-verify here'),
        (['-qO-', 'http://h/'], "wget's -O is --output here (- is stdout)"),
        (['--progress=bar', 'http://h/'], "wget's --progress is --progress here"),
        (['--local-dir', 'd', 'http://h/'], "hf's --local-dir is --dir here"),
        (['-i', 'http://h/'], "curl's -i is --write-out here"),
        (['--no-continue', 'http://h/'], 'A part is only resumed if the server confirms'),
        (['--format', 'json', 'http://h/'], '--json prints a line of JSON for each result'),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_a_value_shows_that_another_flag_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    """The error names ours."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(group, ['get', *words])
    assert done.exit_code == 2, done.output
    assert said in done.stderr


def test_a_command_has_hints_of_its_own() -> None:
    """`config` shows what it shows without a flag."""
    done = CliRunner().invoke(group, ['config', '--show'])
    assert (done.exit_code, 'where it is from' in done.stderr) == (2, True)


def test_ordinary_mistakes_have_no_hint() -> None:
    """About other programs."""
    for words in (['h.org/x'], ['--retries', 'x', 'http://h/'], ['-O', '-d', 'a', 'h.org/x']):
        done = CliRunner().invoke(group, ['get', *words])
        assert done.exit_code == 2
        assert "'s -" not in done.stderr


def test_a_folder_may_look_like_a_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is there, or is a path."""
    monkeypatch.chdir(tmp_path)
    Path('a=1').mkdir()
    for folder in ('a=1', './b=1', 'c'):
        done = CliRunner().invoke(group, ['get', 'http://h/', '-d', folder, '--dry-run'])
        assert done.exit_code == 0, done.stderr
