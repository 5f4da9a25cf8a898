"""Unreliable lengths and transfer codings (RFC 9112 sections 6 and 7)."""

from dataclasses import replace
from typing import Final

from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from tests.server_faults.server_fault import Answer, ServerFault, answering


def framed_by(*fields: tuple[str, str]) -> Answer:
    """The right response with these fields instead of its length."""

    def answer(resource: Resource, at: int, request: Request) -> Reply:
        reply = resource.reply(request)
        if reply.status not in {200, 206}:
            return reply
        return replace(reply, fields=(*reply.fields, *fields), has_length=False)

    return answer


def _length(name: str, *values: str) -> ServerFault:
    fields = (('Content-Length', value) for value in values)
    return answering(name, framed_by(*fields))


def _coding(name: str, coding: str) -> ServerFault:
    return answering(name, framed_by(('Transfer-Encoding', coding)))


def _listed_length(resource: Resource, at: int, request: Request) -> Reply:
    reply = resource.reply(request)
    length = ('Content-Length', f'{len(reply.body)},\t{len(reply.body)}')
    return replace(reply, fields=(*reply.fields, length), has_length=False)


FRAMING: Final = (
    _length('a negative length', '-3'),
    _length('a length that is none', 'many'),
    _length('an empty length', ''),
    _length('a length with a sign', '+3'),
    _length('a length with a space', '1 2'),
    _length('a length in hexadecimal', '0x3'),
    _length('a length beyond all bounds', '9' * 30),
    _length('two lengths', '3', '4'),
    _length('two lengths in one field', '3, 4'),
    answering('one length twice in one field', _listed_length),
    answering(
        'a length besides chunks',
        framed_by(('Content-Length', '3'), ('Transfer-Encoding', 'chunked')),
    ),
    _coding('an unknown transfer coding', 'zstd'),
    _coding('a transfer coding besides chunked', 'gzip, chunked'),
    _coding('chunked twice', 'chunked, chunked'),
    _coding('transfer coding identity', 'identity'),
)
