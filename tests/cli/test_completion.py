"""Shell completion: commands, flags, files, folders, and short lists of values."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from dlmachine.cli import group

#: The command, under any of its names.
DLM = "import sys; sys.argv[0] = 'dlmachine'; from dlmachine.cli import main; main()"


def complete(line: str, shell: type[ShellComplete] = BashComplete) -> list[tuple[str, str]]:
    """The completions of the last word of a line, with the kind of each."""
    *words, incomplete = line.split(' ')
    found = shell(group, {}, 'dlmachine', '_DLMACHINE_COMPLETE').get_completions(words, incomplete)
    return [(item.type, item.value) for item in found]


@pytest.mark.parametrize(
    ('line', 'offered'),
    [
        ('ge', ['get']),
        (
            'cache ',
            [
                'dir',
                'doctor',
                'du',
                'export',
                'import',
                'info',
                'ls',
                'missing',
                'pin',
                'prune',
                'rm',
                'unpin',
                'verify',
            ],
        ),
        ('get --connect', ['--connect-timeout']),
        (
            'get --no-check',
            ['--no-check-freshness', '--no-check-content', '--no-check-certificate'],
        ),
        ('get --backend ', ['requests', 'curl']),
        ('get --backend=cu', ['curl']),
        ('demo --backend r', ['requests']),
        ('get --check-method ', ['auto', 'etag', 'modified', 'size', 'hash']),
        ('plan --segments a', ['auto']),
        ('get -X P', ['POST', 'PUT', 'PATCH']),
        ('get -X D', ['DELETE']),
        ('get --max-per-host n', ['none']),
        ('get --retries ', []),
        ('get http', []),
    ],
)
def test_words_are_completed(line: str, offered: list[str]) -> None:
    """Commands, flags, and values of short lists; backends as installed."""
    pytest.importorskip('pycurl')
    assert complete(line) == [('plain', word) for word in offered]


@pytest.mark.parametrize(
    'line',
    [
        'get -o ', 'get --output ', 'plan --dest ', 'get -i ', 'get --config ', 'config --config ', 'get --checksum-file ',
        'get --cacert ', 'get --cert ', 'get --key ', 'audit ', 'cache info ', 'cache rm a ',
    ],
)  # fmt: skip
def test_files_are_completed(line: str) -> None:
    """By the shell itself, which is told that a file is expected."""
    for shell in (BashComplete, ZshComplete, FishComplete):
        assert complete(f'{line}da', shell) == [('file', 'da')]


@pytest.mark.parametrize('line', ['get --cache ', 'get -d ', 'plan --dir ', 'cache ls --cache '])
def test_folders_are_completed(line: str) -> None:
    """Like files."""
    assert complete(f'{line}da') == [('dir', 'da')]


@pytest.mark.parametrize(
    ('line', 'offered'),
    [
        ('dlmachine ge', ['get']),
        ('dlmachine get --backend re', ['requests']),
        ('dlmachine audit down', ['files']),
        ('dlmachine get --cache c', ['folders']),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, offered: list[str]) -> None:
    """With the documented script, in a real bash, as if Tab had been pressed."""
    bash = shutil.which('bash')
    if bash is None:
        pytest.skip('there is no bash')
    program = tmp_path / 'bin' / 'dlmachine'
    program.parent.mkdir()
    program.write_text(f'#!{sys.executable}\n{DLM}\n')
    program.chmod(0o755)
    # `compopt` works only while bash completes; here it shows what bash would do.
    script = f"""
        compopt() {{
            case "$2" in default) echo files ;; dirnames) echo folders ;; esac
        }}
        complete() {{ :; }}
        eval "$(_DLMACHINE_COMPLETE=bash_source dlmachine)"
        COMP_WORDS=({line}) COMP_CWORD={len(line.split()) - 1} COMPREPLY=()
        _dlmachine_completion dlmachine
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        [bash, '--norc', '-c', script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={'PATH': f'{program.parent}:/usr/bin:/bin', 'PYTHONPATH': ':'.join(sys.path)}, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.split() == offered
