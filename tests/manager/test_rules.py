"""Options for some URLs: rules in files and in Python."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import dlmachine as dm
from dlmachine.cli import group
from tests.servers.behaviours import resource
from tests.servers.http import Server

SITE = 'https://*.ensembl.org/**'
RULES: list[dict[str, Any]] = [
    {'match': SITE, 'retries': 7, 'headers': {'X-Site': 'ensembl'}},
    {'match': 'https://rest.ensembl.org/**', 'retries': 8, 'rate': '15/s'},
]
REST, OTHER = 'https://rest.ensembl.org/x', 'https://example.org/x'


def test_a_later_rule_counts_more_and_a_call_most(tmp_path: Path) -> None:
    """The manager's own options count less than any rule."""
    with dm.DownloadManager(retries=2, rules=RULES, headers={'X-All': '1'}) as manager:
        descriptor, policy = manager.prepare(REST)
        assert (policy.retries, str(policy.rate)) == (8, '15/s')
        assert dict(descriptor.headers) == {'X-Site': 'ensembl', 'X-All': '1'}
        assert manager.prepare('https://www.ensembl.org/')[1].retries == 7
        assert manager.prepare(OTHER)[1].retries == 2
        assert dict(manager.prepare(OTHER)[0].headers) == {'X-All': '1'}
        descriptor, policy = manager.prepare(REST, retries=0, headers={'X-Site': 'mine'})
        assert (policy.retries, descriptor.headers.get('x-site')) == (0, 'mine')
        assert manager.prepare(dm.Descriptor(REST))[1].retries == 8
        assert manager.prepare({'url': REST, 'timeout': 9})[1].retries == 8
        assert manager.prepare({'url': REST, 'retries': 1})[1].retries == 1
        assert manager.prepare(REST, tmp_path / 'x')[1].retries == 8


def test_rules_of_a_manifest(tmp_path: Path) -> None:
    """An entry has the options of the rules for its URL, below its own and those of its manifest."""
    path = tmp_path / 'm.toml'
    path.write_text(
        f'[defaults]\ntimeout = 5\nretries = 4\n[[download]]\nurl = "{REST}"\n'
        f'[[download]]\nurl = "{OTHER}"\nretries = 1\n'
    )
    with dm.DownloadManager(rules=[*RULES, {'match': '*://**', 'max_per_host': 3}]) as manager:
        first, second = dm.unwrap(dm.read_manifest(path, manager.config.defaults))
    assert (first.policy.retries, str(first.policy.rate)) == (4, '15/s')
    assert first.descriptor is not None
    assert first.descriptor.headers.get('X-Site') == 'ensembl'
    assert (second.policy.retries, second.policy.rate, second.policy.max_per_host) == (1, None, 3)


def test_rules_in_files(tmp_path: Path) -> None:
    """Tables `[[rule]]`; those of the user's file come first, and paths are relative to the file."""
    (tmp_path / 'ca.pem').write_text('')
    user, own = tmp_path / 'user.toml', tmp_path / 'own.toml'
    user.write_text(f'[[rule]]\nmatch = "{SITE}"\nretries = 1\ntimeout = 50\n')
    own.write_text(f'[[dlmachine.rule]]\nmatch = "{SITE}"\nretries = 5\ncainfo = "ca.pem"\n')
    from dlmachine.config import load_config

    config = load_config(own, {'rules': [{'match': SITE, 'rate': '1/s'}]}, {}, user).unwrap()
    found = config.defaults.at(REST).unwrap()
    assert (found.policy.retries, found.policy.timeout and found.policy.timeout.seconds) == (5, 50)
    assert found.described['cainfo'] == str(tmp_path / 'ca.pem')
    assert str(found.policy.rate) == '1/s'
    assert found.policy.rules == (
        f'{SITE} (rule 1 of file {user})',
        f'{SITE} (rule 1 of file {own})',
        f'{SITE} (rule 1)',
    )


def test_plans_and_settings_name_the_rule() -> None:
    """The plan of a download, and the settings for a URL."""
    with dm.DownloadManager(rules=RULES) as manager:
        text = str(manager.plan(REST))
        settings = {one.name: one for one in dm.unwrap(manager.config.at(REST))}
    assert f'  rule         {SITE} (rule 1)\n' in text
    assert '  rule         https://rest.ensembl.org/** (rule 2)\n' in text
    assert settings['retries'].value == 8
    assert settings['retries'].source == 'rule https://rest.ensembl.org/** (rule 2)'
    assert settings['timeout'].source == 'default'


def test_config_for_a_url(tmp_path: Path) -> None:
    """`dlmachine config --for URL`; without it, the patterns of the rules."""
    file = tmp_path / 'c.toml'
    file.write_text(
        f'[[rule]]\nmatch = "{SITE}"\nretries = 7\nheaders = ["Authorization: s3cret"]\n'
    )
    run = CliRunner().invoke
    shown = run(group, ['config', '--config', str(file), '--for', REST, '--json'])
    found = json.loads(shown.stdout)
    assert found['retries']['value'] == '7'
    assert SITE in found['retries']['source']
    listed = run(group, ['config', '--config', str(file)])
    assert SITE in listed.stdout
    assert 's3cret' not in shown.output + listed.output
    assert 'note:' not in shown.stderr + listed.stderr
    bad = run(group, ['config', '--config', str(file), '--for', 'nothing'])
    assert bad.exit_code == 2
    assert 'has no scheme' in bad.output


