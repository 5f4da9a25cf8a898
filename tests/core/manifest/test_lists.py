"""Text files as manifests: lists of URLs, and checksum files."""

import pytest

from dlmachine.core.manifest.lists import is_checksum_file, list_entries, numbered_urls

A, M = 'a' * 64, 'b' * 32


@pytest.mark.parametrize(
    ('line', 'name', 'url', 'checksum'),
    [
        (f'{A}  a/t.csv', 'a/t.csv', 'a/t.csv', f'sha256:{A}'),
        (f'{A} *./t.csv', './t.csv', 't.csv', f'sha256:{A}'),
        (f'SHA256 (a b.csv) = {A}', 'a b.csv', 'a%20b.csv', f'sha256:{A}'),
        (f't.csv {A}', 't.csv', 't.csv', f'sha256:{A}'),
        (f't.csv md5:{M}', 't.csv', 't.csv', f'md5:{M}'),
        (f't.csv {A} https://h/x?y=1', 't.csv', 'https://h/x?y=1', f'sha256:{A}'),
        (f'"a b.csv" {A}', 'a b.csv', 'a%20b.csv', f'sha256:{A}'),
        (f"'a#b.csv' {A}", 'a#b.csv', 'a%23b.csv', f'sha256:{A}'),
        (f't.csv {A}  ', 't.csv', 't.csv', f'sha256:{A}'),
    ],
)
def test_each_form_of_a_line_is_an_entry(line: str, name: str, url: str, checksum: str) -> None:
    """Lists of coreutils and BSD, and pooch registries, with names that a URL must escape."""
    text = f'# files\n\n  ; more\n{line}\n'

    assert is_checksum_file(text, 'sums')
    assert list(list_entries(text, 'sums')) == [
        ('line 4', {'name': name, 'url': url, 'path': name, 'checksum': checksum})
    ]


def test_another_line_has_no_entry() -> None:
    """Its label says where it is."""
    text = f'{A}  t.csv\nhttp://h/a\n{A}\n'

    assert [label for label, entry in list_entries(text, '') if entry is None] == [
        'line 2',
        'line 3',
    ]


@pytest.mark.parametrize('text', ['', '# only this', 'http://h/a\n', A, f'http://h/a\n{A}  t.csv'])
def test_another_file_is_not_a_checksum_file(text: str) -> None:
    """Its first line counts; a single hash names no file."""
    assert not is_checksum_file(text, 'list.txt')


def test_urls_have_the_numbers_of_their_lines() -> None:
    """A comment has a space before it; a fragment does not."""
    lines = ['http://h/a#b', '  ', '#c', ' http://h/d #e #f']

    assert list(numbered_urls(lines)) == [(1, 'http://h/a#b'), (4, 'http://h/d')]
