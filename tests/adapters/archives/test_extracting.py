"""Archives as folders: what appears, what is refused, what is found again, and what a kill leaves."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.archives.extraction import RECORD_NAME
from tests.adapters.archives.test_opening import BYTES, put, tarred, zipped

KINDS = {
    'data.zip': zipped,
    'data.tar': tarred,
    'data.tar.gz': lambda **members: tarred('w:gz', **members),
}


@pytest.fixture(params=KINDS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An archive of three files, of each kind."""
    pack: Callable[..., bytes] = KINDS[request.param]
    data = pack(d__a_tsv=BYTES, d__e__b_txt=b'b', c_txt=b'')
    return put(tmp_path / request.param, data)


def tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder, without the record."""
    found = (path for path in folder.rglob('*') if path.is_file() and path.name != RECORD_NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_files_appear_together(archive: str, tmp_path: Path) -> None:
    """With nothing else left behind."""
    before = {*os.listdir(tmp_path)}

    done = dm.extract(archive, tmp_path / 'out')

    assert tree(tmp_path / 'out') == {'d/a.tsv': BYTES, 'd/e/b.txt': b'b', 'c.txt': b''}
    assert done.folder == str(tmp_path / 'out')
    assert done.files == done.restored
    assert [*map(os.path.exists, done.files)] == [True] * 3
    assert {*os.listdir(tmp_path)} - before == {'out'}


def test_a_second_time_writes_nothing(archive: str, tmp_path: Path) -> None:
    """The files are looked at, not unpacked."""
    dm.extract(archive, tmp_path / 'out')
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')}

    done = dm.extract(archive, tmp_path / 'out', deep=True)

    assert (len(done.files), done.restored) == (3, ())
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')} == before


def test_the_record_is_synced_before_the_folder_appears(
    archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power failure it says what is to be restored; here a file has lost its bytes."""
    steps: list[str] = []
    for name in ('fsync', 'rename'):
        call: Callable[..., None] = getattr(os, name)

        def noted(*given: Any, name: str = name, call: Callable[..., None] = call) -> None:
            steps.append(name)
            call(*given)

        monkeypatch.setattr(os, name, noted)
    folder = Path(dm.extract(archive, tmp_path / 'out').folder)
    monkeypatch.undo()
    assert steps == ['fsync', 'rename']

    lost = folder / 'd/e/b.txt'
    before = lost.read_bytes()
    lost.write_bytes(b'')
    assert dm.extract(archive, folder).restored == (str(lost),)
    assert lost.read_bytes() == before


def test_what_is_missing_is_restored(archive: str, tmp_path: Path) -> None:
    """And other files of the user stay."""
    dm.extract(archive, tmp_path / 'out')
    (tmp_path / 'out/d/a.tsv').unlink()
    (tmp_path / 'out/own.txt').write_text('mine')

    done = dm.extract(archive, tmp_path / 'out')

    assert done.restored == (str(tmp_path / 'out/d/a.tsv'),)
    assert tree(tmp_path / 'out') == {
        'd/a.tsv': BYTES, 'd/e/b.txt': b'b', 'c.txt': b'', 'own.txt': b'mine',
    }  # fmt: skip
    assert dm.extract(archive, tmp_path / 'out', deep=True).restored == ()


def quarantined(folder: Path) -> list[bytes]:
    """The contents of the files in quarantine."""
    found = folder.glob('.dlmachine/quarantine/*')
    return [path.read_bytes() for path in sorted(found) if path.suffix != '.json']


