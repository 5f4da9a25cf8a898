"""What may become of a name in a folder of links."""

import pytest

from dlmachine.core.manifest.links import LinkAction, NameKind, NameSeen, decide_link

COPY, IDENTITY = f'/c/{"ab" * 16}-2.vcf.gz', (1, 2)
EARLIER = f'/c/{"ab" * 16}-1.gz'
MISSING = NameSeen(kind=NameKind.MISSING)


def a_link(target: str) -> NameSeen:
    """A symbolic link."""
    return NameSeen(kind=NameKind.LINK, target=target)


def a_file(number: int, target: str = '') -> NameSeen:
    """A file, and what it is in the cache."""
    return NameSeen(kind=NameKind.FILE, identity=(1, number), target=target)


@pytest.mark.parametrize(
    ('seen', 'hard', 'symbolic'),
    [
        (MISSING, LinkAction.CREATE, LinkAction.CREATE),
        (a_link(COPY), LinkAction.REPLACE, LinkAction.KEEP), (a_file(2), LinkAction.KEEP, LinkAction.REPLACE),
        # A link to another version, with another extension or none, holds nothing of its own.
        (a_link(EARLIER), LinkAction.REPLACE, LinkAction.REPLACE), (a_link(EARLIER[:-3]), LinkAction.REPLACE, LinkAction.REPLACE),
        (a_link(f'/c/{"ab" * 16}-1.x-y.gz'), LinkAction.REPLACE, LinkAction.REPLACE), (a_link(f'/c/{"ab" * 16}-1-old.gz'), None, None),
        (a_file(3, EARLIER), LinkAction.REPLACE, LinkAction.REPLACE),
        (a_file(3), None, None), (a_file(3, f'/c/{"cd" * 16}-1.gz'), None, None),
        (a_link(f'/c/{"cd" * 16}-1.gz'), None, None), (a_link(f'/d/{"ab" * 16}-1.gz'), None, None), (a_link('/home/me/x'), None, None),
        (NameSeen(kind=NameKind.OTHER, identity=(1, 4)), None, None), (NameSeen(kind=NameKind.OTHER), None, None),
    ],
)  # fmt: skip
def test_only_a_link_to_the_same_entry_is_replaced(
    seen: NameSeen, hard: LinkAction | None, symbolic: LinkAction | None
) -> None:
    """Anything else keeps its name, and the fault says which one it is."""
    for is_symbolic, action in ((False, hard), (True, symbolic)):
        found = decide_link('d/x.vcf.gz', seen, COPY, IDENTITY, symbolic=is_symbolic)
        assert found.value_or(None) is action
        if action is None:
            assert str(found.failure()) == (
                'destination d/x.vcf.gz: another file has this name. '
                'Move it, or link into another folder'
            )
