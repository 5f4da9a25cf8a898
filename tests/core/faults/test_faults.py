"""Faults: their texts and remedies."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import (
    FAULTS,
    AddressRefused,
    AnswerUnusable,
    ArchiveRefused,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    CacheUnusable,
    Cancelled,
    CertificateUnusable,
    ChecksumUnknown,
    ConnectionFailed,
    ContentRefused,
    DestinationUnusable,
    DigestMismatch,
    DoiNotFound,
    Fault,
    FileUnreadable,
    HttpStatus,
    InvalidInput,
    JarUnusable,
    LockBusyTooLong,
    LockMismatch,
    LockOutdated,
    LoginFailed,
    MemberNotNamed,
    MemberUnknown,
    OfflineMiss,
    Party,
    PasswordRefused,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    RedirectRefused,
    SchemeRefused,
    SecretUnavailable,
    SourceUnusable,
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
    (InvalidInput(where='url', problem='has no host'), 'url has no host'),
    (InvalidInput(where='url', problem='has no host', advice='Give one'), 'url has no host. Give one'),
    (UnknownName(name='retires', nearest='retries'), "unknown option 'retires'. Did you mean 'retries'?"),
    (UnknownName(name='x', source='dl.toml'), "unknown option 'x' in dl.toml"),
    (BackendMissing(backend='curl', reason='it is not installed', install='pip install x'), "backend 'curl' cannot be used: it is not installed. Install it: pip install x"),
    (BackendMissing(backend='x', reason='there is none'), "backend 'x' cannot be used: there is none"),
    (SchemeRefused(url='ftp://h/', scheme='ftp', allowed=('http', 'https')), "ftp://h/: scheme 'ftp' is not one of http, https. Install the curl backend: pip install pycurl"),
    (SchemeRefused(url='file:///x', scheme='file', allowed=()), 'file:///x is a local file, and these are not allowed. To use local files, pass allow_file=True'),
    (SchemeRefused(url='gopher://h/', scheme='gopher', allowed=('http',)), "gopher://h/: scheme 'gopher' is not one of http. Use an http(s) URL"),
    (SecretUnavailable(source='env:TOKEN', problem='the variable is not set'), 'the secret env:TOKEN cannot be read: the variable is not set. Set TOKEN in the environment'),
    (SecretUnavailable(source='env:A:B', problem='the variable is not set'), 'the secret env:A:B cannot be read: the variable is not set. Set A:B in the environment'),
    (SecretUnavailable(source='file:/t', problem='it is empty'), 'the secret file:/t cannot be read: it is empty. Check this path'),
    (SecretUnavailable(source='function m.f', problem='raised OSError'), 'the secret function m.f cannot be read: raised OSError. Check this function'),
    (CertificateUnusable(path='c', problem='the key in k does not belong to it'), 'client certificate c: the key in k does not belong to it. Check cert= and key=, which are files in PEM'),
    (CertificateUnusable(path='k', problem='the password of its key is missing'), "client certificate k: the password of its key is missing. Pass it as key_password='env:NAME'"),
    (JarUnusable(path='jar', problem='line 3 has no name'), 'cookie jar jar: line 3 has no name. Export it in the format of Netscape, as for curl; or pass another path, which is created'),
    (JarUnusable(path='jar', problem='it belongs to another user'), 'cookie jar jar: it belongs to another user. Copy it to a file of your own, and pass that'),
    (JarUnusable(path='jar', problem='it does not exist'), 'cookie jar jar: it does not exist. Check the path'),
    (JarUnusable(path='jar', problem='its folder does not exist'), 'cookie jar jar: its folder does not exist. Check the path, or create the folder'),
    (JarUnusable(path='jar', problem='it is locked by another program'), 'cookie jar jar: it is locked by another program. Wait until the other program has finished, or pass another jar'),
    (JarUnusable(path='jar', problem='permission denied'), 'cookie jar jar: permission denied. Check the path and the permissions of the file'),
    (LoginFailed(url=U, problem='the server shows the login page again'), 'http://h/x: the login has not worked: the server shows the login page again. Check the values of form='),
    (HttpStatus(url=U, status=401), "http://h/x: the server answered 401 (sent: no credentials). Pass auth=(user, password), or auth={'bearer': 'env:NAME'}"),
    (HttpStatus(url=U, status=401, sent="basic for user 'me'", asks_for=('Basic',)), "http://h/x: the server answered 401 (sent: basic for user 'me'; it asks for Basic). Check the user, the password or the token of auth="),
    (HttpStatus(url=U, status=500, detail='no disk'), 'http://h/x: the server answered 500: no disk. Try later, or add a mirror with mirrors='),
    (HttpStatus(url=U, status=502, proxy='http://p:3128'), 'http://h/x: the server answered 502 (through the proxy http://p:3128, which may have answered itself). Try later, or add a mirror with mirrors=; if the proxy answered, ask its operators, or list the host in no_proxy='),
    (HttpStatus(url=U, status=401, sent='basic'), 'http://h/x: the server answered 401 (sent: basic). Check the user, the password or the token of auth='),
    (HttpStatus(url=U, status=401, sent='basic', asks_for=("Basic (realm 'r')", 'Negotiate')), "http://h/x: the server answered 401 (sent: basic; it asks for Basic (realm 'r') or Negotiate). Check the user, the password or the token of auth="),
    (HttpStatus(url=U, status=401, sent='basic', asks_for=('Digest',)), "http://h/x: the server answered 401 (sent: basic; it asks for Digest). Pass auth={'digest': (user, password)}"),
    (HttpStatus(url=U, status=401, asks_for=('Bearer',)), "http://h/x: the server answered 401 (sent: no credentials; it asks for Bearer). Pass auth={'bearer': 'env:NAME'}"),
    (HttpStatus(url=U, status=401, asks_for=('Negotiate',)), 'http://h/x: the server answered 401 (sent: no credentials; it asks for Negotiate). None of these schemes is supported: log in with a program of the service, or ask its operators'),
    (OfflineMiss(url=U, cache='/c'), "http://h/x is not in the cache /c, and offline is set. Download it once while online: dlmachine get --cache /c 'http://h/x'"),
    (OfflineMiss(url=U, cache=None), 'http://h/x cannot be downloaded: offline is set, and the destination is memory. Pass the folder of a cache that has it as path=, or a path at which it is recorded as dest='),
    (WindowUnsatisfiable(url=U, window='newer than 2024', held=('2023',)), 'http://h/x: no version newer than 2024 (stored versions: 2023). A new download would have the date of today: change newer_than= or older_than='),
    (WindowUnsatisfiable(url=U, window='newer than 2024', held=()), 'http://h/x: no version newer than 2024 (stored versions: none). A new download would have the date of today: change newer_than= or older_than='),
    (DestinationUnusable(path='/x', problem='is a device'), 'destination /x: is a device. Choose another destination'),
    (HttpStatus(url=U, status=404, reason='Not Found'), 'http://h/x: the server answered 404 Not Found. Check the URL, or add a mirror with mirrors='),
    (HttpStatus(url='s3://b/x', status=404), 's3://b/x: the server answered 404. Check the bucket, the name of the file and storage_options=, or add a mirror with mirrors='),
    (HttpStatus(url='s3://b/x', status=403), 's3://b/x: the server answered 403. Check the credentials: storage_options=, the environment, and the profile that the package for this store reads'),
    (HttpStatus(url='s3://b/x', status=503), 's3://b/x: the server answered 503. Try later, or add a mirror with mirrors='),
    (HttpStatus(url=U, status=503, tries=4), 'http://h/x: the server answered 503 (after 4 requests). Try later, or add a mirror with mirrors='),
    (HttpStatus(url=U, status=405), 'http://h/x: the server answered 405. This URL does not accept the method: check the URL and method='),
    (HttpStatus(url=U, status=501), 'http://h/x: the server answered 501. The server does not know the method: check the URL and method='),
    (UnknownName(name='path', owner='DownloadManager', nearest='rate'), "unknown option 'path'. It is an option of DownloadManager: pass it there"),
    (CacheUnusable(path='/c', problem='file is not a database'), 'cache /c: file is not a database. Move cache.sqlite out of the cache folder: dlmachine then creates a new one, and downloads each file again when it is next requested'),
    (CacheUnusable(path='/d/.dlmachine/index.sqlite', problem='file is not a database'), 'index /d/.dlmachine/index.sqlite: file is not a database. Move it away: the files of its folder then count as not recorded, and dlmachine adopt records them again'),
    (StorageFailed(path='/x', operation='read', problem='No such file or directory'), 'cannot read /x: No such file or directory. Check the path: the file may have been moved or removed'),
    (StorageFailed(path='/x', operation='create', problem='not a directory'), 'cannot create /x: not a directory. Check the path: there is a file where a folder is needed'),
    (CacheUnusable(path='/d/.dlmachine/index.sqlite', problem='another user made it, or it is not a regular file'), 'index /d/.dlmachine/index.sqlite: another user made it, or it is not a regular file. Move it away: the files of its folder then count as not recorded, and dlmachine adopt records them again'),
    (CacheUnusable(path='/d/.dlmachine/index.sqlite', problem='database is locked'), 'index /d/.dlmachine/index.sqlite: database is locked. Wait until the other program has finished, or close it, and try again'),
    (CacheUnusable(path='/d/.dlmachine/index.sqlite', problem='a later version of dlmachine made it (format 9)'), 'index /d/.dlmachine/index.sqlite: a later version of dlmachine made it (format 9). Install a newer dlmachine'),
    (CacheUnusable(path='/d/.dlmachine/index.sqlite', problem='attempt to write a readonly database'), 'index /d/.dlmachine/index.sqlite: attempt to write a readonly database. Check the permissions of the folder'),
    (CacheUnusable(path='/c', problem='database disk image is malformed'), 'cache /c: database disk image is malformed. Move cache.sqlite out of the cache folder: dlmachine then creates a new one, and downloads each file again when it is next requested'),
    (StorageFailed(path='/x', operation='write', problem='Disk quota exceeded'), 'cannot write /x: Disk quota exceeded. Free some space'),
    (StorageFailed(path='/x', operation='write', problem='Read-only file system'), 'cannot write /x: Read-only file system. The file system is read-only: choose another folder'),
    (StorageFailed(path='/x', operation='write', problem='no space left on device'), 'cannot write /x: no space left on device. Free some space'),
    (TlsFailed(url='https://h/', detail='wrong version number'), 'https://h/: TLS failed (wrong version number). This port may not speak TLS: try http://'),
    (ContentRefused(url=U, problem='has 1 byte', option='min_bytes'), 'http://h/x: the body has 1 byte. Check what the server sends; if the content is right, lower min_bytes='),
    (ContentRefused(url=U, problem='is refused', option='validate'), 'http://h/x: the body is refused. Check what the server sends; if the content is right, change the function that refuses it: validate='),
    (HttpStatus(url=U, status=418), 'http://h/x: the server answered 418'),
    (HttpStatus(url=U, status=429, retry_after=S), 'http://h/x: the server answered 429. Try again in 1.5 s, as the server asks'),
    (HttpStatus(url=U, status=429), 'http://h/x: the server answered 429. Send fewer requests: set rate= or max_per_host='),
    (RedirectRefused(url=U, location='http://h/y', problem='it is a loop'), 'http://h/x: redirect to http://h/y refused: it is a loop. If the new URL is right, request it directly'),
    (RedirectRefused(url=U, location='', problem='it has no Location'), 'http://h/x: redirect refused: it has no Location. Tell the operators of the server, or add a mirror with mirrors='),
    (AnswerUnusable(url=U, problem='the server made no sense'), 'http://h/x: the server made no sense. Tell the operators of the server, or add a mirror with mirrors='),
    (BodyTooLarge(url=U, limit_bytes=1000, size_bytes=2000), 'http://h/x: the body has 2,000 bytes, more than the 1,000 bytes allowed. Raise max_bytes= if the file may be that large'),
    (BodyTooLarge(url=U, limit_bytes=1000, size_bytes=None), 'http://h/x: the body has more than the 1,000 bytes allowed. Raise max_bytes= if the file may be that large'),
    (DigestMismatch(url=U, algorithm='md5', expected='ab', actual='cd'), 'http://h/x: md5 is cd, expected ab. Check the checksum; if it is right, the file changed or was damaged on the way; nothing was kept'),
    (DigestMismatch(url=U, algorithm='md5', expected='ab', actual='cd', source='Content-MD5'), 'http://h/x: md5 is cd, expected ab (Content-MD5). The file changed or was damaged on the way; nothing was kept'),
    (DigestMismatch(url=U, algorithm='md5', expected='ab', actual='cd', path='/d/x'), '/d/x: md5 is cd, expected ab. It is another file, or the checksum is wrong; it was not recorded'),
    (ContentRefused(url=U, problem='is empty instead of gz data'), 'http://h/x: the body is empty instead of gz data. Check what the server sends; if the content is right, pass check_content=False'),
    (ChecksumUnknown(source='SHA256SUMS', problem="has no line for 'x'"), "checksum file SHA256SUMS: has no line for 'x'. Pass a checksum file that has a line for this file, or pass checksum='sha256:<hex>'"),
    (FileUnreadable(url='file:///x', problem='it is a folder'), 'file:///x cannot be read: it is a folder. Check the path; it must be a file that you may read'),
    (FileUnreadable(url='file:///x', problem='it was changed', is_passing=True), 'file:///x cannot be read: it was changed. Try again when no program writes to it'),
    (DoiNotFound(source='doi:10.1/x', where='https://doi.org'), 'doi:10.1/x does not exist: https://doi.org has no such record. Check the DOI for typing errors; a record that is not published has none yet'),
    (SourceUnusable(source='doi:10.1/x', problem='it has 2 files: a, b', advice='Name one'), 'doi:10.1/x cannot be downloaded: it has 2 files: a, b. Name one'),
    (Cancelled(), 'the download was cancelled. Start the download again to resume it'),
    (ConnectionFailed(url=U, phase='resolve', detail='no such name'), 'http://h/x: the host name could not be resolved (no such name). Check the spelling of the host name, and the network'),
    (ConnectionFailed(url=U, phase='handshake'), 'http://h/x: handshake. Try again; retries= sets how often dlmachine does so'),
    (TlsFailed(url=U, detail='expired'), 'http://h/x: TLS failed (expired). Check the URL, and any proxy or firewall on the way'),
    (TimedOut(url=U, phase='connect', limit=S), 'http://h/x: no connection within 1.5 s. Raise connect_timeout= if the server is only slow'),
    (TimedOut(url=U, phase='stall', limit=S), 'http://h/x: no data for 1.5 s. Raise stall_timeout= if the server is only slow'),
    (TimedOut(url=U, phase='slow', limit=S, bytes_per_second=1000), 'http://h/x: slower than 1,000 bytes per second for 1.5 s. Add a mirror with mirrors=, or lower speed_limit= or raise speed_time='),
    (TimedOut(url=U, phase='total', limit=S), 'http://h/x: not finished within 1.5 s. Raise timeout= if the server is only slow'),
    (BodyTruncated(url=U, received_bytes=1000, expected_bytes=2000), 'http://h/x: the body ended after 1,000 of 2,000 bytes. Try again; retries= sets how often dlmachine does so'),
    (BodyTruncated(url=U, received_bytes=1, expected_bytes=None), 'http://h/x: the body ended after 1 of an unknown number of bytes. Try again; retries= sets how often dlmachine does so'),
    (AddressRefused(url=U, address='::1', kind='loopback'), 'http://h/x: its IP address ::1 is loopback, and not public. It is refused because of forbid_private=True; check the URL'),
    (ProxyUnreachable(url=U, proxy='http://p:1', detail='refused'), 'http://h/x: the proxy http://p:1 could not be reached (refused). Check its host and port: proxy=, or http_proxy and https_proxy in the environment; no_proxy= lists hosts to reach without it'),
    (ProxyUnreachable(url=U, proxy='http://p:1'), 'http://h/x: the proxy http://p:1 could not be reached. Check its host and port: proxy=, or http_proxy and https_proxy in the environment; no_proxy= lists hosts to reach without it'),
    (ProxyLoginRefused(url=U, proxy='http://p:1'), "http://h/x: the proxy http://p:1 asks for a login. Pass proxy_auth=('user', 'env:PASSWORD')"),
    (ProxyLoginRefused(url=U, proxy='http://***@p:1'), 'http://h/x: the proxy http://***@p:1 did not accept the user and password. Check them: proxy_auth=, or the URL of the proxy'),
    (ProxyRefused(url=U, proxy='http://p:1', detail='it answered 403', status=403), 'http://h/x: the proxy http://p:1 did not connect to the server (it answered 403). Ask its operators to allow this host and port, or list the host in no_proxy='),
    (ProxyRefused(url=U, proxy='http://p:1', status=499), 'http://h/x: the proxy http://p:1 did not connect to the server. Ask its operators to allow this host and port, or list the host in no_proxy='),
    (ProxyRefused(url=U, proxy='http://p:1', status=500), 'http://h/x: the proxy http://p:1 did not connect to the server. Check host and port of the URL, or try later: the server may be down'),
    (ProxyRefused(url=U, proxy='http://p:1', status=502), 'http://h/x: the proxy http://p:1 did not connect to the server. Check host and port of the URL, or try later: the server may be down'),
    (ProxyUnusable(url=U, proxy='http://p:1', detail='it sent HTML'), 'http://h/x: http://p:1 did not answer as a proxy does (it sent HTML). Check its scheme, host and port: proxy=, or http_proxy and https_proxy in the environment'),
    (ProxyUnusable(url=U, proxy='http://p:1'), 'http://h/x: http://p:1 did not answer as a proxy does. Check its scheme, host and port: proxy=, or http_proxy and https_proxy in the environment'),
    (CacheUnusable(path='/c', problem='unable to open database file'), 'cache /c: unable to open database file. Check permissions, or use another cache folder'),
    (CacheUnusable(path='/c', problem='database is locked'), 'cache /c: database is locked. Wait until the other program has finished, or close it (a database browser, an open transaction of cachedir), and try again; or use another cache folder'),
    (StorageFailed(path='/x', operation='write', problem='disk full'), 'cannot write /x: disk full. Free some space'),
    (LockBusyTooLong(key='ab' * 32, waited=S), 'cache entry abababababab was locked for 1.5 s. Wait for the other download, or raise lock_timeout='),
    (LockBusyTooLong(key='ab' * 32, waited=S, owner='pid 7'), 'cache entry abababababab was locked by pid 7 for 1.5 s. Wait for the other download, or raise lock_timeout='),
    (StorageFailed(path='/d', destination='/d/x', url=U, operation='create', problem='permission denied'), 'http://h/x: cannot write /d/x: no permission to create files in /d. Check the permissions of /d and of the folders above it'),
    (StorageFailed(path='/c/d', destination='/c/d', operation='create', problem='permission denied'), 'cannot write /c/d: no permission to create files in /c/d. Check the permissions of /c/d and of the folders above it'),
    (StorageFailed(path='a\nb/{0}', operation='read', problem='permission denied'), 'cannot read a\\x0ab/{0}: permission denied. Check the permissions of the file and of a\\x0ab'),
    (StorageFailed(path='x', operation='write', problem='permission denied'), 'cannot write x: no permission to create files in this folder. Check the permissions of this folder and of the folders above it'),
    (CacheUnusable(path='/c', problem='there is no such folder'), 'cache /c: there is no such folder. Check the path of the cache folder: path='),
    (LockBusyTooLong(key='prune', waited=S, owner='pid 7'), 'the cache was being pruned by pid 7 for 1.5 s. Wait until that prune has ended'),
    (LockBusyTooLong(key='ab' * 32, waited=S, url=U), 'http://h/x was locked for 1.5 s. Wait for the other download, or raise lock_timeout='),
    (LockOutdated(path='x.lock', problem='1 added (a)'), 'lockfile x.lock: 1 added (a). Update the lockfile: run dlmachine lock, or call manager.lock()'),
    (LockMismatch(url='u', entry='my table', lock='x.lock', expected='0a', actual='0b'), "u: sha256 is 0b, but x.lock has 0a for entry 'my table'. Nothing was kept. If the new bytes are right, accept them: dlmachine lock x --upgrade-entry 'my table'"),
    (WorkerLost(problem='it died'), 'the worker returned no result: it died. Check the log of the worker, and start the download again'),
    (MemberUnknown(path='a.zip', member='t'), "a.zip has no member 't'. List the members: dlmachine.members(...)"),
    (MemberUnknown(path='a.zip', member='t', nearest=('t.tsv', 'u')), "a.zip has no member 't'. Did you mean 't.tsv' or 'u'?"),
    (MemberUnknown(path='a.csv', member='t', problem='is not an archive', advice='Leave out member=', url=U), 'http://h/x: a.csv is not an archive. Leave out member='),
    (MemberNotNamed(path='a.zip', members=()), 'a.zip is an archive without files'),
    (MemberNotNamed(path='a.zip', members=('a', 'b')), "a.zip is an archive of several files: 'a', 'b'. Name one: member='a'"),
    (MemberNotNamed(path='a.zip', members=('a', 'b'), has_more=True), "a.zip is an archive of several files: 'a', 'b', .... Name one: member='a'"),
    (PasswordRefused(path='a.zip', member='t', is_given=True), "the password of member 't' of a.zip is wrong. Check the password"),
    (PasswordRefused(path='a.zip', member='t', is_given=False), "member 't' of a.zip is encrypted. Pass password="),
    (ArchiveRefused(path='a.gz', problem='ends too early'), 'a.gz ends too early. Download it again; if that does not help, tell its provider'),
    (ArchiveRefused(path='a.gz', problem='is odd', advice='Unpack it'), 'a.gz is odd. Unpack it'),
    (Bug(state='Waiting', event='Recorded'), 'state Waiting cannot handle event Recorded. Please report it'),
]  # fmt: skip


@pytest.mark.parametrize(('fault', 'text'), TEXTS, ids=[text[:60] for _, text in TEXTS])
def test_faults_speak_plainly(fault: Fault, text: str) -> None:
    """A message has the problem, the number of requests, and the remedy."""
    assert str(fault) == text


def test_every_fault_is_in_the_table_above() -> None:
    """A new fault needs a text here; codes are unique, and each fault has a party."""
    assert {type(fault) for fault, _ in TEXTS} == set(FAULTS)
    assert len({kind.code for kind in FAULTS}) == len(FAULTS)
    assert {kind.party for kind in FAULTS} == set(Party)


#: Messages of libcurl, OpenSSL and the system, each with a word of its remedy.
REMEDIES = [
    ("Hostname mismatch, certificate is not valid for 'h'.", 'for another host name'),
    ("IP address mismatch, certificate is not valid for '1.2.3.4'.", 'for another host name'),
    ("SSL: no alternative certificate subject name matches target host name 'h'", 'another host'),
    ("SSL: certificate subject name 'a' does not match target host name 'h'", 'another host'),
    ("hostname 'h' doesn't match 'a'", 'another host'),
    ('certificate has expired', 'has expired'),
    ('SSL certificate problem: certificate is not yet valid', 'not valid yet'),
    ('self-signed certificate', 'is self-signed'),
    ('SSL certificate problem: self signed certificate', 'is self-signed'),
    ('self-signed certificate in certificate chain', 'private authority'),
    ('unable to get local issuer certificate', 'private authority'),
    ('SSL certificate problem: unable to get issuer certificate', 'private authority'),
    ('certificate revoked', 'was revoked'),
    ('error adding trust anchors from file: /x', 'cainfo='),
    ('error setting certificate verify locations: CAfile: /x', 'cainfo='),
    ('tlsv13 alert certificate required', 'client certificate: pass cert='),
    ('sslv3 alert handshake failure', 'client certificate: pass cert='),
    ('tlsv1 alert protocol version', 'old or weak TLS'),
    ('key values mismatch', 'cert= and key='),
    ('the key of the SSH host is not in ~/.ssh/known_hosts', 'ssh-keyscan'),
    ('wrong version number', 'try http://'),
]


@pytest.mark.parametrize(('detail', 'words'), REMEDIES, ids=[one[:40] for one, _ in REMEDIES])
def test_a_remedy_for_tls_fits_what_is_wrong(detail: str, words: str) -> None:
    """A wrong host name, an unknown authority and a wrong clock have different remedies."""
    assert words in TlsFailed(url=U, detail=detail).remedy()


@pytest.mark.parametrize(
    ('phase', 'detail', 'words'),
    [
        ('resolve', 'Name or service not known', 'spelling of the host name'),
        ('resolve', 'Could not resolve host: h', 'spelling of the host name'),
        ('resolve', 'Temporary failure in name resolution', 'name server does not answer'),
        ('connect', 'Connection refused', 'host and port'),
        ('connect', "Failed to connect to h port 1: Couldn't connect to server", 'host and port'),
        ('connect', 'Network is unreachable', 'no route to this host'),
        ('connect', 'No route to host', 'no route to this host'),
        ('receive', 'reset', 'retries='),
    ],
)
def test_a_remedy_for_a_connection_fits_what_is_wrong(phase: str, detail: str, words: str) -> None:
    """The remedy depends on the phase and the system's message."""
    assert words in ConnectionFailed(url=U, phase=phase, detail=detail).remedy()


