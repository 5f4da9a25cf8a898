"""Get the suite, and play it: `python -m tests.cache_suite [CLIENT ...]`.

Without names, dlmachine plays it with both backends. `--others` also plays it with the libraries of
the dependency group `caches`, which are installed into an environment of their own.
"""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Final

from tests.cache_suite.clients import CLIENTS

_PACKAGE: Final = 'http-cache-tests@0.4.5'
_ROOT: Final = Path(__file__).parents[2]
_WORK: Final = _ROOT / 'build' / 'cache-suite'
#: A network with nothing but loopback.
_ALONE: Final = ('unshare', '--map-root-user', '--net')
_OURS: Final = ('requests', 'curl')


def main(names: list[str]) -> int:
    """Play the suite; it is skipped where it cannot be played alone."""
    if shutil.which('npm') is None or shutil.which('unshare') is None:
        print('skipped: npm (Node.js) and unshare are needed')
        return 0
    if subprocess.run([*_ALONE, 'true'], capture_output=True, check=False).returncode:
        print('skipped: this system does not permit a network namespace')
        return 0
    wanted = [name for name in names if name != '--others'] or list(_OURS)
    if '--others' in names:
        wanted += [name for name in CLIENTS if name not in wanted]
    package = _get_package()
    worst = 0
    for name in wanted:
        python = sys.executable if name in _OURS else _other_python()
        start = 'ip link set lo up && exec "$@"'
        command = [*_ALONE, 'sh', '-c', start, 'sh', python, '-m', 'tests.cache_suite.play']
        done = subprocess.run([*command, str(package), name], cwd=_ROOT, check=False)
        worst = max(worst, done.returncode)
    return worst


def _get_package() -> Path:
    package = _WORK / 'package'
    if not package.exists():
        _WORK.mkdir(parents=True, exist_ok=True)
        command = ['npm', 'pack', '--silent', _PACKAGE]
        packed = subprocess.run(command, cwd=_WORK, capture_output=True, text=True, check=True)
        subprocess.run(['tar', '-xzf', packed.stdout.split()[-1]], cwd=_WORK, check=True)
    return package


def _other_python() -> str:
    folder = _WORK / 'venv'
    python = folder / 'bin' / 'python'
    if not python.exists():
        groups = tomllib.loads((_ROOT / 'pyproject.toml').read_text(encoding='utf-8'))
        venv.create(folder, with_pip=True)
        quiet = {**os.environ, 'PIP_DISABLE_PIP_VERSION_CHECK': '1'}
        install = [
            str(python),
            '-m',
            'pip',
            'install',
            '-q',
            *groups['dependency-groups']['caches'],
        ]
        subprocess.run(install, env=quiet, check=True)
    return str(python)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
