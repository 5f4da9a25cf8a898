"""An entry of a manifest that was read.  Pure."""

from typing import Any

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


@frozen
class Item:
    """One entry: what to download and how, or why the entry is invalid.

    `url` is for messages: masked, and unchanged if it is not a URL. `path` is the path of the file
    in the folder of a batch; `allow_outside` says that it may leave that folder.
    `sha256` is the digest in a lockfile, which its bytes must have, whatever its policy says.
    """

    name: str
    url: str
    descriptor: Descriptor | None = None
    policy: Policy = Policy()
    fault: Fault | None = None
    path: str | None = None
    allow_outside: bool = False
    sha256: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What identifies the entry, as JSON has it, and its fault; secrets are masked.

        >>> Item(name='genes', url='https://example.org/genes.tsv').to_dict()['name']
        'genes'
        """
        return {
            'name': self.name,
            'url': self.url,
            'path': self.path,
            'sha256': self.sha256,
            'fault': None if self.fault is None else self.fault.to_dict(),
        }
