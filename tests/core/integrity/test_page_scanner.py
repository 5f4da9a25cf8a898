"""The detection of web pages, and the time that it takes."""

from collections.abc import Callable
from time import process_time

import pytest

from dlmachine.core.integrity.page_scanner import MAX_START_BYTES, is_page

PAGES = [
    b'<!DOCTYPE html>\n<html><head><title>Sign in</title>',
    b'<!doctype HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">',
    b'<!doctypehtml>',
    b'<!DOCTYPE\n\thtml\n>',
    b'<html',
    b'<html/>',
    b'<html lang="en">',
    b'\xef\xbb\xbf  \r\n<HTML>',
    b'\r\n\xef\xbb\xbf\xef\xbb\xbf\x0c\x0b<html>',
    b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
    b'<?xml version="1.0"?><?xml-stylesheet href="a"?><!-- a --><html>',
    b'<!-- saved from -->\n<!-- twice -->\n<head>',
    b'<!----><html>',
    b'<!--><html>',
    b'<!---><html>',
    b'<!-- a --!><html>',
    b'<!-- <p> > -- - <!-- --><html>',
    b'<!---->' * 140 + b'<html>',
    b'<!--' + b'x' * 60_000 + b'--><!doctype html>',
    b' ' * 60_000 + b'<html>',
    b'<script>location="/login"</script>',
    b'<meta http-equiv="refresh">',
    b'<title>Moved',
    b'<body>moved',
]
UNICODE = ['\ufeff<!DOCTYPE html>', '<html>', ' \n<!-- \u00e9 -->\n<html>']


@pytest.mark.parametrize('start', PAGES, ids=range(len(PAGES)))
def test_pages_are_detected_by_their_beginning(start: bytes) -> None:
    """HTML with and without declarations, byte order marks and comments before it."""
    assert is_page(start)


@pytest.mark.parametrize('coding', ['utf-8', 'utf-16-le', 'utf-16-be', 'utf-32-le', 'utf-32-be'])
@pytest.mark.parametrize('text', UNICODE)
def test_pages_are_detected_in_every_unicode_encoding(coding: str, text: str) -> None:
    """With and without a byte order mark."""
    assert is_page(text.encode(coding))


@pytest.mark.parametrize('start', [
    b'', b' ', b'a,b', b'<htmlx>', b'<html:a>', b'<header>', b'<sequence>', b'<', b'<!', b'<!doctype svg>', b'<!DOCTYPE htmlx>',
    b'{"html": "<html>"}', b'>sp|P04637\n', b'<?xml version="1.0"?><rdf>', b'<!-- <html> -->', b'<!-- <html>', b'<?xml <html',
    b'a<html>', b'\x89HDF\r\n\x1a\n<html>', b'\x00\x00\x00\x18ftyp<html>',
    b'<!---->' * 140, b'<!---->' * 140 + b'<rdf>', b' ' * MAX_START_BYTES + b'<html>', b'<!--' + b'x' * MAX_START_BYTES + b'--><html>',
])  # fmt: skip
def test_other_bytes_are_not_a_page(start: bytes) -> None:
    """XML, comments alone, other text that begins with a bracket, and pages that begin too late."""
    assert not is_page(start)


#: Bytes of many small units, each of which a bad scanner would read many times.
REPEATED = [
    b'<!---->', b'<!-- -->', b'<!--', b'<!--a--!>', b'<!-- --', b'<?a>', b'<?a?>', b'<?', b' ', b'\xef\xbb\xbf', b'<!--> ', b'-',
    b'<!doctype ', b'<!doctype', b'<', b'< ', b'\x00<', b'\x00',
]  # fmt: skip


@pytest.mark.timing
@pytest.mark.parametrize('piece', REPEATED)
def test_the_time_is_linear(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen times the bytes take far less than 256 times as long; megabytes, no longer than the limit."""
    assert not is_page(piece * (8_000_000 // len(piece)))
    monkeypatch.setattr('dlmachine.core.integrity.page_scanner.MAX_START_BYTES', 1 << 30)
    small, large = piece * (20_000 // len(piece)), piece * (320_000 // len(piece))

    def seconds(work: Callable[[bytes], object], data: bytes, times: int) -> float:
        def once() -> float:
            began = process_time()
            for _ in range(times):
                work(data)
            return process_time() - began

        return min(once() for _ in range(3))

    # The total number of bytes is the same.
    assert seconds(is_page, large, 1) < 6 * seconds(is_page, small, 16) + 0.01
