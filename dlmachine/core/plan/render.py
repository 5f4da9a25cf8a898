"""Plans and effects as text for users.  Pure; secrets masked."""

from collections.abc import Iterator
from typing import assert_never

from dlmachine.core.access.auth import DEFAULT_AUTH
from dlmachine.core.cache.key import shown_url
from dlmachine.core.decision.verdict import Decision
from dlmachine.core.faults.printing import printable
from dlmachine.core.http.url import parse_url
from dlmachine.core.protocol import effects
from dlmachine.core.secrets.secret_names import is_secret_name
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, Destination, InCache, InFolder, InMemory
from dlmachine.core.spec.policy import Policy
from dlmachine.core.transfer.retry import patience


def plan_lines(
    descriptor: Descriptor, policy: Policy, decision: Decision, planned: tuple[effects.Effect, ...]
) -> Iterator[str]:
    """A plan as lines of text."""
    yield f'{decision.verdict.value} {shown_url(descriptor)}'
    yield f'  because      {decision.reason.value}'
    if decision.arithmetic:
        yield f'  freshness    {decision.arithmetic}'
    yield f'  destination  {show_destination(decision.destination)}'
    entry = decision.entry
    if entry is not None:
        yield f'  stored       version {entry.version} of {entry.stored_at:%Y-%m-%d %H:%M:%S} UTC'
    yield from _request_lines(descriptor, policy)
    if any(isinstance(effect, effects.Exchange) for effect in planned):
        yield f'  patience     {_show_patience(policy, len(decision.addresses))}'
    for note in decision.notes:
        yield f'  note         {note}'
    for number, effect in enumerate(planned, start=1):
        yield f'  {number}. {show_effect(effect)}'


def _request_lines(descriptor: Descriptor, policy: Policy) -> Iterator[str]:
    if not descriptor.tls.verify:
        yield "  insecure     the server's certificate is not checked (verify=False)"
    for what, shown in policy.network.lines():
        yield f'  {what:<13}{printable(shown)}'
    for rule in policy.rules:
        yield f'  rule         {printable(rule)}'
    for what, names in (
        ('headers', descriptor.key_without),
        ('query parameters', descriptor.key_ignores_query),
    ):
        if names:
            yield f'  cache key    without the {what} {printable(", ".join(names))}'
    yield from _access_lines(descriptor)


def _access_lines(descriptor: Descriptor) -> Iterator[str]:
    if descriptor.auth != DEFAULT_AUTH:
        has_secret = descriptor.auth.secret is not None
        only = f', sent only to {_origin(descriptor)}' if has_secret else ''
        yield f'  auth         {printable(str(descriptor.auth))}{only}'
    if descriptor.storage_options:
        yield f'  store        options {printable(str(descriptor.storage_options))}'
    if descriptor.tls.cert is not None:
        password = descriptor.key_password
        locked = '' if password is None else f', password {password}'
        shown = printable(f'{descriptor.tls.cert}{locked}')
        yield f'  certificate  {shown}, shown only to {_origin(descriptor)}'
    declared = descriptor.secret_names
    secret = [name for name, _ in descriptor.headers if is_secret_name(name, declared)]
    if secret:
        yield f'  secret       {printable(", ".join(secret))}, sent only to {_origin(descriptor)}'
    cookies = descriptor.cookies
    if cookies.is_used:
        only = f'; own ones only to {_origin(descriptor)}' if cookies.own else ''
        yield f'  cookies      {printable(str(cookies))}{only}'


def _origin(descriptor: Descriptor) -> str:
    url = parse_url(descriptor.home).unwrap()
    return f'{url.scheme}://{url.authority}'


def _show_patience(policy: Policy, urls: int) -> str:
    worst = patience(policy, urls)
    down, silent = (time.total_seconds() for time in (worst.unreachable, worst.silent))
    requests = '1 request' if worst.requests == 1 else f'{worst.requests} requests'
    return (
        f'at most {requests}: {down:g} s if no connection is made, '
        f'{silent:g} s if no server responds'
    )


