"""Parse what a caller wants to download: a URL, a descriptor, an entry of a manifest, or a dict.

`parse_target` combines it with the options of the call and of the manager into a Descriptor and a
Policy.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from dlmachine.config import Config
from dlmachine.core.access.auth import DEFAULT_AUTH
from dlmachine.core.access.caller_cookies import parse_cookies
from dlmachine.core.cache.key import keyed_by_vary, shown_url, without_signature
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import KEPT_METHODS
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.destination import (
    Auto,
    ToMemory,
    ToPath,
    Wanted,
    ends_in_separator,
    parse_destination,
)
from dlmachine.core.spec.option_parsers import read_progress, read_validator
from dlmachine.core.spec.options import parse_policy, split_options
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import at_place
from dlmachine.core.spec.reuse import Freshness
from dlmachine.descriptor import Descriptor, with_defaults
from dlmachine.errors import error_for, unwrap
from dlmachine.options.lists import KEY_OPTIONS
from dlmachine.paths import DestInput, expand_words, is_folder_inside, local_url, path_text

if TYPE_CHECKING:
    from dlmachine.core.manifest.item import Item

#: What can be downloaded: a URL, a path (with `allow_file`), a descriptor, or an entry of a
#: manifest, also as a dict.
Target: TypeAlias = 'str | PurePath | core.Descriptor | Item | Mapping[str, object]'
#: One of these types; most batches have targets of one type.
OneKind = TypeVar('OneKind', str, PurePath, core.Descriptor, 'Item')
#: For checking options before the first URL is known.
ANY_URL: Final = 'http://options.invalid/'
#: The types of the values of options that say everything by themselves.
PLAIN_VALUES: Final = frozenset({bool, int, float, type(None)})
#: Options that say where progress is shown; they are not those of a download.
_OF_DISPLAY: Final = ('progress', 'on_event')
#: The number of targets that a manager remembers.
_MAX_REMEMBERED: Final = 1024


def parse_target(
    target: Target,
    dest: DestInput | ToPath,
    options: Mapping[str, object],
    config: Config,
) -> tuple[core.Descriptor, Policy]:
    """Descriptor and Policy of one download: the options of the call over those of the manager.

    An entry of a manifest has its own options, which may include a destination.

    Raises: RequestError for an unknown option or a bad value.
    """
    described: dict[str, object] = {}
    handled: dict[str, object] = {}
    if options:
        words = expand_words(options)
        words = {name: value for name, value in words.items() if name not in _OF_DISPLAY}
        described, handled = unwrap(split_options(words))
    if type(target) is not str or '://' not in target:
        is_allowed = options.get('allow_file', config.defaults.policy.network.allow_file)
        target = local_url(target, is_allowed=bool(is_allowed))
    what: Any = target
    defaults, path, has_own = config.defaults, None, False
    if not isinstance(target, (str, core.Descriptor)):
        target = parse_entry(target, config)
        what, base, path = _read(target, defaults.policy)
    if defaults.rules:
        defaults = unwrap(defaults.at(getattr(what, 'url', what)))
    if what is target:
        base = defaults.policy
    else:
        usual = defaults.policy.dest
        has_own = base.dest is not usual and base.dest not in {Auto(), usual}
    policy = unwrap(parse_policy(handled, base)) if handled else base
    place = policy.dest if has_own else _place(target, path, dest, policy)
    locked = getattr(target, 'sha256', None)
    if locked is not None or place is not policy.dest:
        checksum = policy.checksum if locked is None else Checksum('sha256', locked)
        policy = at_place(policy, place, checksum)
    descriptor = _describe(what, described, defaults.described)
    is_kept = descriptor.method in KEPT_METHODS and 'Range' not in descriptor.headers
    if not is_kept and policy.dest == Auto():
        policy = replace(policy, dest=ToMemory())
    if policy.freshness is Freshness.HTTP and descriptor.headers.items:
        descriptor = keyed_by_vary(descriptor)
    if not descriptor.key_ignores_query and ('?' in descriptor.url or descriptor.query):
        is_chosen = 'key_ignores_query' in described or 'key_ignores_query' in defaults.described
        descriptor = descriptor if is_chosen else without_signature(descriptor)
    return descriptor, policy.with_secret_names(descriptor.secret_names)


def remember_targets(config: Config) -> Callable[..., tuple[core.Descriptor, Policy]]:
    """`parse_target` for a URL, a destination and options, which remembers its latest results."""

    @lru_cache(_MAX_REMEMBERED, typed=True)
    def parse(url: str, dest: str | None, **options: object) -> tuple[core.Descriptor, Policy]:
        return parse_target(url, dest, options, config)

    return parse


def progress_of(options: Mapping[str, object], config: Config) -> Any:
    """Where a call shows its progress; None if it has no option for it.  Raises: RequestError."""
    return shown_by(options, config) if any(name in options for name in _OF_DISPLAY) else None


def shown_by(options: Mapping[str, object], config: Config) -> Any:
    """Where progress is shown: the options of a call over those of a manager.

    Raises: RequestError.
    """
    choice, listener = options.get('progress'), options.get('on_event', config.on_event)
    shown: Any = config.progress if choice is None else unwrap(read_progress('progress', choice))
    if listener is None:
        return shown
    from dlmachine_adapters.progress.display import Listening

    function: Any = unwrap(read_validator('on_event', listener))
    return Listening(function, shown)


def _place(target: Any, path: str | None, dest: DestInput | ToPath, policy: Policy) -> Wanted:
    # The destination of the call, and in it the path of an entry.
    place = policy.dest if dest is None else _destination(dest)
    return _placed(target, place) if path else place


def _destination(dest: DestInput | ToPath) -> Wanted:
    if isinstance(dest, ToPath):
        return dest
    wanted: Wanted = unwrap(parse_destination(destination_of(dest)))
    return wanted


def _placed(item: Any, dest: Wanted) -> Wanted:
    # The path of an entry counts in a folder; in the cache and at a file it has no meaning.
    if not isinstance(dest, ToPath):
        return dest
    folder = dest.path
    if not ends_in_separator(folder) and not os.path.isdir(folder):  # noqa: PTH112 -- in batches
        return dest
    is_nested = '/' in item.path and not item.allow_outside
    if '/' in item.path or not folder.endswith('/'):
        path = os.path.join(folder, item.path)  # noqa: PTH118 -- as above
    else:
        path = f'{folder}{item.path}'
    if is_nested and not is_folder_inside(os.path.dirname(path), folder):  # noqa: PTH120
        from dlmachine.core.manifest.places import ALLOW

        problem = f'leads outside the folder {printable(folder)}, through a link'
        where = f'path {item.path!r} of entry {item.name!r}'
        raise error_for(InvalidInput(where=where, problem=problem, advice=ALLOW))
    # The caller named the folder; the manifest may be another person's.
    return ToPath(path, is_named_by_url=True)


def parse_entry(target: Target, config: Config) -> 'str | core.Descriptor | Item':
    """A target in which a dict is an entry of a manifest, with the defaults of the manager."""
    # Most are entries of a manifest, which have a path.
    if hasattr(target, 'path') or not isinstance(target, Mapping):
        return target  # type: ignore[return-value]  # a mapping has no `path`
    from dlmachine.manifest import make_item

    return make_item(target, config.defaults)


def parse_entries(
    targets: Iterable[Target], config: Config, dest: str | bool | None
) -> Iterable[Any]:
    """The targets of a batch, in which dicts are entries; in a folder each has its own path.

    Raises: RequestError for two entries with one path; of an iterator the second becomes a failure.
    """
    parsed: Iterator[Any] = (parse_entry(one, config) for one in targets)
    is_whole = isinstance(targets, Collection)
    if not isinstance(dest, str):
        return tuple(parsed) if is_whole else parsed
    from dlmachine.core.manifest.clashes import check_clashes, refuse_clashes_in_turn

    return unwrap(check_clashes(tuple(parsed))) if is_whole else refuse_clashes_in_turn(parsed)


def item_of(
    target: Target,
    prepared: 'tuple[core.Descriptor, Policy] | Fault',
    options: Mapping[str, object],
    config: Config,
) -> 'Item':
    """What was prepared for a target, as an entry of a manifest."""
    from dlmachine.core.manifest.item import Item

    if not isinstance(prepared, tuple):
        url = target.url if isinstance(target, Item) else _shown(target, options, config)
        name = target.name if isinstance(target, Item) else url
        return Item(name=name, url=url, fault=prepared)
    descriptor, policy = prepared
    url = shown_url(descriptor)
    name = target.name if isinstance(target, Item) else url
    return Item(name=name, url=url, descriptor=descriptor, policy=policy)


def show_target(target: object, secret_names: Sequence[str]) -> tuple[str, str]:
    """The name and the URL of a target for a report, with secrets masked."""
    from dlmachine.core.manifest.item import Item
    from dlmachine.core.secrets.redact import redact_url

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


def _read(target: object, policy: Policy) -> tuple[Any, Policy, str | None]:
    from dlmachine.core.manifest.item import Item

    if not isinstance(target, Item):
        return target, policy, None  # It is refused later, with its problem.
    if target.descriptor is None:
        fault = InvalidInput(where=target.name, problem='has no descriptor')
        raise error_for(target.fault or fault)
    return target.descriptor, target.policy, target.path


def _describe(
    url: str | core.Descriptor, described: Mapping[str, Any], given: Mapping[str, Any]
) -> core.Descriptor:
    if not described and not given:
        return url if isinstance(url, core.Descriptor) else unwrap(core.Descriptor.parse(url))
    defaults = dict(given)
    if isinstance(url, core.Descriptor):
        return _over(url, described, defaults)
    headers, names = defaults.pop('headers', None), defaults.pop('secret_names', None)
    jar = defaults.get('cookies')
    if jar and described.get('cookies') is not None:
        described = {**described, 'cookies': unwrap(parse_cookies(described['cookies'])).over(jar)}
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
    made = with_defaults(descriptor, defaults.get('headers'), defaults.get('secret_names'))
    lacking = {name: defaults[name] for name in KEY_OPTIONS if defaults.get(name)}
    lacking = {name: names for name, names in lacking.items() if not getattr(made, name)}
    jar = defaults.get('cookies')
    if jar:
        lacking['cookies'] = made.cookies.over(jar) if made.cookies.is_used else jar
    if made.auth == DEFAULT_AUTH and defaults.get('auth') is not None:
        lacking['auth'] = defaults['auth']
    if not made.storage_options and defaults.get('storage_options'):
        lacking['storage_options'] = defaults['storage_options']
    return replace(made, **lacking) if lacking else made
