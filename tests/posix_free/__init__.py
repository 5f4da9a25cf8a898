"""Run tests as if there were no POSIX: `python -m pytest -p tests.posix_free …`.

What Windows lacks is taken away from dlmachine alone, before it is imported; other libraries and
the tests keep it. Child processes get the same, by `sitecustomize`.
"""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.posix_free.windows import take_posix_away

#: Tests of what Windows does not have, or does otherwise, by the reason.
NOT_ON_WINDOWS: Final = {
    'there are no owners and no modes': {
        'test_a_part_that_everybody_may_write_to_is_not_resumed',
        'test_a_strangers_link_leads_no_download_into_another_folder',
        'test_a_strangers_part_is_not_resumed',
    },
    'the lock is that of filelock, which names no owner': {
        'test_a_download_works_without_a_folder_name_of_ours',
        'test_a_file_without_a_name_is_not_a_lock',
        'test_an_interrupted_attempt_closes_its_file_once',
        'test_lock_files_do_not_pile_up',
        'test_the_lock_file_names_its_owner_and_is_removed',
        'test_locks_that_do_not_work_are_reported',
    },
    'there are no marks of owners, and no numbers of processes to ask about': {
        'test_a_living_owners_part_is_not_taken',
        'test_a_mark_outweighs_the_number_of_a_process',
        'test_what_dead_owners_left_of_no_use_is_removed',
    },
    'the test has a file open that is renamed': {
        'test_a_name_that_another_file_took_counts_as_taken',
        'test_after_a_crash_of_the_machine_what_was_synced_counts',
        'test_an_adopted_part_is_never_taken_for_one_without_holes',
    },
    'an open file cannot be linked': {
        'test_a_part_replaced_at_the_last_moment_is_not_published',
        'test_another_download_that_replaces_it_at_once',
    },
}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Called before any module of dlmachine is imported."""
    folder = tempfile.mkdtemp(prefix='posix-free-')
    early_config.add_cleanup(partial(shutil.rmtree, folder))
    # Python imports it at its start.
    start = 'from tests.posix_free.windows import take_posix_away\ntake_posix_away()\n'
    Path(folder, 'sitecustomize.py').write_text(start, encoding='utf-8')
    paths = (folder, str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH', ''))
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, paths))
    take_posix_away()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot be, and say why."""
    reasons = {name: reason for reason, names in NOT_ON_WINDOWS.items() for name in names}
    for item in items:
        reason = reasons.get(getattr(item, 'originalname', item.name))
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f'not on Windows: {reason}'))
