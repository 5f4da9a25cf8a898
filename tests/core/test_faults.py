"""Faults: what they say to people."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import (
    FAULTS,
    AnswerUnusable,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    CacheUnusable,
    Cancelled,
    ChecksumUnknown,
    ConnectionFailed,
    ContentRefused,
    DestinationUnusable,
    DigestMismatch,
    Fault,
    HttpStatus,
    InvalidInput,
    LockBusyTooLong,
    OfflineMiss,
    Party,
    RedirectRefused,
    SchemeRefused,
    StorageFailed,
    TimedOut,
    TlsFailed,
    UnknownName,
    WindowUnsatisfiable,
    WorkerLost,
)

U = 'http://h/x'
S = timedelta(seconds=1.5)

TEXTS: list[tuple[Fault, str]] = [
    (InvalidInput(where='url', problem='has no host'), 'url: has no host'),
    (InvalidInput(where='url', problem='has no host', advice='Give one'), 'url: has no host. Give one'),
    (UnknownName(name='retires', nearest='retries'), "unknown option 'retires'. Did you mean 'retries'?"),
    (UnknownName(name='x', source='dl.toml'), "unknown option 'x' in dl.toml"),
    (BackendMissing(backend='curl', reason='it is not installed', install='pip install x'), "backend 'curl' can not be used: it is not installed. Install it: pip install x"),
    (BackendMissing(backend='x', reason='there is none'), "backend 'x' can not be used: there is none"),
    (SchemeRefused(url='ftp://h/', scheme='ftp', allowed=('http', 'https')), "ftp://h/: scheme 'ftp' is not one of http, https. Install the curl backend: pip install 'dlmachine[curl]'"),
    (SchemeRefused(url='gopher://h/', scheme='gopher', allowed=('http',)), "gopher://h/: scheme 'gopher' is not one of http. Give an http(s) URL"),
    (OfflineMiss(url=U, cache='/c'), "http://h/x is wanted offline, but is not in the cache /c. Fetch it once with a network: dlmachine get --cache /c 'http://h/x'"),
    (OfflineMiss(url=U, cache=None), 'http://h/x is wanted offline, but this destination uses no cache. Give the cache that has it: path=, or --cache on the command line'),
    (WindowUnsatisfiable(url=U, window='newer than 2024', held=('2023',)), 'http://h/x: no version newer than 2024 (versions held: 2023). A download made now is dated now; widen newer_than or older_than'),
    (WindowUnsatisfiable(url=U, window='newer than 2024', held=()), 'http://h/x: no version newer than 2024 (versions held: none). A download made now is dated now; widen newer_than or older_than'),
    (DestinationUnusable(path='/x', problem='is a device'), 'destination /x: is a device. Choose another destination'),
    (HttpStatus(url=U, status=404, reason='Not Found'), 'http://h/x: the server answered 404 Not Found. Check the address, or add a mirror'),
    (HttpStatus(url=U, status=503, tries=4), 'http://h/x: the server answered 503 (after 4 requests). Try later, or add a mirror'),
    (HttpStatus(url=U, status=405), 'http://h/x: the server answered 405. It is not asked in this way here: check the address, and the method'),
    (HttpStatus(url=U, status=501), 'http://h/x: the server answered 501. It is not asked in this way: check the address, and the method'),
    (UnknownName(name='path', owner='DownloadManager', nearest='rate'), "unknown option 'path'. It is an option of DownloadManager: give it there"),
    (CacheUnusable(path='/c', problem='file is not a database'), 'cache /c: file is not a database. Move cache.sqlite out of the cache folder: a new one is begun, and what is asked for again is downloaded again'),
    (StorageFailed(path='/x', operation='read', problem='No such file or directory'), 'read /x: No such file or directory. Check the path'),
    (StorageFailed(path='/x', operation='create', problem='not a directory'), 'create /x: not a directory. Check the path: a file stands where a folder is needed'),
    (CacheUnusable(path='/c', problem='database disk image is malformed'), 'cache /c: database disk image is malformed. Move cache.sqlite out of the cache folder: a new one is begun, and what is asked for again is downloaded again'),
    (StorageFailed(path='/x', operation='write', problem='Disk quota exceeded'), 'write /x: Disk quota exceeded. Free some space'),
    (StorageFailed(path='/x', operation='write', problem='Read-only file system'), 'write /x: Read-only file system. Check permissions'),
    (StorageFailed(path='/x', operation='write', problem='no space left on device'), 'write /x: no space left on device. Free some space'),
    (TlsFailed(url='https://h/', detail='wrong version number'), 'https://h/: TLS failed (wrong version number). There may be no TLS at this port: try http://'),
    (ContentRefused(url=U, problem='has 1 byte', option='min_bytes'), 'http://h/x: the body has 1 byte. Look at what the server sends; if it is right after all, lower min_bytes'),
    (ContentRefused(url=U, problem='is refused', option='validate'), 'http://h/x: the body is refused. Look at what the server sends; if it is right after all, mend the function that refuses it'),
    (HttpStatus(url=U, status=418), 'http://h/x: the server answered 418'),
    (HttpStatus(url=U, status=429, retry_after=S), 'http://h/x: the server answered 429. It asks to wait 1.5 s'),
    (HttpStatus(url=U, status=429), 'http://h/x: the server answered 429. Ask less often'),
    (RedirectRefused(url=U, location='http://h/y', problem='it leads in a circle'), "http://h/x: redirect to 'http://h/y' refused: it leads in a circle. If the new address is right, give it directly"),
    (AnswerUnusable(url=U, problem='the server made no sense'), 'http://h/x: the server made no sense. Add a mirror, or tell the people who run the server'),
    (BodyTooLarge(url=U, limit_bytes=1000, size_bytes=2000), 'http://h/x: 2,000 bytes, where at most 1,000 bytes are allowed. Raise max_bytes if so much was meant'),
    (BodyTooLarge(url=U, limit_bytes=1000, size_bytes=None), 'http://h/x: more, where at most 1,000 bytes are allowed. Raise max_bytes if so much was meant'),
    (DigestMismatch(url=U, algorithm='md5', expected='ab', actual='cd'), 'http://h/x: md5 is cd, expected ab. The file changed or was damaged on the way; nothing was kept'),
    (DigestMismatch(url=U, algorithm='md5', expected='ab', actual='cd', source='Content-MD5'), 'http://h/x: md5 is cd, expected ab (Content-MD5). The file changed or was damaged on the way; nothing was kept'),
    (ContentRefused(url=U, problem='is empty, where gz was asked for'), 'http://h/x: the body is empty, where gz was asked for. Look at what the server sends; if it is right after all, give check_content=False'),
    (ChecksumUnknown(source='SHA256SUMS', problem="has no line for 'x'"), "checksum list SHA256SUMS: has no line for 'x'. Name a list that has a line for this file, or give checksum='sha256:<hex>'"),
    (Cancelled(), 'the download was cancelled. Ask for it again to go on'),
    (ConnectionFailed(url=U, phase='resolve', detail='no such name'), 'http://h/x: the host name could not be resolved (no such name). Check the address, the network and the proxy settings'),
    (ConnectionFailed(url=U, phase='handshake'), 'http://h/x: handshake. Check the address, the network and the proxy settings'),
    (TlsFailed(url=U, detail='expired'), 'http://h/x: TLS failed (expired). For a private authority give cainfo=, or set SSL_CERT_FILE'),
    (TimedOut(url=U, phase='connect', limit=S), 'http://h/x: no connection within 1.5 s. Raise connecttimeout if the server is just slow'),
    (TimedOut(url=U, phase='stall', limit=S), 'http://h/x: not a byte for 1.5 s. Raise stall_timeout if the server is just slow'),
    (TimedOut(url=U, phase='total', limit=S), 'http://h/x: not finished within 1.5 s. Raise timeout if the server is just slow'),
    (BodyTruncated(url=U, received_bytes=1000, expected_bytes=2000), 'http://h/x: the body ended after 1,000 of 2,000 bytes'),
    (BodyTruncated(url=U, received_bytes=1, expected_bytes=None), 'http://h/x: the body ended after 1 of an unknown number of bytes'),
    (CacheUnusable(path='/c', problem='is locked'), 'cache /c: is locked. Check permissions, or use another cache folder'),
    (StorageFailed(path='/x', operation='write', problem='disk full'), 'write /x: disk full. Check free space and permissions'),
    (LockBusyTooLong(key='ab' * 32, waited=S), 'cache entry abababababab was locked for 1.5 s. Wait for the other download, or raise lock_timeout'),
    (LockBusyTooLong(key='ab' * 32, waited=S, owner='pid 7'), 'cache entry abababababab was locked by pid 7 for 1.5 s. Wait for the other download, or raise lock_timeout'),
    (WorkerLost(problem='it died'), 'the worker gave no answer: it died. Look at the log of the worker, and ask for it again'),
    (Bug(state='Waiting', event='Recorded'), 'state Waiting can not go on from event Recorded. Please report it'),
]  # fmt: skip


@pytest.mark.parametrize(('fault', 'text'), TEXTS, ids=[text[:60] for _, text in TEXTS])
def test_faults_speak_plainly(fault: Fault, text: str) -> None:
    """What, after how many requests, and what to do about it."""
    assert str(fault) == text


def test_every_fault_is_in_the_table_above() -> None:
    """A new fault needs a text here; codes are unique, and each has somebody who must act."""
    assert {type(fault) for fault, _ in TEXTS} == set(FAULTS)
    assert len({kind.code for kind in FAULTS}) == len(FAULTS)
    assert {kind.party for kind in FAULTS} == set(Party)