def test_config_notes_rules_that_do_not_match(tmp_path: Path) -> None:
    """No URL at all, or not the one that is asked about."""
    file = tmp_path / 'c.toml'
    matches = ('htps://h/**', 'https://other.org/**', '*://**')
    file.write_text(''.join(f'[[rule]]\nmatch = "{one}"\nretries = 7\n' for one in matches))
    run = CliRunner().invoke
    shown = run(group, ['config', '--config', str(file), '--for', REST, '--json'])
    listed = run(group, ['config', '--config', str(file)])

    source = f'(rule {{}} of file {file})'
    never = f'note: rule htps://h/** {source.format(1)} matches no URL: no installed backend supports htps'
    other = f'note: rule https://other.org/** {source.format(2)} does not match this URL'
    assert shown.stderr.splitlines() == [never, other]
    assert listed.stderr.splitlines() == [never]
    assert json.loads(shown.stdout)['retries']['value'] == '7'


@pytest.mark.parametrize(
    ('rules', 'message'),
    [
        ('https://h/**', 'rules must be a list of rules, not str'),
        ({'match': SITE}, 'rules must be a list of rules, not dict'),
        (['x'], 'rule 1 must be options with a pattern of URLs'),
        ([{'retries': 3}], 'rule 1 must be options with a pattern of URLs'),
        ([{'match': 'h/**'}], "match (rule 1) 'h/**' has no scheme"),
        ([RULES[0], {'match': SITE, 'retires': 3}], "unknown option 'retires' in rule 2"),
        ([{'match': SITE, 'path': 'x'}], "unknown option 'path' in rule 1"),
        ([{'match': SITE, 'retries': -1}], 'retries (rule 1)'),
        ([{'match': SITE, 'headers': {'Content-Length': '5'}}], '(rule 1)'),
    ],
)
def test_a_bad_rule_is_refused(rules: Any, message: str) -> None:
    """When the manager is made, with the number of the rule."""
    with pytest.raises(dm.RequestError) as caught:
        dm.DownloadManager(rules=rules)
    assert message in str(caught.value)


def test_rules_that_contradict_each_other() -> None:
    """The message names the rule that does not fit."""
    with dm.DownloadManager(
        rules=[
            {'match': SITE, 'max_bytes': 10},
            {'match': SITE, 'min_bytes': 20},
        ]
    ) as manager:
        with pytest.raises(dm.RequestError, match=r'rule 2'):
            manager.prepare(REST)
        manager.prepare(OTHER)


def test_with_options_adds_rules() -> None:
    """Its rules come after those of the manager."""
    with dm.DownloadManager(rules=RULES) as manager:
        other = manager.with_options(rules=[{'match': SITE, 'retries': 9}])
        assert other.prepare(REST)[1].retries == 9
        assert str(other.prepare(REST)[1].rate) == '15/s'
        assert manager.prepare(REST)[1].retries == 8
        changed = manager.with_options(headers={'X-Own': '1'})
        assert set(changed.prepare(REST)[0].headers) == {('X-Site', 'ensembl'), ('X-Own', '1')}


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_a_rule_is_obeyed(tmp_path: Path, backend: str) -> None:
    """The header of a rule is sent to its site alone, and a stored copy is asked about."""
    with Server() as server:
        one = server.on('/a/x', resource(b'x', etag='"1"'))
        two = server.on('/b/x', resource(b'x', etag='"1"'))
        site = one.removesuffix('x') + '**'
        rule = {'match': site, 'freshness': 'always', 'headers': {'X-Rule': 'yes'}}
        with dm.DownloadManager(tmp_path, backend=backend, rules=[rule], progress=False) as manager:
            for url in (one, two, one, two):
                manager.download(url)
        sent = [(asked.target, asked.get('X-Rule')) for asked in server.asked]
    assert sent == [('/a/x', 'yes'), ('/b/x', None), ('/a/x', 'yes')]


def test_the_limits_of_the_documents_are_rules() -> None:
    """Each is a rule that matches a URL of its service."""
    page = Path(__file__).parents[2] / 'docs' / 'how-to' / 'rules-for-sites.md'
    written = page.read_text(encoding='utf-8').partition('```toml\n')[2].partition('```')[0]
    with dm.DownloadManager(rules=tomllib.loads(written)['rule']) as manager:
        for url, rate in (
            ('https://eutils.ncbi.nlm.nih.gov/entrez/eutils/efetch.fcgi?db=gene', '3/s'),
            ('https://rest.kegg.jp/get/hsa:7157', '3/s'),
            ('https://rest.ensembl.org/info/ping', '55000/h'),
            ('https://rest.uniprot.org/uniprotkb/P04637.json', 'None'),
            ('https://www.ebi.ac.uk/proteins/api/proteins/P04637', '200/s'),
            ('https://zenodo.org/records/1/files/x.csv', '2000/h'),
        ):
            policy = manager.prepare(url)[1]
            assert str(policy.rate) == rate
            assert len(policy.rules) == 1
