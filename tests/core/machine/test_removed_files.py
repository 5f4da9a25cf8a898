"""A recorded file that a user has removed: its name is free for others."""

from dlmachine.core.faults import DestinationUnusable
from dlmachine.core.protocol.effects import Publish
from dlmachine.core.protocol.events import NameTaken, PartOpened
from dlmachine.core.spec.destination import PathKind, ToPath
from dlmachine.core.spec.reuse import IfExists
from tests.builders import NOW, Run, a_file, a_path, a_policy, a_recorded, a_snapshot, answered

PATH = '/data/x.csv'


def test_a_file_that_takes_the_name_of_a_removed_one_is_not_replaced() -> None:
    """Nothing was there when it was decided, although the name is recorded for this download."""
    policy = a_policy(dest=ToPath(PATH), if_exists=IfExists.REFUSE)
    removed = a_file(a_recorded(file_bytes=None))
    run = Run(None, policy, a_snapshot(destination=a_path(PathKind.MISSING), file=removed))
    run.feed(PartOpened(at=NOW, size_bytes=0), answered())
    assert isinstance(run.step.effect, Publish)
    assert not run.step.effect.replace
    assert isinstance(run.feed(NameTaken(at=NOW)).fault, DestinationUnusable)