@pytest.mark.parametrize(
    ('body', 'value'),
    [('{"why": 7}', {'why': 7}), ('', None), ('{"why"', None), ('[' * 100_000, None)],
    ids=['whole', 'empty', 'cut', 'nested'],
)
def test_the_body_of_an_error_as_json(body: str, value: object) -> None:
    """A body that cannot be parsed is None; nothing raises."""
    assert HttpStatus(url=U, status=400, body=body).json == value


def test_faults_about_files_have_a_filename() -> None:
    """The path is in `filename`, as in an OSError."""
    unusable = DestinationUnusable(path='a/b', problem='is a folder')
    cache = CacheUnusable(path='c', problem='is damaged')

    assert (unusable.filename, cache.filename) == ('a/b', 'c')


def test_faults_of_files_have_their_name() -> None:
    """As `OSError.filename` has."""
    assert LockOutdated(path='m.lock', problem='is old').filename == 'm.lock'


@pytest.mark.parametrize(
    'fault',
    [
        MemberUnknown(path='a.zip', member='t'),
        MemberNotNamed(path='a.zip', members=()),
        PasswordRefused(path='a.zip', member='t', is_given=True),
        ArchiveRefused(path='a.zip', problem='is odd'),
    ],
)
def test_faults_of_packed_files_name_the_file(fault: Fault) -> None:
    """As exceptions of the operating system do."""
    assert getattr(fault, 'filename', None) == 'a.zip'


def test_a_fault_as_a_dict() -> None:
    """Code, message and advice; None for what it does not have."""
    told = HttpStatus(url='https://h/', status=404).to_dict()

    assert (told['code'], told['party'], told['status']) == ('http_status', 'server', 404)
    assert WorkerLost(problem='killed').to_dict()['party'] == 'local'
    assert (told['url'], told['errno']) == ('https://h/', None)


def test_a_message_holds_nothing_that_a_terminal_obeys() -> None:
    """Whatever the reason of a status line is, in the text of an exception, too."""
    fault = HttpStatus(url=U, status=404, reason='\x1b[31mred\n\x07')

    assert '404 \\x1b[31mred\\x0a\\x07' in str(fault)
    assert str(fault).isprintable()
