"""Parse checksum files, which list the checksums of files.

Pure. The formats are those of `sha256sum` and similar programs (hash and name), of BSD and OpenSSL
(`SHA256 (name) = hash`), of pooch registries (name and hash, separated by a space, a colon or a
comma), and a file with a single hash.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from returns.result import Failure, Result, Success

from dlmachine.core.faults import ChecksumUnknown, Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.integrity.checksum import Checksum, ChecksumList, digest_bytes, find_algorithm
from dlmachine.core.regex import regex
from dlmachine.core.text.text_file import decode_text

#: The algorithm by the number of hex digits, if neither the line nor the file names it.
_BY_LENGTH: Final = {32: 'md5', 40: 'sha1', 56: 'sha224', 64: 'sha256', 96: 'sha384', 128: 'sha512'}

_HEX: Final = '[0-9A-Fa-f]{32,128}'
_TAGGED: Final = regex(rf'(?P<algorithm>[A-Za-z0-9\-_/]+)\s*\((?P<name>.+)\)\s*=\s*(?P<hex>{_HEX})')
_HEX_FIRST: Final = regex(
    rf'\\?(?:(?P<algorithm>[A-Za-z0-9\-_]+):)?(?P<hex>{_HEX})(?:[ \t]+[*?^]?(?P<name>\S.*))?'
)
_NAME_FIRST: Final = regex(
    rf'(?P<name>"[^"]+"|\'[^\']+\'|\S+?)(?::\s+|,\s*|\s+)'
    rf'(?:(?P<algorithm>[A-Za-z0-9\-_]+):)?(?P<hex>{_HEX})(?:\s+(?P<url>\S.*)?)?'
)
_QUOTES: Final = ('"', "'")
_ALGORITHM_WORD: Final = regex(r'(?i)(blake2[bs]|b2|sha3[-_]?\d{3}|sha-?\d{1,3}|md5)')


#: A longer file is not parsed as a whole, only its lines with the name of the file.
_MAX_PARSED_CHARS: Final = 1 << 20


@frozen(kw_only=False)
class ChecksumLine:
    """A line of a checksum file: the checksum of a file, and its URL in a pooch registry.

    `name` is None in a file with a single hash.
    """

    checksum: Checksum
    name: str | None
    url: str | None = None


def read_list(data: bytes) -> str:
    r"""Decode a checksum file like any text file; undecodable bytes become surrogates.

    >>> read_list(b'ab  t.csv'), read_list('ab'.encode('utf-16'))
    ('ab  t.csv', 'ab')
    """
    return decode_text(data).value_or(data.decode('utf-8', 'replace'))


def find_checksum(
    text: str, source: ChecksumList, paths: tuple[str, ...]
) -> Result[Checksum, Fault]:
    r"""Find the checksum of a file in a checksum file.

    `paths` are possible names of the file, best first: paths of URLs, or bare names. If several
    lines have the same file name, the line whose folders match best counts; if they have digests
    by several algorithms, the longest digest counts. Of a file of more than a million characters,
    only the lines that contain the name are parsed.

    Faults: `ChecksumUnknown` if no line matches, if matching lines differ, or if too many match.

    >>> text = f'{"0" * 64}  ./b/t.csv\n{"1" * 64} *./a/t.csv\n'
    >>> find_checksum(text, ChecksumList('SHA256SUMS'), ('/data/a/t.csv',)).unwrap().hex[:4]
    '1111'
    >>> find_checksum('', ChecksumList('SHA256SUMS'), ('/t.csv',)).failure().problem
    'contains no checksum'
    """
    if len(text) > _MAX_PARSED_CHARS:
        text = _lines_with(text, {_last(path) for path in paths} - {''})
        if len(text) > _MAX_PARSED_CHARS:
            problem = 'is too long: too many of its lines have the name of the file'
            return Failure(ChecksumUnknown(source=str(source), problem=problem))
    lines = tuple(_read_lines(text, str(source)))
    if not lines:
        return Failure(ChecksumUnknown(source=str(source), problem='contains no checksum'))
    if len(lines) == 1 and lines[0].name is None:
        return Success(lines[0].checksum)
    for path in paths:
        found = _best_for(lines, unquote(path))
        by_algorithm = {checksum.algorithm: checksum for checksum in found}
        if found and len(by_algorithm) == len(found):
            # All are digests of the same file; the longest is the hardest to forge.
            return Success(max(found, key=lambda each: (len(each.hex), each.algorithm)))
        if found:
            problem = f'has {len(found)} different checksums for {_last(path)!r}'
            return Failure(ChecksumUnknown(source=str(source), problem=problem))
    named = dict.fromkeys(repr(_last(path)) for path in paths if _last(path))
    problem = f'has no line for {" or ".join(named) or "a file without a name"}'
    return Failure(ChecksumUnknown(source=str(source), problem=problem))


def guess_algorithm(location: str) -> str:
    """The algorithm that the name of a checksum file suggests; SHA-256 if none.

    >>> guess_algorithm('https://h/t.csv.md5'), guess_algorithm('checksums.txt')
    ('md5', 'sha256')
    """
    return _named_algorithm(location) or 'sha256'


def parse_checksum_line(text: str, source: str) -> ChecksumLine | None:
    """Parse a line of a checksum file; None for a comment, and for any other text.

    The name of the file, `source`, may name the algorithm of its digests.

    >>> found = parse_checksum_line(f'a/t.csv {"0" * 64} https://h/t.csv', 'registry.txt')
    >>> found.name, found.checksum.algorithm, found.url
    ('a/t.csv', 'sha256', 'https://h/t.csv')
    """
    line = text.strip()
    if line.startswith(('#', ';')):
        return None
    for form in (_TAGGED, _HEX_FIRST, _NAME_FIRST):
        found = form.fullmatch(line)
        checksum = None if found is None else _checksum(found, source)
        if found is not None and checksum is not None:
            name = _name(found['name'], is_escaped=line.startswith('\\'))
            return ChecksumLine(checksum, name, found.groupdict().get('url'))
    return None


def _lines_with(text: str, names: Iterable[str]) -> str:
    # A search for each name, because parsing all lines of the longest file takes seconds.
    found: dict[str, None] = {}
    size = 0
    for name in names:
        position = text.find(name)
        while position != -1 and size <= _MAX_PARSED_CHARS:
            end = text.find('\n', position)
            end = len(text) if end == -1 else end
            line = text[text.rfind('\n', 0, position) + 1 : end]
            size += len(line) + 1
            found[line] = None
            position = text.find(name, end)
    return '\n'.join(found) if size <= _MAX_PARSED_CHARS else text


def _read_lines(text: str, source: str) -> Iterator[ChecksumLine]:
    for raw in text.removeprefix('\ufeff').splitlines():
        line = parse_checksum_line(raw, source)
        if line is not None:
            yield line


def _checksum(found: re.Match[str], source: str) -> Checksum | None:
    digits = found['hex'].lower()
    if found['algorithm']:
        algorithm = find_algorithm(found['algorithm'].replace('/', '-'))
    else:
        named = _named_algorithm(source)
        is_fitting = named is not None and digest_bytes(named) * 2 == len(digits)
        algorithm = named if is_fitting else _BY_LENGTH.get(len(digits))
    if algorithm is None or digest_bytes(algorithm) * 2 != len(digits):
        return None
    return Checksum(algorithm, digits)


def _name(text: str | None, *, is_escaped: bool) -> str | None:
    if text is None:
        return None
    if text[0] in _QUOTES and text[0] == text[-1]:
        return text[1:-1]  # As in a pooch registry, where a name may have spaces.
    # GNU coreutils begins a line with a backslash if its name has escaped characters.
    return text.replace('\\n', '\n').replace('\\\\', '\\') if is_escaped else text


def _best_for(lines: tuple[ChecksumLine, ...], path: str) -> set[Checksum]:
    found: dict[int, set[Checksum]] = {}
    for line in lines:
        fit = _common_segments(line.name or '', path)
        if fit:
            found.setdefault(fit, set()).add(line.checksum)
    return found[max(found)] if found else set()


def _common_segments(name: str, path: str) -> int:
    # The number of equal segments, counted from the end.
    ours, theirs = _segments(path), _segments(name)
    count = 0
    for mine, its in zip(reversed(ours), reversed(theirs), strict=False):
        if mine != its:
            break
        count += 1
    return count


def _segments(path: str) -> list[str]:
    return [part for part in path.replace('\\', '/').split('/') if part not in {'', '.'}]


def _last(path: str) -> str:
    segments = _segments(unquote(path))
    return segments[-1] if segments else ''


def _named_algorithm(location: str) -> str | None:
    found = _ALGORITHM_WORD.search(location.rpartition('/')[2])
    return None if found is None else find_algorithm(found.group())
