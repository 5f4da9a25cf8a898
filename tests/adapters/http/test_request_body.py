from contextlib import closing
from pathlib import Path

import pytest
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from dlmachine.core.faults import StorageFailed
from dlmachine.core.http.body import (
    Body,
    ContentPart,
    FilePart,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    RawBody,
)
from dlmachine_adapters.http.request_body import BodyError, OpenBody, open_body


def _read_all(body: Body, size: int) -> bytes:
    opened = open_body(body)
    assert isinstance(opened, OpenBody)
    with closing(opened):
        data = b''.join(iter(lambda: opened.read(size), b''))
        opened.rewind()
        assert b''.join(iter(lambda: opened.read(size), b'')) == data
        assert len(data) == opened.size_bytes
        return data


@pytest.mark.parametrize(
    ('body', 'expected'),
    [
        (FormBody((('a', 'x y'), ('b', 'ä'))), b'a=x+y&b=%C3%A4'),
        (JsonBody('{"a":"ä"}'), '{"a":"ä"}'.encode()),
        (RawBody(b'\0\xff'), b'\0\xff'),
        (RawBody(b''), b''),
    ],
)
@pytest.mark.parametrize('size', [1, 3, 100])
def test_a_body_is_read_in_any_pieces(body: Body, expected: bytes, size: int) -> None:
    """Also after a rewind; the size is known in advance."""
    assert _read_all(body, size) == expected


def test_no_body_is_none() -> None:
    """Which differs from an empty one."""
    assert open_body(NoBody()) is None


@pytest.mark.parametrize('size', [1, 7, 65_536])
def test_multipart_is_framed_as_urllib3_does_it(tmp_path: Path, size: int) -> None:
    """Byte for byte, as servers expect it."""
    path = tmp_path / 'file'
    path.write_bytes(b'file content\r\n')
    body = MultipartBody(
        (
            ContentPart(name='text', content='ä'.encode()),
            ContentPart(name='qu"oted', content=b'x', filename='n"ä', content_type='text/csv'),
            FilePart(name='file', path=str(path), filename='file'),
        )
    )
    fields = [
        RequestField('text', 'ä'.encode()),
        RequestField('qu"oted', b'x', filename='n"ä'),
        RequestField('file', b'file content\r\n', filename='file'),
    ]
    for field, kind in zip(fields, (None, 'text/csv', 'application/octet-stream'), strict=True):
        field.make_multipart(content_type=kind)
    expected, _ = encode_multipart_formdata(fields, boundary=body.boundary)
    assert _read_all(body, size) == expected


def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    """A folder, or a missing file; files opened before it are closed."""
    path = tmp_path / 'file'
    path.write_bytes(b'x')
    good = FilePart(name='a', path=str(path), filename='a')
    for bad in (tmp_path, tmp_path / 'missing'):
        part = FilePart(name='b', path=str(bad), filename='b')
        fault = open_body(MultipartBody((good, part)))
        assert isinstance(fault, StorageFailed)
        assert str(bad) in str(fault)


def test_a_read_error_is_reported(tmp_path: Path) -> None:
    """Any error while reading names the file."""
    path = tmp_path / 'file'
    path.write_bytes(b'x' * 10)
    body = MultipartBody((FilePart(name='b', path=str(path), filename='b'),))
    opened, shrunk = open_body(body), open_body(body)
    assert isinstance(opened, OpenBody)
    assert isinstance(shrunk, OpenBody)
    with closing(opened):
        opened.read(1000)
    with pytest.raises(ValueError, match='closed'):
        opened.read(1000)
    path.write_bytes(b'')
    with closing(shrunk):
        shrunk.read(1000)
        with pytest.raises(BodyError, match='shorter'):
            shrunk.read(1000)
