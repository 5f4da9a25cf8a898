"""Virtual environments of the contenders, created on first use."""

import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: The packages of each environment. dlmachine itself runs in that of the benchmark.
REQUIREMENTS: Final[Mapping[str, str]] = {
    'requests': 'requests',
    'pycurl': 'pycurl',
    'pooch': 'pooch',
    'parfive': 'parfive',
    'original': 'dlmachine==0.0.3',
}
_VERSIONS: Final = (
    'from importlib.metadata import distributions as d\n'
    'print(*sorted(f"{x.name}=={x.version}" for x in d()))'
)


class AbsentError(Exception):
    """An environment cannot be created; the text says why."""


class Environments:
    """Environments below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._absent: dict[str, str] = {}

    def python(self, name: str) -> str:
        """The Python of a contender.  Raises: AbsentError."""
        if name == 'dlmachine':
            return sys.executable
        if name in self._absent:
            raise AbsentError(self._absent[name])
        try:
            return str(self._make(name, REQUIREMENTS[name]))
        except (OSError, subprocess.SubprocessError) as error:
            self._absent[name] = f'could not be installed ({type(error).__name__})'
            raise AbsentError(self._absent[name]) from error

    def versions(self) -> dict[str, str]:
        """The packages of each environment that was used."""
        names = [name for name in REQUIREMENTS if (self._folder / name / '.made').exists()]
        return {name: _versions(self.python(name)) for name in ('dlmachine', *names)}

    def _make(self, name: str, requirement: str) -> Path:
        folder = self._folder / name
        python, stamp = folder / 'bin' / 'python', folder / '.made'
        wanted = f'{requirement} {sys.version}'
        if stamp.exists() and stamp.read_text() == wanted:
            return python
        sys.stderr.write(f'making the environment of {name} in {folder}\n')
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), '-m', 'pip', '--disable-pip-version-check', 'install', '-qq']
        subprocess.run([*pip, requirement], check=True, timeout=600, stdout=sys.stderr)
        stamp.write_text(wanted)
        return python


def _versions(python: str) -> str:
    reported = subprocess.run(
        [python, '-I', '-c', _VERSIONS], check=True, capture_output=True, text=True
    )
    return reported.stdout.strip()
