"""Secrets in a configuration: `dlmachine config` and faults show none, in any form."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from dlmachine.config import load_config
from tests.manager.test_config import load

RunCommand = Callable[..., CompletedProcess[str]]
SECRET = 'pl4nted'
LIST = f'https://me:{SECRET}@h/s?code={SECRET}&next=https%3A//h/%3Ftoken%3D{SECRET}'
FILES = {
    'lines.toml': f'headers = ["Authorization: Bearer {SECRET}", "X-Access: {SECRET}"]\n',
    'mapping.yaml': f'headers: {{X-Api-Key: {SECRET}, X-Access: {SECRET}}}\n',
    'pairs.json': f'{{"headers": [["Cookie", "a={SECRET}"], ["Referer", "https://h/?token={SECRET}"]]}}',
    'line.toml': f'headers = "Authorization: {SECRET}"\nchecksum_file = "{LIST}"\n',
}


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('more', [(), ('--json',)])
def test_files(run: RunCommand, tmp_path: Path, name: str, more: tuple[str, ...]) -> None:
    """Lines, mappings and pairs, with names that are declared in the environment."""
    place = tmp_path / name
    place.write_text(FILES[name], encoding='utf-8')
    words = ('config', '--config', str(place), *more)
    shown = run(*words, DLMACHINE_SECRET_NAMES='code X-Access')
    assert shown.returncode == 0, shown.stderr
    assert '***' in shown.stdout
    assert 'code, x-access' in shown.stdout
    assert SECRET not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ('variable', 'text', 'code'),
    [
        ('HEADERS', f'Authorization: Bearer {SECRET}', 0),
        ('HEADERS', f'Accept: text/csv\nX-Api-Key: {SECRET}', 0),
        ('HEADERS', f'Authorization : Bearer {SECRET}', 2),
        ('HEADERS', f'Authorization Bearer {SECRET}', 2),
        ('RETRIES', f'Authorization: Bearer {SECRET}', 2),
        ('TIMEOUT', f'https://me:{SECRET}@h/', 2),
        ('NEWER_THAN', f'https://h/;sid={SECRET}', 2),
        ('CHECK_METHOD', f'token={SECRET}', 2),
        ('CHECKSUM_FILE', f'https://me:{SECRET}@[h/SUMS', 2),
        ('CHECKSUM_FILE', LIST.replace('code', 'token'), 0),
        ('DEST', f'https://me:{SECRET}@h/', 2),
    ],
)
def test_the_environment(run: RunCommand, variable: str, text: str, code: int) -> None:
    """Valid and invalid values are both masked."""
    shown = run('config', **{f'DLMACHINE_{variable}': text})
    assert shown.returncode == code, shown.stderr
    assert SECRET not in shown.stdout + shown.stderr


def test_declared_names_are_read_everywhere() -> None:
    """From files, the environment and keywords; the fault about a bad value names its source."""
    assert load({'secret_names': ['B', 'a']}).described == {'secret_names': ('a', 'b')}
    assert load(environ={'DLMACHINE_SECRET_NAMES': 'B,a'}).described['secret_names'] == ('a', 'b')
    wrong = load_config({'secret_names': 5}, {}, environ={}, user_file='/dev/null').failure()
    assert str(wrong).startswith('secret_names (config) must be a list of names')
