"""File names from responses and URLs, made safe."""

import pytest

from dlmachine.core.http.filename import extension, name_content, outer_extension, safe_name
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from tests.builders import a_head

NAMES = [
    ('a plain name', 'attachment; filename=x.csv', 'x.csv'),
    ('a quoted name', 'attachment; filename="a b;c.csv"', 'a b;c.csv'),
    ('escapes in quotes', r'attachment; filename="a\"b\\c.csv"', 'c.csv'),
    ('inline', 'inline; filename=x.csv', 'x.csv'),
    ('spaces around', 'attachment ; FileName = "x.csv"', 'x.csv'),
    ('an extended name', "attachment; filename*=UTF-8''na%C3%AFve.csv", 'naïve.csv'),
    ('an extended name first', "attachment; filename=a.csv; filename*=utf-8'en'b.csv", 'b.csv'),
    ('Latin-1', "attachment; filename*=iso-8859-1''%E9.csv", 'é.csv'),
    ('no charset', "attachment; filename*=''x.csv", 'x.csv'),
    ('a charset that is none', "attachment; filename=a.csv; filename*=punycode''x.csv", 'a.csv'),
    ('bytes that are not UTF-8', "attachment; filename=a.csv; filename*=utf-8''%FF.csv", 'a.csv'),
    ('no extended value at all', 'attachment; filename=a.csv; filename*=x.csv', 'a.csv'),
    ('UTF-8 in place of Latin-1', 'attachment; filename="na\xc3\xafve.csv"', 'naïve.csv'),
    ('real Latin-1', 'attachment; filename="na\xefve.csv"', 'naïve.csv'),
    ('beyond Latin-1', 'attachment; filename="数.csv"', '数.csv'),
    ('traversal', 'attachment; filename="../../etc/passwd"', 'passwd'),
    ('traversal of Windows', r'attachment; filename="..\\..\\boot.ini"', 'boot.ini'),
    ('encoded traversal', "attachment; filename*=utf-8''..%2F..%2Fx.csv", 'x.csv'),
    ('dots only', 'attachment; filename=".."', 't.csv'),
    ('an empty name', 'attachment; filename=""', 't.csv'),
    ('no name', 'attachment', 't.csv'),
    ('the first of two', 'attachment; filename=a.csv; filename=b.csv', 'a.csv'),
]


@pytest.mark.parametrize(
    ('value', 'name'), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES]
)
def test_content_disposition(value: str, name: str) -> None:
    """The names follow RFC 6266 and RFC 8187, with the deviations of real servers."""
    assert (
        name_content(a_head(200, {'Content-Disposition': value}).headers, 'http://h/d/t.csv')
        == name
    )


@pytest.mark.parametrize(
    ('url', 'name'),
    [
        ('http://h/d/t.csv?x=1', 't.csv'), ('http://h/', 'download'), ('http://h/d/', 'download'),
        ('http://h/a%20b.gz', 'a b.gz'), ('http://h/..%2Fx', 'x'), ('http://h/%00', 'download'), ('http://[', 'download'),
    ],
)  # fmt: skip
def test_url_names_unnamed_content(url: str, name: str) -> None:
    """Without a name in the response, the last segment of the URL is used, or a default."""
    assert name_content(Headers(), url) == name


