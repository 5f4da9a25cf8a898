"""The defaults of requests: those of a manager, and rules over them for some URLs.

A rule has a pattern of URLs and options: `{'match': 'https://*.example.org/**', 'rate': '3/s'}`.
The rules that match apply in their order: a later one overrides an earlier one, and the keywords of
a call override every rule.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import partial
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.headers import parse_headers
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.sources.address import find_source
from dlmachine.core.spec.option_table import OPTIONS
from dlmachine.core.spec.options import own_name, parse_policy, unknown_name
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.url_pattern import UrlPattern, parse_pattern
from dlmachine.options.described import read_described, refuse_everywhere
from dlmachine.options.lists import DESCRIBED_NAMES
from dlmachine.paths import settle_words

_MATCH: Final = 'match'
#: The names in a rule.
RULE_NAMES: Final = (_MATCH, *OPTIONS, *DESCRIBED_NAMES)
_EXAMPLE: Final = "Write it like {'match': 'https://*.example.org/**', 'rate': '3/s'}"


@frozen
class Rule:
    """Options for the URLs that match a pattern, or for all URLs without one.

    `handled` are options of a Policy, `described` parsed keywords of a Descriptor, and `source`
    says where the rule is written.
    """

    pattern: UrlPattern | None
    handled: Mapping[str, object] = field(repr=False)
    described: Mapping[str, Any] = field(repr=False)
    source: str = ''

    def __str__(self) -> str:
        """The pattern, and where it is written."""
        text = '' if self.pattern is None else self.pattern.text
        return f'{text} ({self.source})' if self.source else text

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its options."""
        return (*(own_name(name) for name in self.handled), *self.described)

    def matches(self, url: Url) -> bool:
        """Whether it applies to a URL."""
        return self.pattern is None or self.pattern.matches(url)


@frozen
class Defaults:
    """The defaults of a request: a policy, keywords of its descriptor, and rules over both."""

    policy: Policy = Policy()
    described: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rules: tuple[Rule, ...] = ()
    #: What `at` found, by the positions of the rules that matched.
    _known: dict[tuple[int, ...], 'Defaults'] = field(
        default_factory=dict, compare=False, repr=False
    )

    def at(self, url: object) -> 'Result[Defaults, Fault]':
        """The defaults for a URL, without rules: those that match it are applied.

        Faults: `InvalidInput` if the options of several rules contradict each other.
        """
        parsed = parse_url(url) if self.rules else None
        if parsed is None or not is_successful(parsed):
            return Success(self)  # A bad URL is refused later.
        matching = self.matching(self._requested(parsed.unwrap()))
        known = self._known.get(matching)
        if known is not None:
            return Success(known)
        policy, described = self.policy, self.described
        for position in matching:
            rule = self.rules[position]
            changed = parse_policy(rule.handled, policy)
            if not is_successful(changed):
                return Failure(_at(changed.failure(), str(rule)))
            policy, described = changed.unwrap(), merge_described(described, rule.described)
        spoken = tuple(str(self.rules[one]) for one in matching if self.rules[one].pattern)
        found = Defaults(policy=replace(policy, rules=spoken), described=described)
        self._known[matching] = found
        return Success(found)

    def _requested(self, url: Url) -> Url:
        # For a DOI, the rules of its repository count.
        source = find_source(str(url), self.policy.repositories)
        if source is None:
            return url
        from dlmachine.core.sources.inquiry import begin

        return parse_url(begin(source).url).unwrap()

    def matching(self, url: Url) -> tuple[int, ...]:
        """The positions of the rules that match a URL."""
        return tuple(place for place, rule in enumerate(self.rules) if rule.matches(url))

    def sources(self, url: Url) -> dict[str, str]:
        """The options that rules set for a URL, each with the rule that counts."""
        rules = (self.rules[one] for one in self.matching(url))
        return {name: f'rule {rule}' for rule in rules for name in rule.names}

    def value(self, name: str) -> Any:
        """The value of an option or keyword; None for other names."""
        option = OPTIONS.get(name)
        if option is None:
            return self.described.get(name)
        outer, _, inner = option.field.partition('.')
        value = getattr(self.policy, outer)
        return getattr(value, inner) if inner else value

    def over(
        self, handled: Mapping[str, object], described: Mapping[str, Any]
    ) -> 'Result[Defaults, Fault]':
        """These defaults with options that override every rule.

        Faults: those of `parse_policy`.
        """
        policy = parse_policy(handled, self.policy)
        if not self.rules or not is_successful(policy):
            return policy.map(
                lambda found: Defaults(policy=found, described={**self.described, **described})
            )
        last = Rule(pattern=None, handled=handled, described=described)
        return Success(replace(self, rules=(*self.rules, last), _known={}))


