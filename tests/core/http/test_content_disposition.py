from time import process_time

import pytest

from dlmachine.core.http.content_disposition import disposition_name

#: As in curl -J, Chromium or Firefox; if they differ, as most users expect.
NAMES = {
    'attachment; filename=my 1st image.csv': 'my 1st image.csv',
    'attachment; filename=my 1st image.csv; size=3': 'my 1st image.csv',
    'attachment;filename=x.csv;': 'x.csv',
    'attachment; filename= \xa0x.csv\t': '\xa0x.csv',
    'filename=x.csv': 'x.csv',
    'filename="a;b.csv"': 'a;b.csv',
    '; filename=x.csv': 'x.csv',
    'attachment filename=x.csv': 'x.csv',
    'attachment, filename="x.csv"': 'x.csv',
    'attachment,filename=x.csv': 'x.csv',
    'attachment; =y.csv; filename=x.csv; ': 'x.csv',
    'attachment; a; b="c"d; filename="x.csv" ; e': 'x.csv',
    '="y.csv"; filename=x.csv': 'x.csv',
    "attachment; filename='a b.csv'": 'a b.csv',
    "attachment; filename=''; filename=b.csv": 'b.csv',
    "attachment; filename='": "'",
    "attachment; filename='90s.csv": "'90s.csv",
    "attachment; filename=it's.csv": "it's.csv",
    'attachment; filename="a.csv': 'a.csv',
    'attachment; filename="a\\"b.csv"; x="1"': 'a"b.csv',
    'attachment; filename="a\\': 'a',
    'attachment; filename="C:\\data\\x.csv"': 'C:\\data\\x.csv',
    'attachment; filename="\\\\host\\x.csv"': '\\\\host\\x.csv',
    'attachment; filename\t=\t"x.csv"': 'x.csv',
    'attachment; note="; filename=evil.csv"; filename=x.csv': 'x.csv',
    'attachment; filename=""; filename=b.csv': 'b.csv',
    'attachment; filename=a.csv; FILENAME=b.csv': 'a.csv',
    'attachment; filename="=?UTF-8?Q?na=C3=AFve_1.csv?="': 'naïve 1.csv',
    'attachment; filename="=?UTF-8?B?bmHDr3ZlLmNzdg==?="': 'naïve.csv',
    'attachment; filename="=?utf-8?B?bmHDr3ZlLmNzdg?="': 'naïve.csv',
    'attachment; filename="=?iso-8859-1?q?na=EFve?= =?iso-8859-1?q?.csv?="': 'naïve.csv',
    'attachment; filename="a =?utf-8*en?q?b?= c"': 'a b c',
    'attachment; filename="=?utf-8?q?a?= x =?utf-8?q?b?="': 'a x b',
    'attachment; filename="=?utf-8?q?a?=\xa0=?utf-8?q?b?="': 'a\xa0b',
    'attachment; filename="=?utf-8?q?50%zz?="': '50%zz',
    'attachment; filename="=?iso-8859-1?Q?\xe9?="': 'é',
    'attachment; filename="=?utf-8?q?\u6570?="': '=?utf-8?q?\u6570?=',
    'attachment; filename="=?punycode?q?b?="': '=?punycode?q?b?=',
    'attachment; filename="=?utf-8?b?b?="': '=?utf-8?b?b?=',
    'attachment; filename="na%C3%AFve.csv"': 'naïve.csv',
    'attachment; filename="a%20b.csv"': 'a b.csv',
    'attachment; filename="50%_%FF.csv"': '50%_%FF.csv',
    'attachment; filename*=na%C3%AFve.csv': 'naïve.csv',
    'attachment; filename*="UTF-8\'\'na%C3%AFve.csv"': 'naïve.csv',
    "attachment; filename*=''x.csv": 'x.csv',
    "attachment; filename*='x.csv'": 'x.csv',
    "attachment; filename*=''b.csv; filename=a.csv": 'a.csv',
    "attachment; filename*=UTF-8'en'a'b.csv": "a'b.csv",
    "attachment; filename*=gbk''%B2%E2.csv": '测.csv',
    "attachment; filename*=rot13''na%C3%AFve.csv": 'naïve.csv',
    "attachment; filename*=utf-8''na%EFve.csv": 'naïve.csv',
    "attachment; filename*=rot13''x.csv; filename=a.csv": 'a.csv',
    "attachment; filename=a.csv; filename*=utf-8''b.csv": 'b.csv',
    'attachment; filename*=b.csv; filename=a.csv': 'a.csv',
    "attachment; filename*=utf-8''na\xc3\xafve.csv": 'naïve.csv',
    "attachment; filename*=utf-8''数.csv": '数.csv',
    'attachment; filename*=\ud800.csv': '?.csv',
    'attachment': None,
    'attachment; filename': None,
    'attachment; filename=': None,
    'attachment; filename=""': None,
    "attachment; filename*=utf-8''": None,
    'attachment; filename*0=a; filename*1=b': None,
    '': None,
}


@pytest.mark.parametrize(('value', 'name'), NAMES.items(), ids=list(NAMES))
def test_names_as_browsers_read_them(value: str, name: str | None) -> None:
    """RFC 6266, its appendix D, and names from real servers."""
    assert disposition_name((value,)) == name


def test_several_fields_are_read_in_order() -> None:
    """The first name counts, in any field."""
    assert disposition_name(('attachment', 'inline; filename=a', 'inline; filename=b')) == 'a'


@pytest.mark.timing
@pytest.mark.parametrize(
    'unit',
    [
        ';', '=', 'filename=', ';filename="', ";a='", '\\', '"', '\\"', 'a=";', '=?', '=?a?q?', '=?a?b?A', '=?utf-8?q?a?=',
        '=?utf-8?q?a?= ', '%', '%41', "'", ' ', ', ', '%C3',
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    'start', ['', 'attachment; filename=', 'attachment; filename="', 'a; filename*=']
)
def test_the_longest_field_takes_a_moment(start: str, unit: str) -> None:
    """The time is linear in the field, for any content."""
    value = start + unit * (65_536 // len(unit))
    began = process_time()
    disposition_name((value,))
    assert process_time() - began < 1  # The usual time is about 0.1 s; coverage makes it slower.