@pytest.mark.parametrize(
    ('given', 'safe'),
    [
        (None, None), ('', None), ('.', None), ('...', None), ('_', None), (' . ', None), ('a/', None),
        ('a\0b', 'a_b'), ('a\x85b', 'a_b'), ('a\nb', 'a_b'), ('gpj.\u202eexe', 'gpj._exe'), ('a:b*c?', 'a_b_c_'),
        ('.hidden', '_.hidden'), ('a/.bashrc', '_.bashrc'), ('x. . ', 'x'), ('CON', '_CON'), ('nul.txt', '_nul.txt'), ('com1', '_com1'), ('console', 'console'),
        ('a' * 300, 'a' * 200), ('a' * 300 + '.csv', 'a' * 196 + '.csv'), ('é' * 150, 'é' * 100),
        ('a' * 199 + ' ' + 'b' * 9, 'a' * 199), ('con' + ' ' * 250 + 'x', '_con'),
        ('-rf', '_-rf'), ('--output=x', '_--output=x'), ('a-b', 'a-b'), ('COM².txt', '_COM².txt'), ('conin$', '_conin$'),
        ('a\u061cb', 'ab'), ('a\u200b\u200c\u200d.csv', 'a.csv'), ('\ufeffx.csv', 'x.csv'), ('sup\u00adply.pdf', 'supply.pdf'),
        ('a\u2060\u2064\ufe0f\U000e0041b', 'ab'), ('\u3164\uffa0', None), ('\u200b.bashrc', '_.bashrc'), ('\u200b-rf', '_-rf'),
        ('cache.sqlite', '_cache.sqlite'), ('Cache.SQLite-WAL', '_Cache.SQLite-WAL'), ('cache\u200b.sqlite', '_cache.sqlite'),
        ('cache.sqlite-shm', '_cache.sqlite-shm'), ('cache.sqlite-journal', '_cache.sqlite-journal'), ('cache.sqlite. ', '_cache.sqlite'),
        ('cache.sqlite.gz', 'cache.sqlite.gz'), ('CACHEDIR.TAG', '_CACHEDIR.TAG'), ('.dlmachine', '_.dlmachine'),
        ('~', '_~'), ('~root', '_~root'), ('a~', 'a~'), ('nul .txt', '_nul .txt'), ('Con  ', '_Con'), ('CACHE~1.SQL', '_CACHE~1.SQL'), ('dlmach~2', '_dlmach~2'), ('draft~1.txt', 'draft~1.txt'),
        ('0123456789abcdef' * 2 + '-1.csv', '_' + '0123456789abcdef' * 2 + '-1.csv'), ('0123456789abcdef' * 2, '0123456789abcdef' * 2),
    ],
)  # fmt: skip
def test_safe_names(given: str | None, safe: str | None) -> None:
    """A safe name is one segment that every common file system accepts."""
    assert safe_name(given) == safe


@pytest.mark.parametrize(
    ('name', 'ext'),
    [
        ('a.csv', 'csv'), ('a.TAR.GZ', 'tar.gz'), ('a.b.gz', 'gz'), ('a.tar.csv', 'csv'), ('a', None), ('.a', None),
        ('a.' + 'x' * 17, None), ('a.x y', None), ('a.', None),
        ('x.vcf.gz', 'vcf.gz'), ('x.nii.gz', 'nii.gz'), ('x.tsv.bgz', 'tsv.bgz'), ('x.tar.zst', 'tar.zst'),
        ('x.fastq.gz', 'fastq.gz'), ('x.csv.xz', 'csv.xz'), ('x.narrowPeak.gz', 'narrowpeak.gz'),
        ('GRCh38.p14.fa.gz', 'fa.gz'), ('Homo_sapiens.GRCh38.110.gff3.gz', 'gff3.gz'), ('x.h5ad.gz', 'h5ad.gz'), ('x.gff2.gz', 'gff2.gz'),
        ('v1.2.gz', 'gz'), ('GRCh38.p14.gz', 'gz'), ('x.v2.gz', 'gz'), ('release-2024.01.xz', 'xz'), ('.vcf.gz', 'gz'),
        ('x..gz', 'gz'), ('x.vcf.gz.tbi', 'tbi'), ('x.csv.gz.xz', 'gz.xz'), ('x.longer-words.gz', 'gz'), ('x.csv.md5', 'md5'),
        ('d.e/x', None), ('d.vcf/x.gz', 'gz'),
    ],
)  # fmt: skip
def test_extensions(name: str, ext: str | None) -> None:
    """An extension is short and plain, with one kind before a compression, but no version; or None."""
    assert extension(name) == ext


@pytest.mark.parametrize(
    ('name', 'ext'),
    [('x.vcf.gz', 'gz'), ('x.tar.zst', 'tar.zst'), ('x.tar.csv', 'csv'), ('gz', None), ('x.tgz', 'tgz')],
)  # fmt: skip
def test_outer_extensions(name: str, ext: str | None) -> None:
    """The outer extension names the format of the first bytes."""
    assert outer_extension(name) == ext
    assert ResponseHead(status=200).headers == Headers()
