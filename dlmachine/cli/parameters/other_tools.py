# ruff: noqa: E501 -- one line for each row of the table
"""What the flags of curl, wget, aria2 and hf (Hugging Face) are called here: one table, for hints and for the manual.

Pure. A flag that dlmachine does not have ends with a hint from this table.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from dlmachine.core.frozen import frozen

TOOLS: Final = ('curl', 'wget', 'aria2', 'hf')


@frozen(kw_only=False)
class Row:
    """The flags of each program for one purpose, and ours, separated by spaces.

    If we have no such flag, the note says why none is needed, or that it is missing.
    """

    curl: str
    wget: str
    aria2: str
    ours: str
    note: str = ''
    hf: str = ''

    def flags(self, tool: str) -> tuple[str, ...]:
        """The flags of a program."""
        return tuple(getattr(self, tool).split())


#: Flags that fit beside the others, and are not there.
_NOT_THERE: Final[Mapping[str, str]] = {
    '--no-continue': 'A part is only resumed if the server confirms that its file has not changed; '
    '--force-download asks for the complete file',
    '--format': '--json prints a line of JSON for each result; --write-out has a format',
    '--show': 'dlmachine config shows each value and where it is from',
}

#: By purpose, in the order of the sections of the help.
ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    'Where files go': (
        Row('-o --output', '-O --output-document', '-o --out', '--output', '- is stdout'),
        Row('-O --remote-name --remote-name-all', '', '', '--remote-name', 'takes no value; without it, the response names a single file'),
        Row('-J --remote-header-name', '--content-disposition', '', '--remote-header-name'),
        Row('--output-dir', '-P --directory-prefix', '-d --dir', '--dir', hf='--local-dir'),
        Row('', '', '', '--cache', hf='--cache-dir'),
        Row('', '-i --input-file', '-i --input-file', '--input-file', 'a list of URLs, a checksum file or a manifest'),
        Row('--no-clobber --skip-existing', '-nc --no-clobber', '--auto-file-renaming', '--no-clobber --if-exists', 'an unknown file is only replaced if you named its path'),
        Row('', '', '--allow-overwrite', '--overwrite --if-exists'),
        Row('--create-dirs', '--force-directories', '', '--create-dirs', 'the default: leave it out'),
        Row('-R --remote-time', '--use-server-timestamps', '--remote-time', '--remote-time --mtime', 'otherwise files have the time of the download'),
        Row('--remove-on-error', '', '', '', 'the default: a file appears when it is complete'),
        Row('', '--base', '', '--base-url', 'for relative URLs in a file of URLs'),
        Row('', '--trust-server-names', '', '--remote-header-name', 'the default for one URL'),
        Row('', '--backups --backup-converted --unlink', '', '', 'a file appears by one rename; a changed one goes to quarantine'),
        Row('--xattr', '--xattr', '', '', 'dlmachine provenance FILE tells where a file is from'),
        Row('', '-r --recursive -m --mirror -l --level -np --no-parent -p --page-requisites --accept --accept-regex --convert-links -nd --no-directories -nH --cut-dirs --reject --reject-regex --domains --span-hosts --relative --adjust-extension --delete-after', '', '', 'dlmachine fetches named files only: list them in a file for --input-file'),
        Row('', '', '-T --torrent-file -M --metalink-file --follow-torrent --follow-metalink --seed-time', '', 'dlmachine knows neither BitTorrent nor Metalink'),
    ),
    'Request': (
        Row('-X --request', '--method', '', '--method'),
        Row('-H --header', '--header', '--header', '--header', '@FILE has one in each line'),
        Row('-A --user-agent', '-U --user-agent', '-U --user-agent', '--user-agent'),
        Row('-e --referer', '--referer', '--referer', '--referer'),
        Row('-d --data --data-ascii', '--post-data --body-data', '', '--data', 'the short -d is a folder'),
        Row('--data-raw', '', '', '--data-raw'),
        Row('--data-binary', '--post-file --body-file', '', '--data-binary', '@FILE is sent as it is'),
        Row('--data-urlencode', '', '', '--data-urlencode'),
        Row('--json', '', '', '--json-data', '--json is the output of the command'),
        Row('-F --form', '', '', '--form'),
        Row('--form-string', '', '', '--form-string'),
        Row('-G --get', '', '', '--get'),
        Row('-T --upload-file', '', '', '--data-binary', 'with @FILE and -X PUT'),
        Row('-I --head', '--spider', '--dry-run', '--head', 'dlmachine audit - --probe asks about many URLs; --dry-run shows a plan without a request'),
        Row('-i --include --show-headers -D --dump-header', '--server-response --save-headers', '', '--write-out', 'with %header{name}'),
        Row('-r --range', '--start-pos', '', '', 'dlmachine stores complete files only, and resumes them by itself'),
        Row('--url', '', '', '', 'URLs are arguments'),
        Row('', '', '', '', 'name the files by their URLs, for example in a file for --input-file', hf='--revision --repo-type --exclude'),
        Row('--url-query', '', '', '--data-urlencode', 'with --get'),
        Row('--path-as-is --raw', '--no-iri', '', '', 'the default: a URL is requested as it is written'),
        Row('-l --list-only', '', '', '', 'the URL of a folder on an FTP server, which ends in a slash, is its list'),
        Row('-g --globoff', '', '-P --parameterized-uri', '', 'brackets in URLs have no meaning; let the shell expand {a,b}'),
    ),
    'Login': (
        Row('-u --user', '--user --http-user', '--http-user', '--user', 'USER asks for the password; or USER:PASSWORD'),
        Row('', '--password --http-password --ask-password --use-askpass', '--http-passwd', '--user', 'USER asks for the password; or USER:PASSWORD'),
        Row('--digest', '', '', '--digest'),
        Row('--basic --anyauth', '--auth-no-challenge', '--http-auth-challenge', '--user', 'Basic is the default'),
        Row('--negotiate --ntlm --ntlm-wb --aws-sigv4', '', '', '', 'log in with a program of the service, and pass its token: --bearer-env'),
        Row('', '--ftp-user --ftp-password', '--ftp-user --ftp-passwd', '--user', 'USER asks for the password; or USER:PASSWORD'),
        Row('--pubkey --hostpubmd5 --hostpubsha256', '', '--ssh-host-key-md', '--key', 'of the user; host keys are those in ~/.ssh/known_hosts'),
        Row('--oauth2-bearer', '', '', '--bearer-env --bearer-file', 'other users can see the arguments of a program', hf='--token'),
        Row('-n --netrc --netrc-optional', '', '', '--netrc', 'the default'),
        Row('--netrc-file', '', '--netrc-path', '--netrc-file'),
        Row('', '--no-netrc', '-n --no-netrc', '--no-netrc'),
        Row('-b --cookie', '--load-cookies', '--load-cookies', '--cookie'),
        Row('-c --cookie-jar', '--save-cookies --keep-session-cookies', '--save-cookies', '--cookie-jar'),
        Row('', '--no-cookies', '', '', 'cookies end with the download, unless there is a --cookie-jar'),
        Row('--location-trusted --proxy-anyauth', '', '', '', 'a login goes only to the origin that it was given for'),
    ),
    'TLS': (
        Row('--cert-type --key-type', '--certificate-type --private-key-type', '', '', 'certificates and keys are in PEM'),
        Row('--ssl --ssl-reqd --ftp-ssl --ftp-ssl-reqd', '--ftps-implicit', '', '', 'write the URL with ftps:// or https://'),
        Row('--proto --proto-redir --proto-default', '--https-only', '', '', 'redirects from https to http are refused'),
        Row('--pinnedpubkey --crlfile --cert-status', '--pinnedpubkey --crl-file', '', '--checksum', 'which verifies the file itself'),
        Row('--tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 --tls-max --ciphers --tls13-ciphers --curves', '--secure-protocol --ciphers', '--min-tls-version', '', 'the library for TLS decides this'),
        Row('--cacert', '--ca-certificate', '--ca-certificate', '--cainfo'),
        Row('--capath', '--ca-directory', '', '--cainfo'),
        Row('-E --cert', '--certificate', '--certificate', '--cert'),
        Row('--key', '--private-key', '--private-key', '--key'),
        Row('-k --insecure', '--no-check-certificate', '--check-certificate', '--no-verify'),
    ),
    'Proxy': (
        Row('-x --proxy', '', '--all-proxy --http-proxy --https-proxy', '--proxy', 'without it, the variables of the environment'),
        Row('-U --proxy-user', '--proxy-user --proxy-password', '--all-proxy-user --all-proxy-passwd', '--proxy-user'),
        Row('--noproxy', '--no-proxy', '--no-proxy', '--noproxy', 'a list of hosts, or * for all'),
        Row('--resolve', '', '', '--resolve'),
        Row('--connect-to', '', '', '--resolve', 'HOST:PORT:ADDRESS'),
        Row('--proxy-cacert --proxy-capath', '', '', '--cainfo', 'for servers and proxies'),
        Row('--proxy-basic --proxy-digest --proxy-ntlm --proxy-negotiate --preproxy -p --proxytunnel', '', '--proxy-method', '', 'the login of a proxy is Basic, and tunnels are for https: leave it out'),
        Row('--socks5 --socks5-hostname --socks4 --socks4a', '', '', '--proxy', 'with socks5:// or socks5h:// in its URL'),
    ),
    'Existing copies': (
        Row('-z --time-cond', '-N --timestamping', '--conditional-get', '--check-freshness', 'the default for a file at a path'),
        Row('--etag-save --etag-compare', '--no-if-modified-since', '', '--check-freshness', 'the ETag is on record'),
        Row('', '--no-cache', '--http-no-cache', '--force-download'),
        Row('-C --continue-at', '-c --continue', '-c --continue', '', 'downloads are always resumed: leave it out'),
        Row('', '', '-V --check-integrity --checksum', '--checksum', 'dlmachine verify compares the files of a folder with their records'),
    ),
    'Attempts': (
        Row('--retry', '-t --tries', '-m --max-tries', '--retries', 'one less than the tries'),
        Row('--retry-delay', '--waitretry', '--retry-wait', '--retry-delay'),
        Row('--retry-max-time', '', '', '--retry-max-time'),
        Row('--retry-all-errors', '--retry-on-http-error', '--max-file-not-found', '--retry-all-errors'),
        Row('--retry-connrefused', '--retry-connrefused --retry-on-host-error', '', '', 'the default: leave it out'),
        Row('--connect-timeout', '--connect-timeout --dns-timeout', '--connect-timeout', '--connect-timeout'),
        Row('', '-T --timeout --read-timeout', '-t --timeout', '--stall-timeout', 'seconds without a byte; --timeout limits the complete download'),
        Row('-m --max-time', '', '', '--timeout', 'with all retries'),
        Row('-Y --speed-limit', '', '--lowest-speed-limit', '--speed-limit'),
        Row('-y --speed-time', '', '', '--speed-time'),
        Row('-L --location', '', '', '--follow', 'the default'),
        Row('--max-redirs', '--max-redirect', '', '--max-redirects'),
        Row('--fail-early', '', '', '', 'the other URLs are downloaded; the exit code says that one failed'),
        Row('', '', '--save-session', '--json', 'its output is for --retry-failed'),
        Row('-f --fail --fail-with-body', '--content-on-error', '', '', 'the default: an error status is an error'),
    ),
    'Speed and connections': (
        Row('--limit-rate', '--limit-rate', '--max-download-limit --max-overall-download-limit', '--limit-rate'),
        Row('--rate', '-w --wait --random-wait', '', '--rate', 'requests per host, such as 2/s'),
        Row('-Z --parallel --parallel-immediate', '', '', '', 'the default: several URLs are fetched in parallel'),
        Row('--parallel-max', '', '-j --max-concurrent-downloads', '--workers', hf='--max-workers'),
        Row('', '', '-x --max-connection-per-server', '--max-per-host', 'or --segments for one file'),
        Row('', '', '-s --split -k --min-split-size --piece-length', '--segments', 'a number, or auto'),
        Row('--http2', '', '', '--http2', 'with --backend curl'),
        Row('--http3 --http3-only --http2-prior-knowledge', '', '', '--http2', 'with --backend curl'),
        Row('--ftp-pasv --ftp-port --disable-epsv', '--no-passive-ftp', '--ftp-pasv', '', 'the default is passive mode: leave it out'),
        Row('--unix-socket --abstract-unix-socket', '', '', '', 'dlmachine connects to hosts only'),
        Row('--ignore-content-length', '--ignore-length', '', '', 'a body of another length is an error'),
        Row('--http1.1 -0 --http1.0 --compressed', '--compression', '--http-accept-gzip --enable-http-keep-alive', '', 'dlmachine decides this: HTTP/1.1, and files as the server stores them'),
        Row('--max-filesize', '-Q --quota', '', '--max-bytes'),
        Row('-4 --ipv4 -6 --ipv6', '-4 --inet4-only -6 --inet6-only --prefer-family', '--disable-ipv6', '', 'both are tried, and the faster one is used'),
        Row('--interface --dns-servers', '--bind-address', '--interface', '', 'the system decides this'),
        Row('', '', '-a --file-allocation --disk-cache --async-dns', '', 'not needed: leave it out'),
    ),
    'Output': (
        Row('-s --silent', '-q --quiet', '-q --quiet', '--silent --quiet', '--silent prints paths, --quiet does not'),
        Row('-S --show-error', '-nv --no-verbose', '', '', 'errors are always shown; --silent leaves out the rest'),
        Row('--no-progress-meter', '', '--show-console-readout', '--no-progress'),
        Row('-# --progress-bar', '--progress --show-progress', '--summary-interval --human-readable', '--progress', 'the default on a terminal'),
        Row('-v --verbose', '-v --verbose', '', '--verbose'),
        Row('--trace --trace-ascii --trace-time', '--debug', '--log-level --console-log-level', '--verbose', '-vv logs more'),
        Row('--stderr', '-o --output-file -a --append-output', '-l --log', '--log-file', 'appended'),
        Row('-w --write-out', '', '', '--write-out'),
        Row('', '', '--enable-color', '--color'),
        Row('-V --version', '-V --version', '--version', '', 'dlmachine --version'),
        Row('', '-b --background', '-D --daemon', '', 'let the shell do it: dlmachine get ... &'),
    ),
    'Configuration': (
        Row('-K --config', '--config', '--conf-path', '--config'),
        Row('-q --disable', '--no-config', '--no-conf', '--no-config'),
        Row('', '--execute', '', '--config', 'a file of options'),
    ),
}  # fmt: skip


def all_rows() -> Iterator[Row]:
    """The rows of all sections."""
    for rows in ROWS.values():
        yield from rows


@cache
def hints() -> Mapping[str, str]:
    """What to say about each flag of another program.

    >>> hints()['--tries']
    "wget's --tries is --retries here (one less than the tries)"
    """
    found: dict[str, list[str]] = {}
    for row in all_rows():
        owners: dict[str, list[str]] = {}
        for tool in TOOLS:
            for flag in row.flags(tool):
                owners.setdefault(flag, []).append(tool)
        for flag, tools in owners.items():
            found.setdefault(flag, []).append(_say(flag, tools, row))
    return {**{flag: '; '.join(said) for flag, said in found.items()}, **_NOT_THERE}


def _say(flag: str, tools: list[str], row: Row) -> str:
    owner = f"{' and '.join(tools)}'s {flag}"
    if not row.ours:
        return f'{owner}: {row.note}'
    note = f' ({row.note})' if row.note else ''
    return f'{owner} is {" or ".join(row.ours.split())} here{note}'


def foreign_hints(flag: str, own: tuple[str, ...]) -> str:
    """What to say about a flag of another program that means something else than our `own` flags.

    >>> foreign_hints('-s', ('-s', '--silent'))
    "aria2's -s is --segments here (a number, or auto)"
    """
    said = []
    for row in all_rows():
        tools = [tool for tool in TOOLS if flag in row.flags(tool)]
        if tools and not set(own) & set(row.ours.split()):
            said.append(_say(flag, tools, row))
    return '; '.join(said)
