"""The headless browser of the tests of pages; without one they are skipped."""

import os
from collections.abc import Iterator

import pytest

from tests.fixtures import *  # noqa: F403 -- its `__all__` is what pytest finds here
from tests.site.browser import find_browser, open_browser

REQUIRED = 'TEST_REQUIRES_BROWSER'


@pytest.fixture(scope='module')
def browser() -> Iterator[object]:
    """A headless browser."""
    program = find_browser()
    if program is None:
        if REQUIRED in os.environ:
            pytest.fail(f'{REQUIRED} is set, but no Chromium or Chrome is on the path')
        pytest.skip('no Chromium or Chrome is on the path')
    pytest.importorskip('playwright', reason='playwright is not installed')
    with open_browser(program) as opened:
        yield opened
