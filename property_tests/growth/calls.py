"""Calls whose arguments do not follow from types, exemptions, and the sizes of inputs.

Names are patterns, without the folders of their modules.
"""

import gzip
import json
from collections.abc import Callable
from typing import Final

from dlmachine.core.archives.extraction import Placing, Selection
from dlmachine.core.archives.member import Member, MemberKind
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import JsonBody, body_pairs
from dlmachine.core.http.head_parser import HeadParser
from dlmachine.core.integrity.checksum import ChecksumList
from dlmachine.core.integrity.checksum_file import find_checksum
from dlmachine.core.manifest.clashes import find_clashes
from dlmachine.core.manifest.lists import list_entries
from dlmachine.core.spec.option_parsers import read_enum
from dlmachine.core.spec.reuse import Freshness
from dlmachine_adapters.curl_backend.head_parser import FtpReplies
from dlmachine_adapters.parts.decoding import Inflater
from dlmachine_adapters.parts.digesting import BodyDigest, GzipCheck
from dlmachine_adapters.parts.inflating import InflatedStream
from tests.builders import NOW

_LIST: Final = ChecksumList('http://h/SHA256SUMS')
_MEMBER: Final = gzip.compress(b'', mtime=0)


def _read_head(text: str) -> object:
    parser, read = HeadParser(), None
    parser.feed(b'HTTP/1.1 200 OK\r\n')
    for line in text.encode('latin-1', 'replace').splitlines(keepends=True):
        read = read or parser.feed(line)
    return read or parser.feed(b'\r\n')


def _read_replies(text: str) -> object:
    replies = FtpReplies(4, None, NOW)
    for line in text.encode('latin-1', 'replace').splitlines(keepends=True):
        replies.feed(line)
    return replies.feed(b'150 Opening (8 bytes)\r\n')


def _members(text: str) -> bytes:
    # The maximum number of empty members in one chunk of a body.
    return _MEMBER * (len(text) // len(_MEMBER))


def _inflate(text: str) -> object:
    return list(Inflater('gzip', has_limit=True).feed(_members(text)))


def _inflate_stream(text: str) -> object:
    return list(InflatedStream('gzip').feed(_members(text)))


def _examine(text: str) -> object:
    examiner = BodyDigest(checks_gzip=True)
    examiner.update(_members(text))
    return examiner.received(len(text))


def _check_gzip(text: str) -> object:
    check = GzipCheck()
    check.update(_members(text))
    return check.problem()


def _place(text: str) -> object:
    placing = Placing(Selection())
    member = Member(name=text, kind=MemberKind.SYMBOLIC_LINK, size_bytes=0, link=text)
    return placing.place(member), placing.place(replace(member, name='a'))


#: Parsers that are fed line by line, or need other arguments besides a long text.
CALLS: Final[dict[str, Callable[[str], object]]] = {
    '*.HeadParser.feed': _read_head,
    '*.FtpReplies.feed': _read_replies,
    # JSON bodies have at most 100 levels; a string in them may be any text.
    '*.body_pairs': lambda text: list(body_pairs(JsonBody(json.dumps([text, {text: text}])))),
    # The name of a file is short.
    '*.list_entries': lambda text: list(list_entries(text, 'SHA256SUMS')),
    '*.read_enum': lambda text: read_enum(Freshness, 'freshness', text),
    '*.find_clashes': lambda text: list(find_clashes([('a', text, 1), ('b', text, 2)])),
    '*.Placing.place': _place,
    '*.find_checksum': lambda text: find_checksum(text, _LIST, ('x/f1', 'f2')),
}
#: Parsers with a grammar that random text does not match; only the size of the text counts.
SIZED: Final[dict[str, Callable[[str], object]]] = {
    '*.Inflater.feed': _inflate,
    '*.InflatedStream.feed': _inflate_stream,
    '*.BodyDigest.update': _examine,
    '*.GzipCheck.update': _check_gzip,
}
#: Parameters, by name, whose values do not come from others: tables, declared names.
OURS: Final = frozenset({'declared', 'known', 'pattern', 'rows'})
#: Reasons why something is not attacked.
EXEMPT: Final[dict[str, str]] = {
    '*.HeadParser.find_garbage': 'looks at the first five bytes',
    '*.rows.read_page': 'passes a name to SQLite',
    '*.rows.remove_stored': 'as read_page',
    '*.RecordedFolder.remove': 'as read_page',
    '*.names.free_name': 'asks about a name and its numbered forms, which `numbered` makes',
    '*.Wire.send': 'sends a request of ours',
    '*.Wire.read_body': 'passes bytes on; find_framing reads the head',
    '*.write': 'passes bytes on as they are',
    '*.write_at': 'as write',
    '*.append': 'as write',
    '*.write_all': 'as write',
    '*.read_pieces': 'passes bytes on as they are',
    '*.BackgroundWorker.put': 'as write, to another thread',
    '*.Outcome.content': 'opens the file',
    '*.CookieJars.keep': 'receive_cookies reads the response, parse_jar the file',
    '*.SystemWorld.keep_cookies': 'as CookieJars.keep',
    'dlmachine_adapters.archives.*': 'streams what libraries unpack; packing.py and member_path.py read names',
    '*.option_table.Option.*': 'has names of ours',
    '*.option_help.describe_options': 'as Option',
    '*.protocol.reading.*': 'asks what is known; the values are read elsewhere',
    '*.ResponseReader.*': 'passes bytes on; its head is judged by decide_body and find_head_problem',
}
#: The maximum number of characters, if it is not that of a line (64 KiB).
LIMITS: Final[dict[str, int]] = {
    # A head with all its lines.
    '*.HeadParser.feed': 262_144,
    '*.parse_head': 262_144,
    # The maximum number of bytes that one read of a connection returns.
    '*.InflatedStream.feed': 1 << 20,
    '*.Inflater.feed': 1 << 20,
    '*.BodyDigest.update': 1 << 20,
    '*.GzipCheck.update': 1 << 20,
}