def show_destination(destination: Destination) -> str:
    """A destination in words, paths printable."""
    match destination:
        case InCache(folder=folder):
            return f'cache {printable(folder)}'
        case InMemory():
            return 'memory'
        case AtPath(path=path):
            return f'file {printable(path)}'
        case InFolder(folder=folder):
            return f'folder {printable(folder)}, named by the response'
        case _:
            assert_never(destination)


def show_effect(effect: effects.Effect) -> str:
    """An effect in words.

    >>> from datetime import timedelta
    >>> show_effect(effects.Wait(duration=timedelta(seconds=2), reason='backoff'))
    'wait 2 s: backoff'
    >>> show_effect(effects.Wait(duration=timedelta(seconds=3600.3194), reason='Retry-After'))
    'wait 3600.32 s: Retry-After'
    """
    return printable(_effect_words(effect))


def _effect_words(effect: effects.Effect) -> str:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
    match effect:
        case effects.CheckCopy(path=path):
            return f'check that {path} still exists'
        case effects.AcquireLock(key=key, patience=patience):
            return f'lock entry {key[:12]}, waiting at most {patience.total_seconds():g} s'
        case effects.Observe():
            return 'check cache and destination again'
        case effects.FillCache(key=key):
            return f'get entry {key[:12]} of the cache, downloading it if necessary'
        case effects.OpenPart(source=source, link=link) if source or link:
            return f'{"copy" if link is None else f"make a {link.value} link to"} {source}'
        case effects.OpenPart(beside=beside, adopt=adopt):
            where = 'in memory' if beside is None else f'in {beside}'
            more = '' if adopt is None else f', resuming after {adopt.size_bytes:,} bytes'
            return f'open a partial file {where}{more}'
        case effects.ReadSecret(secret=secret):
            return f'read the secret {secret}'
        case effects.LogIn(login=login):
            return f'log in: {str(login).removeprefix("login ")}'
        case effects.ReadCookies(cookies=cookies):
            return f'read the cookies {cookies}'
        case effects.Exchange():
            return _show_exchange(effect)
        case effects.ExchangeSegments(spans=spans, connections=most):
            url = effect.exchange.request.shown_url
            return f'GET {len(spans)} segments of {url}, at most {most} in parallel'
        case effects.Reassemble(name=name, whole_bytes=size):
            return f'verify all {size:,} bytes of {name}'
        case effects.ReadChecksums():
            return f'read the checksum file {_show_list(effect)}'
        case effects.ReadSource(target=target):
            return f'read {shown_url(target)}, which lists the files'
        case effects.Validate(name=name):
            return f'call the validate function with {name}'
        case effects.Wait(duration=duration, reason=reason):
            return f'wait {round(duration.total_seconds(), 2):g} s: {reason}'
        case effects.KeepChanged(copy=copy):
            return f'keep {copy.path} in quarantine if it was changed'
        case effects.Publish(place=destination):
            return f'publish to {show_destination(destination).removeprefix("file ")}'
        case effects.Record(version=0, reason=reason):
            return f'record as {reason}'
        case effects.Record(version=version, reason=reason):
            return f'record version {version} as {reason}'
        case effects.RemoveVersions(versions=versions):
            return f'remove versions {", ".join(map(str, versions))}'
        case effects.Invalidate(urls=urls):
            return f'mark the stored copies of {", ".join(urls)} as invalid'
        case effects.Unpublish(path=path):
            return f'remove {path} again'
        case effects.Discard(keep=keep):
            return 'keep the part for later' if keep else 'discard the part'
        case effects.ReleaseLock(key=key):
            return f'release entry {key[:12]}'
        case effects.ExtractArchive(archive=archive, folder=folder):
            return f'extract {archive} into {folder}, unless its files are there'
        case _:
            assert_never(effect)


def _show_list(effect: effects.ReadChecksums) -> str:
    return str(effect.path) if effect.target is None else shown_url(effect.target)


def _show_exchange(effect: effects.Exchange) -> str:
    request = effect.request
    names = ('If-None-Match', 'If-Modified-Since', 'Range')
    fields = [f'{name}: {request.headers.get(name)}' for name in names if name in request.headers]
    conditions = f' ({", ".join(fields)})' if fields else ''
    return f'{request.method} {request.shown_url} with {effect.backend}{conditions}'
