"""Texts that no row of the tables provokes, and why."""

from typing import Final

#: By the reason.
UNPROVOKED: Final[dict[str, tuple[str, ...]]] = {
    'not a message about a mistake': (
        '...; ... bytes stored',
        '... (urllib3 ...)',
        '1 byte',
        'Try ... for help.\n',
        'a download',
        'a file without a name',
        '... goes to the backend ..., which speaks its scheme',
        'the server confirmed that the stored version is current',
    ),
    'only a defect in dlmachine itself would show it': (
        '... is not a value of the core',
        'an outcome has a path or a buffer',
        'begins at byte ..., where ... is offered',
        'holds ... bytes, where ... are to be kept',
        'it is closed',
        'no end in sight',
        'no part is open',
        'of any date',
        'pip install requests',
        'the part has holes',
        'a file cannot be published to memory',
        'the server sent no response',
    ),
    'it is replaced by another text, or never shown': (
        'a chunk size is invalid',
        'cannot begin there',
        'it does not name the file of an entry',
        'it has a zero-width joiner in a forbidden place',
        'it has an invalid label',
        'not an address',
        'no connection: ...',
        'not a host name',
        'the header section was cut short',
    ),
    'another process does it, at the same moment': (
        'another file has its name by now',
        'another file has taken its place since it was checked',
        'another process',
        'another process took the version meanwhile',
        'it became shorter while it was sent',
        'its bytes were changed since it was checked',
        'its name was taken away by another',
        'other programs stored ... versions of this entry in the meantime',
        'process ... (...)',
        'the part is shorter than it was',
        'this batch belongs to the process that began it',
        'this process itself',
    ),
    'it takes a second user of the machine': (
        'another user made it',
        'another user made it, in a folder that everybody can write to',
        'it has another name elsewhere',
        'it is larger than it could be',
        'it is not a regular file',
        'no working folder can be created here',
    ),
    'it takes a signal, or an output that is closed': (
        'error: the output cannot be written: ...',
        'interrupted; run the command again to resume',
    ),
    'it takes a server that plays tricks for long, or a resolver': (
        'the URLs of its redirects hold more than ... secrets',
        'the name has no address',
        'the server sent more than was requested',
    ),
    'the path is refused before': ('is not the name of a file: ...',),
}
