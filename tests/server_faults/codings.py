"""Content codings that were not requested, and their faults; bodies that are too large."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from tests.server_faults.server_fault import Answer, ServerFault, answering, breaking, truncated

_BOMB_BYTES: Final = 3_000_000


def _coded(coding: str, change: Callable[[bytes, int], bytes], **more: str) -> Answer:
    """The complete file in a coding; `change` gets the offset in the coded bytes."""

    def answer(resource: Resource, at: int, request: Request) -> Reply:
        reply = replace(resource, has_ranges=False).reply(request)
        body = change(resource.content, at)
        fields = (*reply.fields, ('Content-Encoding', coding))
        return Reply(status=reply.status, fields=fields, body=body)

    return answer


def _gzip(content: bytes, at: int = 0) -> bytes:
    return gzip.compress(content, mtime=0)


def _place(content: bytes, coded: bytes, at: int) -> int:
    """The offset in the coded bytes, behind their header."""
    return 10 + at * (len(coded) - 11) // max(len(content), 1)


def _damaged(content: bytes, at: int) -> bytes:
    whole = _gzip(content)
    coded = bytearray(whole)
    coded[_place(content, whole, at)] ^= 0xFF
    return bytes(coded)


def _short(content: bytes, at: int) -> bytes:
    coded = _gzip(content)
    return coded[: _place(content, coded, at)]


def _with_rest(content: bytes, at: int) -> bytes:
    return _gzip(content) + b'rest'


def _bomb(content: bytes, at: int) -> bytes:
    return _gzip(content + bytes(_BOMB_BYTES))


def _plain(content: bytes, at: int) -> bytes:
    return content


def _raw_deflate(content: bytes, at: int) -> bytes:
    return zlib.compress(content)[2:-4]


def _larger(*, has_length: bool) -> Answer:
    def answer(resource: Resource, at: int, request: Request) -> Reply:
        body = resource.content + b'!' * (at + 1)
        return Reply(body=body, has_length=has_length, fields=(('ETag', '"larger"'),))

    return answer


CODINGS: Final[tuple[ServerFault, ...]] = (
    answering('unasked gzip', _coded('gzip', _gzip)),
    answering('unasked x-gzip', _coded('X-GZip', _gzip)),
    answering('unasked deflate', _coded('deflate', lambda content, at: zlib.compress(content))),
    answering('unasked deflate without its head', _coded('deflate', _raw_deflate)),
    answering('unasked br', _coded('br', _plain)),
    answering('an unknown coding', _coded('x-rot13', _plain)),
    answering('two codings', _coded('gzip, gzip', _gzip)),
    answering('coding identity', _coded('identity', _plain)),
    answering('gzip that is none', _coded('gzip', _plain)),
    answering('gzip that is damaged', _coded('gzip', _damaged)),
    answering('gzip that is cut', _coded('gzip', _short)),
    answering('gzip with a rest', _coded('gzip', _with_rest)),
    answering('deflate that is none', _coded('deflate', _plain)),
    answering('gzip bomb', _coded('gzip', _bomb), is_lie=True),
    breaking('gzip that breaks off', truncated, answer=_coded('gzip', _gzip)),
    answering('larger than allowed, as declared', _larger(has_length=True), is_lie=True),
    answering('larger than allowed, undeclared', _larger(has_length=False), is_lie=True),
)
