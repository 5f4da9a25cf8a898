"""The scenario of a run, from the tape: servers, locks, files on the disk."""

from hashlib import sha256
from typing import Final

from property_tests.simulation.caching import PROFILES
from property_tests.simulation.choices import Choices
from property_tests.simulation.disk import Disk, Inode
from property_tests.simulation.network import VALIDATORS, Network, Site
from property_tests.simulation.requests import (
    COPIES,
    LINK,
    MIRROR,
    NAMED,
    OTHER_URL,
    PATH,
    SUMS,
    SUMS_PATH,
    TWIN,
    URL,
)

SIZES: Final = (24, 24, 9, 1, 60, 0)
DAY: Final = 86_400.0
_TARGET: Final = '/data/real.csv'
#: From this number on, files are often missing.
_LACKS: Final = 200


def draw_network(choices: Choices) -> Network:
    """Draw the sites: each version is one letter repeated, so that mixed versions are noticed."""
    validators = choices.among(VALIDATORS)
    has_ranges, is_coded = choices.pick(4) != 1, choices.pick(12) == 1
    size = choices.among(SIZES)

    def site(url: str, letter: bytes, days: int = 1) -> Site:
        version = (-DAY * days, letter * size)
        return Site(url, [version], validators, has_ranges=has_ranges, is_coded=is_coded)

    main = site(URL, b'a')
    sites = {URL: main, OTHER_URL: site(OTHER_URL, b'z'), **dict.fromkeys(COPIES, main)}
    sites[TWIN] = site(TWIN, b'q')
    sites[SUMS] = Site(SUMS, [(-1.0, b'')], 'none', sums_of=main)
    drawn_mirror = choices.pick(256)
    match ('none', 'none', 'same', 'stale', 'other')[drawn_mirror % 5]:
        case 'same':
            sites[MIRROR] = site(MIRROR, b'a')
        case 'stale':
            sites[MIRROR] = site(MIRROR, b'Y', 2)
            main.versions.insert(0, (-2 * DAY, b'Y' * size))
        case 'other':
            sites[MIRROR] = site(MIRROR, b'X')
        case _:
            pass
    drawn = choices.pick(4 * PROFILES)
    manner, profile = drawn % 4, drawn // 4
    for one in sites.values():
        one.profile = 0 if one.sums_of is not None else profile
    main.gives_digest = manner == 1
    main.file_name = sites[OTHER_URL].file_name = NAMED if manner == 3 else ''
    return Network(sites, leads_on=manner == 2, lacks=drawn_mirror >= _LACKS)


def publish_version(choices: Choices, site: Site, now: float) -> bytes:
    """Publish a new version at a site, of the same or another size, or the current one again."""
    last = site.content
    letter = bytes([(last[0] if last else ord('`')) + 1])
    size = len(last) if choices.pick(2) else choices.among(SIZES)
    site.versions.append((now, letter * size))
    return site.content


def put_files(choices: Choices, disk: Disk, network: Network) -> dict[str, Inode]:
    """Create the files that existed before the run, by path."""
    found = {SUMS_PATH: _sums(disk, network)}
    match choices.among(('nothing', 'file', 'link')):
        case 'file':
            for path in (PATH, LINK):
                found[path] = _write(disk, path, b'somebody wrote this')
        case 'link':
            found[_TARGET] = _write(disk, _TARGET, b'somebody else wrote this')
            for path in (PATH, LINK):
                found[path] = disk.create(path, target=_TARGET)
        case _:
            pass
    disk.sync_all()
    return found


def _sums(disk: Disk, network: Network) -> Inode:
    digest = sha256(network.sites[URL].content).hexdigest()
    return _write(disk, SUMS_PATH, f'{digest}  t.csv\n'.encode())


def _write(disk: Disk, path: str, data: bytes) -> Inode:
    inode = disk.create(path)
    disk.append(inode, data)
    return inode
