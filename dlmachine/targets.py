"""Parse what a caller wants to download: a URL, a descriptor, or an entry of a manifest.

`parse_target` combines it with the options of the call and of the manager into a Descriptor and a
Policy.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from dlmachine.config import Config
from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import InvalidInput
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.destination import Auto, ToPath
from dlmachine.core.spec.options import parse_policy, split_options
from dlmachine.core.spec.policy import Policy
from dlmachine.descriptor import Descriptor, with_defaults
from dlmachine.errors import DownloadError, error_for, unwrap
from dlmachine.paths import DestInput, expand_words, path_text

if TYPE_CHECKING:
    from dlmachine.manifest import Item

#: What can be downloaded: a URL, a descriptor, or an entry of a manifest.
Target: TypeAlias = 'str | core.Descriptor | Item'
#: One of these types; most batches have targets of one type.
OneKind = TypeVar('OneKind', str, core.Descriptor, 'Item')
#: For checking options before the first URL is known.
ANY_URL: Final = 'http://options.invalid/'


def parse_target(
    target: Target,
    dest: DestInput,
    options: Mapping[str, object],
    config: Config,
) -> tuple[core.Descriptor, Policy]:
    """Descriptor and Policy of one download: the options of the call over those of the manager.

    An entry of a manifest has its own options, which may include a destination.

    Raises: RequestError for an unknown option or a bad value.
    """
    described, handled = unwrap(split_options(expand_words(options)))
    what, base = _read(target, config.policy)
    has_own = base.dest not in {Auto(), config.policy.dest}
    if dest is not None and not has_own:
        handled['dest'] = destination_of(dest)
    policy = unwrap(parse_policy(handled, base)) if handled else base
    descriptor = _describe(what, described, config.described)
    return descriptor, policy.with_secret_names(descriptor.secret_names)


def parse_item(target: Target, options: Mapping[str, object], config: Config) -> 'Item':
    """Parse a target into an entry of a manifest, with a fault instead of an exception."""
    from dlmachine.manifest import Item

    try:
        descriptor, policy = parse_target(target, None, options, config)
    except DownloadError as error:
        url = target.url if isinstance(target, Item) else _shown(target, options, config)
        name = target.name if isinstance(target, Item) else url
        return Item(name=name, url=url, fault=error.fault)
    url = shown_url(descriptor)
    name = target.name if isinstance(target, Item) else url
    return Item(name=name, url=url, descriptor=descriptor, policy=policy)


def show_target(target: object, secret_names: Sequence[str]) -> tuple[str, str]:
    """The name and the URL of a target for a report, with secrets masked."""
    from dlmachine.core.secrets.redact import redact_url
    from dlmachine.manifest import Item

    if isinstance(target, Item):
        return target.name, target.url
    if isinstance(target, core.Descriptor):
        return (shown_url(target),) * 2
    return (redact_url(str(target), tuple(secret_names)),) * 2


def _shown(target: object, options: Mapping[str, object], config: Config) -> str:
    from dlmachine.core.secrets.redact import redact_url

    if isinstance(target, core.Descriptor):
        return shown_url(target)
    given = (options.get('secret_names'), config.described.get('secret_names'))
    names = (name for one in given for name in parse_secret_names(one).value_or(()))
    return redact_url(str(target), tuple(names))


def destination_of_batch(dest: DestInput, policy: Policy) -> str | bool | None:
    """The destination of a batch; a configured folder counts, as its files need separate names."""
    path = destination_of(dest)
    return policy.dest.path if path is None and isinstance(policy.dest, ToPath) else path


def destination_of(dest: DestInput) -> str | bool | None:
    """A destination with `~` expanded and bytes decoded."""
    path: str | bool | None = path_text(dest)
    return path


def _read(target: object, policy: Policy) -> tuple[Any, Policy]:
    if isinstance(target, (str, core.Descriptor)):
        return target, policy
    from dlmachine.manifest import Item

    if not isinstance(target, Item):
        return target, policy  # It is refused later, with its problem.
    if target.descriptor is None:
        fault = InvalidInput(where=target.name, problem='has no descriptor')
        raise error_for(target.fault or fault)
    return target.descriptor, target.policy


def _describe(
    url: str | core.Descriptor, described: Mapping[str, Any], given: Mapping[str, Any]
) -> core.Descriptor:
    defaults = dict(given)
    if isinstance(url, core.Descriptor):
        return _over(url, described, defaults)
    headers, names = defaults.pop('headers', None), defaults.pop('secret_names', None)
    made = Descriptor(url, **{**defaults, **described})
    return with_defaults(made, headers, names)


def _over(
    descriptor: core.Descriptor, described: Mapping[str, object], defaults: Mapping[str, Any]
) -> core.Descriptor:
    if described:
        names = ', '.join(sorted(described))
        advice = 'Pass it to Descriptor()'
        problem = 'belongs to the Descriptor that is passed'
        raise error_for(InvalidInput(where=names, problem=problem, advice=advice))
    return with_defaults(descriptor, defaults.get('headers'), defaults.get('secret_names'))
