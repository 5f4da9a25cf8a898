"""Faults of secrets, cookie jars and client certificates, which the caller must fix.  Pure."""

from typing import Final

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen


@frozen
class SecretUnavailable(FaultBase):
    """A password, token or cookie cannot be read; `source` is the reference to it."""

    party = Party.CALLER
    code = 'secret_unavailable'
    source: str
    problem: str

    def what(self) -> str:
        return f'the secret {printable(self.source)} cannot be read: {self.problem}'

    def remedy(self) -> str:
        kind, _, name = self.source.partition(':')
        if kind == 'env':
            return f'Set {printable(name)} in the environment'
        return 'Check this path' if kind == 'file' else 'Check this function'


@frozen
class JarUnusable(FaultBase):
    """A cookie jar cannot be used: it is malformed, or another user's; it was not changed."""

    party = Party.CALLER
    code = 'jar_unusable'
    path: str
    problem: str

    def what(self) -> str:
        return f'cookie jar {printable(self.path)}: {self.problem}'

    @property
    def filename(self) -> str:
        """The path of the jar."""
        return self.path

    def remedy(self) -> str:
        found = (advice for words, advice in _JAR_REMEDIES.items() if words in self.problem)
        return next(found, 'Check the path and the permissions of the file')


#: The remedy for each problem of a jar; the first match counts.
_JAR_REMEDIES: Final = {
    'line ': 'Export it in the format of Netscape, as for curl; or pass another path, which is '
    'created',
    'another user': 'Copy it to a file of your own, and pass that',
    'its folder': 'Check the path, or create the folder',
    'does not exist': 'Check the path',
    'locked': 'Wait until the other program has finished, or pass another jar',
}


@frozen
class CertificateUnusable(FaultBase):
    """A client certificate cannot be used: its key does not fit, or the password is wrong.

    `path` is the file that cannot be used.
    """

    party = Party.CALLER
    code = 'certificate_unusable'
    path: str
    problem: str

    def what(self) -> str:
        return f'client certificate {printable(self.path)}: {self.problem}'

    @property
    def filename(self) -> str:
        """The path of the file."""
        return self.path

    def remedy(self) -> str:
        if 'password' in self.problem:
            return "Pass it as key_password='env:NAME'"
        return 'Check cert= and key=, which are files in PEM'