def test_what_was_changed_is_restored_and_kept(archive: str, tmp_path: Path) -> None:
    """It is found by its size, or by its digest if the time of change was put back."""
    dm.extract(archive, tmp_path / 'out')
    changed = tmp_path / 'out/d/e/b.txt'
    seen = changed.stat()
    changed.write_bytes(b'x')
    os.utime(changed, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    assert dm.extract(archive, tmp_path / 'out').restored == ()
    assert quarantined(tmp_path) == []
    done = dm.extract(archive, tmp_path / 'out', deep=True)
    assert done.restored == (str(changed),)
    assert changed.read_bytes() == b'b'
    assert quarantined(tmp_path) == [b'x']
    changed.write_bytes(b'')
    assert dm.extract(archive, tmp_path / 'out').restored == (str(changed),)
    assert sorted(quarantined(tmp_path)) == [b'', b'x']


def test_a_touched_file_is_as_it_was(archive: str, tmp_path: Path) -> None:
    """Another time is not another file."""
    dm.extract(archive, tmp_path / 'out')
    os.utime(tmp_path / 'out/c.txt', (0, 0))

    assert dm.extract(archive, tmp_path / 'out').restored == ()


def test_a_new_archive_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Unless something in the folder is the user's."""
    path = put(tmp_path / 'data.zip', zipped(a=b'1', b=b'1'))
    dm.extract(path, tmp_path / 'out')
    put(tmp_path / 'data.zip', zipped(a=b'2', c=b'2'))

    dm.extract(path, tmp_path / 'out')

    assert tree(tmp_path / 'out') == {'a': b'2', 'c': b'2'}
    put(tmp_path / 'data.zip', zipped(d=b'3'))
    (tmp_path / 'out/own').write_text('mine')
    with pytest.raises(dm.RequestError, match='it has another file, own'):
        dm.extract(path, tmp_path / 'out')
    (tmp_path / 'out/own').unlink()
    (tmp_path / 'out/a').write_text('edited')
    dm.extract(path, tmp_path / 'out')
    assert tree(tmp_path / 'out') == {'d': b'3'}
    assert quarantined(tmp_path) == [b'edited']


def test_the_files_of_another_archive_stay(tmp_path: Path) -> None:
    """Two archives do not replace the files of each other; the same bytes are no other archive."""
    one, two = (put(tmp_path / f'{name}.zip', zipped(a=name.encode())) for name in ('1', '2'))
    dm.extract(one, tmp_path / 'out')

    with pytest.raises(dm.RequestError, match=r'it has the files of .*/1\.zip'):
        dm.extract(two, tmp_path / 'out')
    assert tree(tmp_path / 'out') == {'a': b'1'}
    put(tmp_path / '2.zip', Path(one).read_bytes())
    assert dm.extract(two, tmp_path / 'out').restored == ()


def test_another_selection_is_another_extraction(tmp_path: Path) -> None:
    """Of members, and of folders that are taken off."""
    path = put(tmp_path / 'data.zip', zipped(d__a_tsv=b'1', d__b_txt=b'2', e=b'3'))

    done = dm.extract(path, tmp_path / 'out', members=['d/*.tsv'], strip=1)

    assert tree(tmp_path / 'out') == {'a.tsv': b'1'}
    assert done.files == (str(tmp_path / 'out/a.tsv'),)
    dm.extract(path, tmp_path / 'out', members=['d'])
    assert tree(tmp_path / 'out') == {'d/a.tsv': b'1', 'd/b.txt': b'2'}
    for missing in ('x', 'd/a.tsx', 'd/*.txtx'):
        with pytest.raises(dm.RequestError, match='has no member') as raised:
            dm.extract(path, tmp_path / 'other', members=['e', missing])
        assert ("Did you mean 'd/a.tsv'" in str(raised.value)) is (missing == 'd/a.tsx')
    assert not (tmp_path / 'other').exists()


def test_a_compressed_file_is_a_folder_of_one(tmp_path: Path) -> None:
    """By the name without its extension."""
    path = put(tmp_path / 't.tsv.gz', gzip.compress(BYTES))

    dm.extract(path, tmp_path / 'out')

    assert tree(tmp_path / 'out') == {'t.tsv': BYTES}
    with pytest.raises(dm.RequestError, match='is not an archive'):
        dm.extract(put(tmp_path / 't.tsv', BYTES), tmp_path / 'other')


@pytest.mark.parametrize('existing', ['file', 'link', 'full folder'])
def test_what_has_the_name_stays(existing: str, tmp_path: Path) -> None:
    """A file, a link to nothing, a folder with files."""
    path, out = put(tmp_path / 'data.zip', zipped(a=b'1')), tmp_path / 'out'
    if existing == 'file':
        out.write_text('mine')
    elif existing == 'link':
        out.symlink_to('nothing')
    else:
        out.mkdir()
        (out / 'own').write_text('mine')
    before = [(one, one.lstat()) for one in tmp_path.rglob('*')]

    with pytest.raises(dm.RequestError, match='not a folder|another file, own'):
        dm.extract(path, out)
    after = [one for one in tmp_path.rglob('*') if '.dlmachine' not in str(one)]
    assert after == [one for one, _ in before]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    """As is one that does not exist, below others that do not."""
    path = put(tmp_path / 'data.zip', zipped(a=b'1'))
    (tmp_path / 'out').mkdir()

    dm.extract(path, tmp_path / 'out')
    dm.extract(path, tmp_path / 'x/y/z')

    assert tree(tmp_path / 'out') == tree(tmp_path / 'x/y/z') == {'a': b'1'}


def raw_tar(*members: tuple[str, bytes, str]) -> bytes:
    """A tar archive of (name, type, target)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info, io.BytesIO())
    return buffer.getvalue()


HOSTILE = {
    'absolute': zipped(**{'/tmp/x': b''}),
    'parent': zipped(**{'__/x': b''}),
    'tar parent': raw_tar(('../x', tarfile.REGTYPE, '')),
    'link out': raw_tar(('l', tarfile.SYMTYPE, '../..'), ('l/x', tarfile.REGTYPE, '')),
    'link chain': raw_tar(('d/l', tarfile.SYMTYPE, '..'), ('m', tarfile.SYMTYPE, 'd/l/../..')),
    'through a link': raw_tar(('l', tarfile.SYMTYPE, '.'), ('l/x', tarfile.REGTYPE, '')),
    'hard link out': raw_tar(('l', tarfile.LNKTYPE, '/etc/passwd')),
    'hard link to a link': raw_tar(('d/l', tarfile.SYMTYPE, '..'), ('m', tarfile.LNKTYPE, 'd/l')),
    'hard link up': raw_tar(('l', tarfile.LNKTYPE, '../secret')),
    'device': raw_tar(('null', tarfile.CHRTYPE, '')),
    'pipe': raw_tar(('pipe', tarfile.FIFOTYPE, '')),
    'twice': raw_tar(('a', tarfile.REGTYPE, ''), ('a', tarfile.REGTYPE, '')),
    'case': zipped(a=b'', A=b''),
    'our record': zipped(**{RECORD_NAME: b'{}'}),
    'damaged': zipped(a=BYTES)[:-40],
    'later damage': tarred(a=b'good', b=b'bad')[:1_100],
}  # fmt: skip


@pytest.mark.parametrize('name', HOSTILE)
def test_an_archive_that_is_not_safe_leaves_nothing(name: str, tmp_path: Path) -> None:
    """Neither inside nor outside the folder."""
    data = HOSTILE[name]
    if name == 'parent':
        data = data.replace(b'__/x', b'../x').replace(b'./x', b'./x')
    path = put(tmp_path / 'in.bin', data)
    (tmp_path / 'secret').write_text('s')

    with pytest.raises(dm.ArchiveError):
        dm.extract(path, tmp_path / 'here/out')
    assert {*os.listdir(tmp_path)} <= {'in.bin', 'secret', 'here', 'home'}
    assert [one for one in tmp_path.rglob('here/*') if one.name != '.dlmachine'] == []


def test_links_and_permissions(tmp_path: Path) -> None:
    """Links inside are made, set-uid is not, and an executable stays one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, kind, target, mode in (
            ('bin/run', tarfile.REGTYPE, '', 0o6755),
            ('bin/again', tarfile.LNKTYPE, 'bin/run', 0o644),
            ('latest', tarfile.SYMTYPE, 'bin/run', 0o777),
            ('bin/plain', tarfile.REGTYPE, '', 0o600),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode, info.mtime = kind, target, mode, 1_000_000_000
            archive.addfile(info, io.BytesIO())
    out = tmp_path / 'out'

    dm.extract(put(tmp_path / 'data.tar', buffer.getvalue()), out)

    assert (out / 'latest').readlink() == Path('bin/run')
    assert (out / 'bin/again').samefile(out / 'bin/run')
    assert (out / 'bin/run').stat().st_mode & 0o7100 == stat.S_IXUSR
    assert not (out / 'bin/plain').stat().st_mode & 0o111
    assert (out / 'bin/run').stat().st_mtime == 1_000_000_000
    (out / 'latest').unlink()
    (out / 'latest').symlink_to('bin/plain')
    assert len(dm.extract(tmp_path / 'data.tar', out).restored) == 1
    assert (out / 'latest').readlink() == Path('bin/run')


def test_a_link_in_a_zip_archive(tmp_path: Path) -> None:
    """Its content is its target; outside is refused."""
    for target, is_inside in (('a', True), ('../a', False), ('x' * 5_000, False)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, 'w') as archive:
            archive.writestr('a', b'1')
            info = zipfile.ZipInfo('l')
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
        path = put(tmp_path / 'data.zip', buffer.getvalue())
        out = tmp_path / f'out{is_inside}'
        if is_inside:
            dm.extract(path, out)
            assert (out / 'l').readlink() == Path('a')
        else:
            with pytest.raises((dm.ArchiveError, dm.LocalError)):
                dm.extract(path, out)
            assert not out.exists()


def test_limits_stop_a_bomb(tmp_path: Path) -> None:
    """Before the disk is full: of members, of bytes, and of their ratio."""
    bomb = put(tmp_path / 'bomb.gz', gzip.compress(bytes(80 << 20), 9))
    many = put(tmp_path / 'many.tar', tarred(**{f'{number}': b'' for number in range(50)}))

    for path, limit in (
        (bomb, {'max_ratio': 100}), (bomb, {'max_extracted_bytes': 1 << 20}), (many, {'max_members': 49}),
    ):  # fmt: skip
        (name,) = limit
        with pytest.raises(dm.ArchiveError, match=f'If that is right, raise {name}='):
            dm.extract(path, tmp_path / 'out', **limit)  # type: ignore[arg-type]
        assert not (tmp_path / 'out').exists()
    assert len(dm.extract(many, tmp_path / 'out', max_members=50).files) == 50
    assert len(dm.extract(bomb, tmp_path / 'zeros', max_ratio=2_000).files) == 1


def test_a_damaged_record_makes_a_folder_of_others(archive: str, tmp_path: Path) -> None:
    """It is data: what it says about other files is not believed."""
    dm.extract(archive, tmp_path / 'out')
    (tmp_path / 'out' / RECORD_NAME).write_text('{"v": 1}\n')

    with pytest.raises(dm.RequestError, match='it has another file'):
        dm.extract(archive, tmp_path / 'out')


def test_a_folder_that_became_a_link_leads_nowhere(archive: str, tmp_path: Path) -> None:
    """Nothing is restored through it."""
    dm.extract(archive, tmp_path / 'out')
    elsewhere = tmp_path / 'elsewhere'
    (tmp_path / 'out/d').rename(elsewhere)
    (elsewhere / 'a.tsv').unlink()
    (tmp_path / 'out/d').symlink_to(elsewhere)

    with pytest.raises(dm.LocalError, match='not a folder'):
        dm.extract(archive, tmp_path / 'out')
    assert not (elsewhere / 'a.tsv').exists()


@pytest.mark.parametrize('replaces', [False, True])
def test_a_kill_leaves_all_or_nothing(replaces: bool, tmp_path: Path) -> None:
    """At any step; the next call finishes, and cleans up."""
    for number in range(100):
        here = tmp_path / str(number)
        here.mkdir()
        path = put(here / 'data.zip', zipped(d__a=b'1', d__b=b'2'))
        old = {'d/a': b'1', 'd/b': b'2'}
        if replaces:
            dm.extract(path, here / 'out')
            put(here / 'data.zip', zipped(d__a=b'3'))
        new = {'d/a': b'3'} if replaces else old
        is_whole = _extract_and_die(path, here / 'out', number)

        found = tree(here / 'out') if (here / 'out').exists() else None
        # Between the two renames of a replacement, neither has the name.
        assert found in ((old, new, None) if replaces else (new, None))
        dm.extract(path, here / 'out')
        assert tree(here / 'out') == new
        assert {*os.listdir(here)} <= {'data.zip', 'out', '.dlmachine'}
        assert not [*here.glob('.dlmachine/extracting/*')]
        if is_whole:
            assert number > 8
            return
    pytest.fail('it never came to its end')


def _extract_and_die(path: str, folder: Path, after: int) -> bool:
    """Extract in a child that dies at one of its calls of the system; whether it came to its end."""
    pid = os.fork()
    if not pid:
        left = [after]
        for name in ('mkdir', 'open', 'rename', 'rmdir', 'utime', 'unlink'):
            setattr(os, name, _dying(getattr(os, name), left))
        dm.extract(path, folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _dying(call: Callable[..., object], left: list[int]) -> Callable[..., object]:
    def called(*arguments: object, **words: object) -> object:
        if not left[0]:
            os._exit(9)
        left[0] -= 1
        return call(*arguments, **words)

    return called


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'source': 5}, 'source must be a path or an Outcome, not 5'),
        ({'folder': 5}, 'folder must be a path, not 5'),
        ({'folder': ''}, "folder must be a path, not ''"),
        ({'folder': '/'}, 'destination /: it is not a folder of its own'),
        ({'strip': -1}, 'strip must be a whole number of folders, 0 or more, not -1'),
        ({'strip': True}, 'strip must be a whole number of folders, 0 or more, not True'),
        ({'members': 'a.tsv'}, "members must be a list of names, not 'a.tsv'"),
        ({'members': []}, 'members must be a list of names, not []'),
        ({'members': [1]}, 'members must be a list of names, not [1]'),
        ({'max_members': 0}, 'max_members must be a whole number of 1 or more, not 0'),
        ({'max_ratio': 1.5}, 'max_ratio must be a whole number of 1 or more, not 1.5'),
        (
            {'max_extracted_bytes': '1'},
            "max_extracted_bytes must be a number of bytes, or None, not '1'",
        ),
        ({'source': 'nothing.zip'}, 'nothing.zip: no such file or directory'),
    ],
)
def test_bad_input(
    options: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says what is wrong."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / 'data.zip', zipped(a=b''))

    with pytest.raises(dm.DownloadError) as caught:
        dm.extract(**{'source': 'data.zip', 'folder': 'out', **options})  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert {*os.listdir(tmp_path)} <= {'data.zip', 'home'}


def test_a_file_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    """Not a short file: here by a limit of the system, as on a disk that becomes full."""
    resource = pytest.importorskip('resource')
    path = put(tmp_path / 'data.zip', zipped(a=bytes(150_000)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(dm.LocalError, match='extract'):
            dm.extract(path, tmp_path / 'out')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / 'out').exists()
    assert len(dm.extract(path, tmp_path / 'out').files) == 1


def test_a_truncated_tar_archive_ends_too_early(tmp_path: Path) -> None:
    """Also where its members are read in place."""
    path = put(tmp_path / 'data.tar', tarred(a=b'x' * 5_000)[:2_000])

    with pytest.raises(dm.ArchiveError, match='ends too early|is damaged'):
        dm.extract(path, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.skipif(os.name == 'nt' or os.geteuid() != 0, reason='only root can give a file away')
def test_a_strangers_folder_is_not_believed(tmp_path: Path) -> None:
    """In a folder that is open to all, another user may have put it there."""
    path = put(tmp_path / 'a.zip', zipped(a_txt=b'right'))
    open_to_all = tmp_path / 'open'
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    dm.extract(path, open_to_all / 'out')
    assert dm.extract(path, open_to_all / 'out').restored == ()

    for one in (open_to_all / 'out', *(open_to_all / 'out').iterdir()):
        os.chown(one, 54_321, 54_321)
    with pytest.raises(dm.RequestError, match='it has another file'):
        dm.extract(path, open_to_all / 'out')
