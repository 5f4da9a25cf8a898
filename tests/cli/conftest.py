"""The fixtures of `tests.fixtures`, and one for the commands of a cache."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dlmachine.cli import group
from tests.cli.cache_runs import RunCache
from tests.fixtures import *  # noqa: F403 -- its `__all__` is what pytest finds here


@pytest.fixture
def run_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunCache:
    """Runs `dlmachine cache` in an empty folder, with the cache folder `c`."""
    monkeypatch.chdir(tmp_path)

    def _run(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(group, ['cache', *words, '--cache', 'c'])
        assert done.exit_code == code, done.output
        return done

    return _run
