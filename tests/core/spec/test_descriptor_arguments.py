"""Descriptors from ready values, as `dataclasses.replace` passes them."""

import pytest

from dlmachine.core.faults import InvalidInput
from dlmachine.core.http.body import FormBody, JsonBody, NoBody
from dlmachine.core.http.request import Tls
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.transfer.build_request import build_request

URL = 'https://a.example/x'
FORM = FormBody((('a', '1'),))


def test_a_body_is_taken_as_it_is() -> None:
    """The method is POST, as with the keywords for a body."""
    made = Descriptor.parse(URL, body=FORM, query={'q': '1'}).unwrap()

    assert (made.method, made.body, made.query) == ('POST', FORM, (('q', '1'),))


def test_no_body_is_none() -> None:
    """An empty body does not change the method."""
    assert Descriptor.parse(URL, body=NoBody()).unwrap() == Descriptor.parse(URL).unwrap()


def test_tls_is_taken_as_it_is() -> None:
    """A ready Tls replaces the four keywords."""
    assert Descriptor.parse(URL, tls=Tls(verify=False)).unwrap().tls == Tls(verify=False)


def test_what_is_wrong_elsewhere_is_still_wrong() -> None:
    """A ready body does not hide a fault in another argument."""
    assert Descriptor.parse(URL, body=FORM, query={'a\n': 'x'}).failure().code == 'invalid_input'


def test_one_body_only() -> None:
    """A ready body together with a keyword for a body is a fault."""
    assert str(Descriptor.parse(URL, body=FORM, data=b'x').failure()).startswith('body ')


def test_credentials_stay_with_the_origin_of_the_url() -> None:
    """Mirrors at another origin get the other header fields only."""
    headers = {'Cookie': 'c=1', 'X-Id': '7', 'Host': 'a'}
    made = Descriptor.parse(
        URL, headers=headers, mirrors=['https://b.example/x', 'https://a.example/y'],
        cainfo='ca', cert='c', key='k',
    ).unwrap()  # fmt: skip
    elsewhere, same = (build_request(made, mirror, 'me').unwrap() for mirror in made.mirrors)

    assert [name in elsewhere.headers for name in headers] == [False, True, False]
    assert [name in same.headers for name in headers] == [True, True, True]
    assert elsewhere.tls == Tls(cainfo='ca')
    assert same.tls == Tls(cainfo='ca', cert='c', key='k')


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('[' * 100_000, 'is not JSON'),
        ('{"a":', 'is not JSON'),
        ('[' * 102 + ']' * 102, 'has more than 100 levels'),
        ('NaN', 'cannot be written as JSON: Out of range float values are not JSON compliant'),
    ],
    ids=['nested', 'cut', 'deep', 'nan'],
)
def test_a_ready_json_body_is_checked(text: str, problem: str) -> None:
    """Otherwise the fault would occur when the key is computed or the body masked."""
    fault = Descriptor.parse('http://h/', body=JsonBody(text)).failure()
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'body'
    assert fault.problem.startswith(problem)


def test_a_ready_json_body_is_sent_as_it_is() -> None:
    """White space is kept."""
    body = JsonBody('{ "a": [1, null] }')
    assert Descriptor.parse('http://h/', body=body).unwrap().body == body
