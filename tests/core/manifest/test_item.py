"""An entry of a manifest as JSON has it."""

from dlmachine.core.faults import UnknownName
from dlmachine.core.manifest.item import Item


def test_an_entry_and_an_entry_that_is_invalid() -> None:
    """The latter has its fault."""
    item = Item(name='t', url='https://h/t', path='a/t', sha256='ab')
    known = {'name': 't', 'url': 'https://h/t', 'path': 'a/t', 'sha256': 'ab'}
    assert item.to_dict() == {**known, 'fault': None}
    fault = UnknownName(name='retires', nearest='retries')
    bad = Item(name='t', url='https://h/t', fault=fault)
    assert bad.to_dict()['fault'] == fault.to_dict()