def parse_rules(
    given: object, source: str, folder: str = os.curdir
) -> Result[tuple[Rule, ...], Fault]:
    """Parse rules; `source` is where they are written, and paths are relative to `folder`.

    Faults: `InvalidInput` and `UnknownName`, which name the rule.

    >>> (rule,) = parse_rules([{'match': '*://h/**', 'retries': 9}], '').unwrap()
    >>> Defaults(rules=(rule,)).at('http://h/x').unwrap().policy.retries
    9
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        return refuse('rules', f'must be a list of rules, not {type(given).__name__}', _EXAMPLE)
    rules: list[Rule] = []
    for number, one in enumerate(given, 1):
        where = f'rule {number} of {source}' if source else f'rule {number}'
        rule = _parse_rule(one, where, folder)
        if not is_successful(rule):
            return Failure(rule.failure())
        rules.append(rule.unwrap())
    return Success(tuple(rules))


def merge_described(lower: Mapping[str, Any], higher: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a descriptor over others; header fields, secret names and cookies are added."""
    merged = {**lower, **higher}
    if lower.get('headers') and higher.get('headers'):
        own = parse_headers(higher['headers']).unwrap()
        merged['headers'] = own.with_defaults(*parse_headers(lower['headers']).unwrap())
    if lower.get('secret_names') and higher.get('secret_names'):
        merged['secret_names'] = tuple(sorted({*lower['secret_names'], *higher['secret_names']}))
    if lower.get('cookies') and higher.get('cookies'):
        merged['cookies'] = higher['cookies'].over(lower['cookies'])
    return merged


def _parse_rule(given: object, where: str, folder: str) -> Result[Rule, Fault]:
    if not isinstance(given, Mapping) or given.get(_MATCH) is None:
        return refuse(where, 'must be options with a pattern of URLs, named match', _EXAMPLE)
    pattern = parse_pattern(given[_MATCH], f'match ({where})')
    if not is_successful(pattern):
        return Failure(pattern.failure())
    handled: dict[str, object] = {}
    described: dict[str, Any] = {}
    for given_name, value in settle_words(given, folder, allow_outside=True).unwrap().items():
        name = own_name(given_name)
        if name in OPTIONS:
            handled[given_name] = value
        elif name in DESCRIBED_NAMES:
            read = read_described(name, value)
            if not pattern.unwrap().names_host:
                read = read.bind(partial(refuse_everywhere, name))
            if not is_successful(read):
                return Failure(_at(read.failure(), where))
            described[name] = read.unwrap()
        elif name != _MATCH:
            return Failure(unknown_name(given_name, RULE_NAMES, where))
    checked = parse_policy(handled)
    if not is_successful(checked):
        return Failure(_at(checked.failure(), where))
    return Success(
        Rule(pattern=pattern.unwrap(), handled=handled, described=described, source=where)
    )


def _at(fault: Fault, where: str) -> Fault:
    if isinstance(fault, InvalidInput):
        return replace(fault, where=f'{fault.where} ({where})')
    return fault
