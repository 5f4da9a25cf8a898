"""Text files as manifests: lists of URLs, and checksum files.

Pure. A line of a checksum file (SHA256SUMS, a pooch registry) is the path of a file, its checksum,
and perhaps its URL.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from dlmachine.core.integrity.checksum_file import ChecksumLine, parse_checksum_line


def numbered_urls(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The URLs of a list with the numbers of their lines, without comments and empty lines.

    >>> list(numbered_urls(['# two', 'http://h/a  # one', '', 'http://h/b#part']))
    [(2, 'http://h/a'), (4, 'http://h/b#part')]
    """
    for number, line in enumerate(lines, start=1):
        # A comment needs a space before it, because `#` inside a URL begins its fragment.
        url = f' {line}'.partition(' #')[0].strip()
        if url:
            yield number, url


def is_checksum_file(text: str, source: str) -> bool:
    r"""Whether the first line that is neither empty nor a comment has a checksum and a name.

    >>> is_checksum_file(f'# data\n{"0" * 64}  t.csv', 'SHA256SUMS')
    True
    >>> is_checksum_file('http://h/a', 'list.txt')
    False
    """
    first = next((line for _, line in _numbered_lines(text)), '')
    return _parse(first, source) is not None


def list_entries(text: str, source: str) -> Iterator[tuple[str, dict[str, object] | None]]:
    """For each line its number as a label, and the keywords of its entry; None if it has none.

    The path of a file, as a URL reference, is its URL, unless the line has one.

    >>> label, entry = next(list_entries(f'{"0" * 64}  data/a b.csv', 'SHA256SUMS'))
    >>> label, entry['url'], entry['path']
    ('line 1', 'data/a%20b.csv', 'data/a b.csv')
    """
    for number, line in _numbered_lines(text):
        found = _parse(line, source)
        entry: dict[str, object] | None = None
        if found is not None and found.name is not None:
            url = quote(found.name.removeprefix('./')) if found.url is None else found.url
            checksum = str(found.checksum)
            entry = {'name': found.name, 'url': url, 'path': found.name, 'checksum': checksum}
        yield f'line {number}', entry


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split('\n'), start=1):
        if line.strip() and not line.lstrip().startswith(('#', ';')):
            yield number, line


def _parse(line: str, source: str) -> ChecksumLine | None:
    found = parse_checksum_line(line, source)
    return None if found is None or found.name is None else found
