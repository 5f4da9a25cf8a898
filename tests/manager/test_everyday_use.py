"""Common situations: entries of manifests, `~`, wrong options, and the log."""

import json
import logging
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from returns.result import Success

import dlmachine as dm
from dlmachine.core.faults import InvalidInput, UnknownName
from tests.fixtures import MakeManager, RunCommand
from tests.servers.behaviours import in_turn, raw, resource, respond
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
MANIFEST = """
[defaults]
retries = 0

[[download]]
name = "table"
url = "{0}/t.tsv"
checksum = "sha256:{1}"

[[download]]
url = "{0}/t.tsv"
dest = "{2}/own.tsv"

[[download]]
name = "bad"
url = "{0}/t.tsv"
retires = 1

[[download]]
url = "{0}/t.tsv"
checksum = "sha256:{3}"
"""


@pytest.fixture
def manifest(server: Server, tmp_path: Path) -> str:
    """Four entries: two valid ones, one with a bad option, one with other bytes."""
    from hashlib import sha256

    base = server.on('/t.tsv', resource(BODY)).removesuffix('/t.tsv')
    path = tmp_path / 'm.toml'
    right = sha256(BODY).hexdigest()
    path.write_text(MANIFEST.format(base, right, tmp_path.as_posix(), '0' * 64))
    return str(path)


def test_entries_of_a_manifest_are_downloaded_by_their_own_options(
    make_manager: MakeManager, manifest: str, tmp_path: Path
) -> None:
    """Each with its own options, including a destination; a bad entry does not affect others."""
    manager = make_manager(retries=3)
    entries = dm.unwrap(dm.read_manifest(manifest, manager.policy))
    items = sorted(
        manager.download_many(entries, dest=tmp_path / 'all'), key=lambda item: item.index
    )

    assert [item.ok for item in items] == [True, True, False, False]
    assert [item.input for item in items] == list(entries)
    assert items[0].path == str(tmp_path / 'all' / 't.tsv')
    assert Path(str(items[1].path)) == tmp_path / 'own.tsv'
    assert isinstance(items[2].fault, UnknownName)
    assert items[3].fault is not None
    assert items[3].fault.code == 'digest_mismatch'


def test_an_entry_without_a_dest_uses_the_one_of_the_call(
    make_manager: MakeManager, manifest: str, tmp_path: Path
) -> None:
    """With any default of the manager, and whether or not the manifest was read for it."""
    manager = make_manager(dest=f'{tmp_path}/usual/')
    for base in (None, manager.policy):
        entry = dm.unwrap(dm.read_manifest(manifest, base))[0]
        for item in manager.download_many([entry], dest=tmp_path / 'said'):
            assert item.path == str(tmp_path / 'said' / 't.tsv')


def test_an_entry_is_planned_and_fetched_like_any_target(
    make_manager: MakeManager, manifest: str
) -> None:
    """With the options of a call over its own; a bad entry raises."""
    manager = make_manager()
    good, _, bad, _ = dm.unwrap(dm.read_manifest(manifest, manager.policy))

    assert manager.plan(good, False).policy.checksum is not None
    assert manager.plan(good, False, timeout=5).policy.retries == 0
    assert manager.fetch(good, False).content.read() == BODY  # type: ignore[union-attr]
    with pytest.raises(dm.RequestError, match='retires'):
        manager.fetch(bad)


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        ({'retires': 5}, "unknown option 'retires'. Did you mean 'retries'"),
        ({'path': 'c'}, "unknown option 'path'. It is an option of DownloadManager"),
        ({'retries': -1}, 'retries must be from 0 to 1,000, not -1'),
        ({'headers': ['none']}, r'headers\[0\] has no colon'),
        ({'workers': 0}, 'workers must be from 1 to 256, not 0'),
        ({'workers': 'x'}, "workers must be from 1 to 256, not 'x'"),
        ({'executor': 5}, 'executor must be an executor, not 5'),
        ({'executor': ProcessPoolExecutor}, 'executor must be an executor, not '),
        ({'targets': None}, 'targets must be iterable, not NoneType'),
        ({'targets': 'http://h/'}, 'targets must be a list, not one download'),
        (
            {'targets': Success(())},
            r'targets must be a list, not Success. Pass dm\.unwrap\(targets\)',
        ),
    ],
)
def test_a_mistake_about_the_entire_batch_raises_at_once(
    make_manager: MakeManager, words: dict[str, Any], text: str
) -> None:
    """Not once for each item."""
    given: dict[str, Any] = {'targets': ['http://127.0.0.1:9/x'], **words}
    with pytest.raises(dm.RequestError, match=text):
        make_manager().download_many(**given)


