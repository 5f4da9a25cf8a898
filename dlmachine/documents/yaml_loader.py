"""Load YAML with the core schema of YAML 1.2, and refuse duplicate names.

PyYAML follows YAML 1.1, in which the country code NO is a boolean and 12:30:45 a number.
"""

import re
from typing import Any, Final

import yaml

_RESOLVED: Final = {
    'tag:yaml.org,2002:bool': (r'true|True|TRUE|false|False|FALSE', 'tTfF'),
    'tag:yaml.org,2002:int': (r'[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+', '-+0123456789'),
    'tag:yaml.org,2002:float': (
        r'[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?i:inf))|\.(?i:nan)',
        '-+0123456789.',
    ),
}


class Loader(yaml.SafeLoader):
    """A safe loader with the booleans and numbers of YAML 1.2, and dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- as PyYAML keeps it
        first: [(tag, pattern) for tag, pattern in rows if tag not in _RESOLVED]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002 -- PyYAML's
        """Construct a mapping; a duplicate name is an error."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != 'tag:yaml.org,2002:merge':
                if key.value in seen:
                    problem = f'{key.value!r} occurs twice'
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """Construct an integer; a leading zero does not make it octal."""
        text = node.value.lower()
        if text.startswith(('0o', '0x')):
            return int(text, 0)
        return int(text)


for _tag, (_pattern, _first) in _RESOLVED.items():
    Loader.add_implicit_resolver(_tag, re.compile(rf'(?:{_pattern})$'), list(_first))
Loader.add_constructor('tag:yaml.org,2002:int', Loader.construct_int)