def test_tilde_is_expanded_as_in_shells(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a destination and in the cache folder; a tilde inside a name stays."""
    monkeypatch.setenv('HOME', str(tmp_path))
    url, manager = server.on('/t.tsv', resource(BODY)), make_manager()

    assert manager.download(url, '~/a.tsv') == str(tmp_path / 'a.tsv')
    assert manager.download(url, Path('~/b/')) == str(tmp_path / 'b')
    assert manager.download(url, '~/c/') == str(tmp_path / 'c' / 't.tsv')
    assert [item.path for item in manager.download_many([url], '~/d')] == [
        str(tmp_path / 'd' / 't.tsv')
    ]
    assert manager.download(url, tmp_path / 'x~y') == str(tmp_path / 'x~y')
    with pytest.raises(dm.RequestError):
        manager.download(url, '~\0/x')


def test_unwrap_returns_the_value_or_raises(make_manager: MakeManager, server: Server) -> None:
    """For a plan, an execution, and a file."""
    url, manager = server.on('/t.tsv', resource(BODY)), make_manager()
    gone = server.on('/gone', respond(410))
    with manager.adapters() as world:
        for address in (url, gone):
            target, policy = dm.Descriptor(address), replace(dm.Policy(), retries=0)
            plan = dm.unwrap(dm.plan(target, policy, world.observe(target, policy)))
            done = dm.execute(plan, world)
            if address == url:
                assert dm.unwrap(done).content.read() == BODY  # type: ignore[union-attr]
            else:
                with pytest.raises(dm.NotFoundError, match='410'):
                    dm.unwrap(done)
        offline = replace(policy, offline=True)
        with pytest.raises(dm.OfflineMissError, match='offline'):
            dm.unwrap(dm.plan(target, offline, world.observe(target, offline)))
    with pytest.raises(dm.RequestError, match='nothing'):
        dm.unwrap(dm.read_manifest('nothing.toml'))


def test_the_log_names_what_it_is_about(
    make_manager: MakeManager, server: Server, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The decision, the result or the failure, each with its URL; without secrets."""
    caplog.set_level(logging.INFO, 'dlmachine')
    url = server.on('/t.tsv', resource(BODY))
    gone = server.on('/gone', respond(404))
    manager = make_manager(path=tmp_path / 'cache', retries=0)
    outcome = manager.fetch(f'{url}?token=s3cret')
    manager.fetch(f'{url}?token=s3cret')
    with pytest.raises(dm.NotFoundError):
        manager.fetch(f'{gone}?token=s3cret')
    reported = [record.getMessage() for record in caplog.records]

    assert reported[:-2] == [
        f'fetch {url}?token=***: the file is not in the cache',
        f'got {url}?token=***: {len(BODY)} bytes into {outcome.path}',
        f'use cached {url}?token=***: the cache has a usable version',
        f'fetch {gone}?token=***: the file is not in the cache',
    ]
    assert reported[-2].startswith(f'GET {gone}?token=*** with ')
    assert reported[-2].endswith(': 404')
    assert reported[-1].startswith(f'failed {gone}?token=***: the server answered 404')


def test_the_log_has_the_decision_that_counts(
    make_manager: MakeManager, server: Server, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A part is found with the lock held, so the decision is logged then."""
    caplog.set_level(logging.INFO, 'dlmachine')
    body = bytes(range(256)) * 4096
    head = f'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: {len(body)}\r\n\r\n'
    broken = raw(head.encode(), body[:500_000], ends='close')
    url = server.on('/x', in_turn(broken, resource(body, etag='"v1"')))
    manager = make_manager(tmp_path, retries=0)
    with pytest.raises(dm.DownloadError):
        manager.download(url)
    manager.download(url)

    decisions = [record.getMessage() for record in caplog.records if ': ' in record.getMessage()]
    assert decisions[0] == f'fetch {url}: the file is not in the cache'
    assert decisions[-2] == f'resume {url}: an earlier download of this file can be resumed'


@dataclass(frozen=True, kw_only=True)
class TeamPolicy(dm.Policy):
    """A policy with an additional field."""

    team: str = ''


def test_a_plan_of_a_policy_with_more_in_it_can_be_read_back(make_manager: MakeManager) -> None:
    """Its JSON has the fields of Policy; a pickle has all."""
    target, policy = dm.Descriptor('http://127.0.0.1:9/x'), TeamPolicy(retries=1, team='genes')
    with make_manager().adapters() as world:
        plan = dm.unwrap(dm.plan(target, policy, world.observe(target, policy)))
    read = dm.unwrap(dm.Plan.from_json(plan.to_json()))

    assert (type(read.policy), read.policy.retries) == (dm.Policy, 1)
    assert pickle.loads(pickle.dumps(plan)) == plan


# --- the command line -----------------------------------------------------------------


def test_a_manifest_is_downloaded_from_the_command_line(
    run: RunCommand, manifest: str, tmp_path: Path
) -> None:
    """`get` downloads what `audit` lists; each failure is reported with its name."""
    done = run('get', '-i', manifest, '--dir', 'all')

    assert done.returncode == 12, done.stderr
    assert (tmp_path / 'work' / 'all' / 't.tsv').read_bytes() == BODY
    assert (tmp_path / 'own.tsv').read_bytes() == BODY
    assert "bad: unknown option 'retires'" in done.stderr
    assert '2 downloaded, 2 failed\n' in done.stderr


def test_lists_are_read_in_one_way(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """By `get` and by `audit`: a `#` starts a comment."""
    url = server.on('/t.tsv', resource(BODY))
    (tmp_path / 'work' / 'list.txt').write_text(f'# two\n{url}  # one\n\nnonsense\n')
    done = run('get', '-i', 'list.txt', '-d', 'd')

    assert done.stdout == 'd/t.tsv\n'
    assert "error: list.txt, line 4: url 'nonsense' has no scheme" in done.stderr
    assert 's3cret' not in run('get', 'me:s3cret@h/x').stderr
    (tmp_path / 'work' / 'empty.txt').write_text('# none\n')
    assert run('get', '-i', 'empty.txt').returncode == 2


@pytest.mark.parametrize(
    ('words', 'environ', 'place'),
    [
        ([], {}, 'folder ./, named by the response'),
        (['-d', 'sub'], {}, 'folder sub/'),
        (['-o', 'x.tsv'], {}, 'x.tsv'),
        (['--cache', 'c'], {}, 'cache {work}/c'),
        ([], {'DLMACHINE_CACHE_DIR': 'c2'}, 'cache {work}/c2'),
        (['-d', 'sub'], {'DLMACHINE_CACHE_DIR': 'c2'}, 'folder sub/'),
    ],
)
def test_a_plan_shows_where_get_writes(
    run: RunCommand,
    server: Server,
    tmp_path: Path,
    words: list[str],
    environ: dict[str, str],
    place: str,
) -> None:
    """The same options, the same path; the plan creates nothing."""
    url = server.on('/t.tsv', resource(BODY))
    reported = run('plan', url, *words, **environ)
    dry = run('get', '--dry-run', url, *words, **environ)
    assert (reported.stdout, reported.returncode) == (dry.stdout, 0)
    assert place.format(work=tmp_path / 'work') in reported.stdout
    assert list((tmp_path / 'work').iterdir()) == []
    done = run('get', url, *words, **environ)

    assert (tmp_path / 'work' / done.stdout.strip()).read_bytes() == BODY
    if environ:
        inside = 'sub/' if words else f'{tmp_path}/work/c2/'
        assert done.stdout.startswith(inside)


def test_two_destinations_are_refused_by_both(run: RunCommand) -> None:
    """Before anything else happens."""
    for command in ('plan', 'get'):
        done = run(command, 'http://127.0.0.1:9/x', '--cache', 'c', '-d', 'd')
        assert (done.returncode, '--cache excludes' in done.stderr) == (2, True)


def test_an_unknown_variable_is_reported(run: RunCommand, server: Server) -> None:
    """As a warning, because other programs may use it."""
    done = run('get', server.on('/t.tsv', resource(BODY)), DLMACHINE_RETIRES='2')

    assert done.returncode == 0
    assert done.stderr == (
        'warning: unknown environment variable DLMACHINE_RETIRES is not used;'
        ' did you mean DLMACHINE_RETRIES?\n'
    )


def test_invalid_input_of_a_batch_names_what_it_is_about(make_manager: MakeManager) -> None:
    """The item has it, so that the fault can be reported."""
    (item,) = make_manager().download_many(['nonsense'])

    assert item.input == 'nonsense'
    assert isinstance(item.fault, InvalidInput)


def test_urls_and_descriptors_can_be_audited(make_manager: MakeManager, server: Server) -> None:
    """Under the policy that is passed; with the manager's own, it is what the manager would do."""
    manager = make_manager(offline=True)
    urls: list[str | dm.Descriptor] = [
        server.on('/t.tsv', resource(BODY)),
        dm.Descriptor('http://127.0.0.1:9/x'),
        'nonsense',
    ]
    with manager.adapters() as world:
        free = [row.status.value for row in dm.audit(urls, world)]
        bound = [row.status.value for row in dm.audit(urls, world, manager.policy)]
        assert free == ['missing', 'missing', 'would-fail']
        assert bound == ['would-fail'] * 3
        for wrong in ('http://h/', dm.Descriptor('http://h/'), dm.read_manifest('no.toml')):
            with pytest.raises(dm.RequestError, match='must be a list'):
                dm.audit(wrong, world)  # type: ignore[arg-type]


def test_a_result_instead_of_a_plan_is_refused(make_manager: MakeManager) -> None:
    """The error says what to do."""
    target, policy = dm.Descriptor('http://127.0.0.1:9/x'), dm.Policy()
    with make_manager().adapters() as world:
        made: Any = dm.plan(target, policy, world.observe(target, policy))
        with pytest.raises(dm.RequestError, match=r'plan is a Result. .*dm.unwrap'):
            dm.unwrap(dm.execute(made, world))


def test_a_manager_belongs_to_its_process(make_manager: MakeManager) -> None:
    """It cannot be pickled, and the error says what to do instead."""
    with pytest.raises(TypeError, match='make one where it is needed'):
        pickle.dumps(make_manager())
    with pytest.raises(dm.RequestError, match='Pass path= or pkg= to DownloadManager'):
        make_manager().open('http://127.0.0.1:9/x')


def test_settings_are_shown_as_they_can_be_written(run: RunCommand) -> None:
    """As in a file of options, or as JSON."""
    reported = run('config').stdout
    shown = json.loads(run('config', '--json').stdout)

    [line] = [line.split() for line in reported.splitlines() if line.startswith('check_method')]

    assert line == ['check_method', 'auto', '(default)']
    assert shown['check_method'] == {'value': 'auto', 'source': 'default'}
    assert shown['progress'] == {'value': 'True', 'source': 'default'}


def test_without_a_terminal_the_option_is_named(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """A script has no terminal; an answer from a pipe counts."""
    url = server.on('/t.tsv', resource(BODY))
    path = tmp_path / 'work' / run('get', url, '--cache', 'c').stdout.strip()
    done = run('cache', 'rm', url, '--cache', 'c')

    assert (done.returncode, 'pass --yes' in done.stderr, path.exists()) == (2, True, True)
    assert run('cache', 'rm', url, '--cache', 'c', '--yes').returncode == 0
    assert not path.exists()


def test_a_missing_cache_folder_is_reported(run: RunCommand, tmp_path: Path) -> None:
    """It may be mistyped, which differs from an empty cache; a configured one may come later."""
    (tmp_path / 'work' / 'c.toml').write_text('path = "later"')
    done = run('cache', 'ls', '--cache', 'nocache')

    assert (done.returncode, done.stdout) == (3, '')
    assert f'{tmp_path}/work/nocache: there is no such folder' in done.stderr
    done = run('cache', 'ls', '--config', 'c.toml')
    assert (done.returncode, done.stdout) == (0, '')
    assert done.stderr.splitlines() == [
        f'note: there is no folder {tmp_path}/work/later',
        '0 versions, 0 B',
    ]


def test_answering_no_removes_nothing(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """The command ends normally."""
    url = server.on('/t.tsv', resource(BODY))
    path = tmp_path / 'work' / run('get', url, '--cache', 'c').stdout.strip()
    for said in ('n\n', 'no\n', '\n'):
        done = run('cache', 'rm', url, '--cache', 'c', said=said)
        assert (done.returncode, path.exists()) == (0, True)
        assert done.stderr.endswith('nothing removed\n')
    assert run('cache', 'rm', url, '--cache', 'c', said='y\n').returncode == 0
    assert not path.exists()


@pytest.mark.parametrize('encoding', ['ascii', 'cp1252', 'utf-8'])
def test_any_output_can_be_written_to(
    run: RunCommand, server: Server, tmp_path: Path, encoding: str
) -> None:
    """Characters that its encoding lacks are escaped, and the download succeeds."""
    url, name = server.on('/t.tsv', resource(BODY)), 'Δ-数.tsv'
    env = {'PYTHONIOENCODING': encoding, 'PYTHONUTF8': '0'}
    done = run('get', url, '-o', name, **env)

    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.endswith('.tsv\n')
    assert (tmp_path / 'work' / name).read_bytes() == BODY
    reported = run('get', url, '-o', name, '--json', **env)
    assert json.loads(reported.stdout)['path'] == name
    assert run('plan', url, '-o', name, **env).returncode == 0
    Path(tmp_path, 'work', 'm.json').write_text(json.dumps({name: {'url': url}}))
    assert run('audit', 'm.json', **env).returncode == 0
    assert run('get', url, '--cache', f'c-{name}', **env).returncode == 0
    assert run('cache', 'ls', '--cache', f'c-{name}', **env).returncode == 0
