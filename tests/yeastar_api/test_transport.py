"""The bounds: bytes, time, and which way to the network."""

import gzip

import httpx
import pytest

from yeastar_api.client import transport
from yeastar_api.client.transport import BoundedTransport, Oversize, socket_transport


def send(response, *, max_bytes=1000, **extensions):
    inner = httpx.MockTransport(lambda _: response)
    return BoundedTransport(inner, max_bytes=max_bytes).handle_request(
        httpx.Request("GET", "http://x", extensions=extensions)
    )


def streamed(*chunks, **headers):
    class Stream(httpx.SyncByteStream):
        closed = False

        def __iter__(self):
            yield from chunks

        def close(self):
            self.closed = True
            raise OSError("trouble in closing")

    return httpx.Response(
        200, headers={key.replace("_", "-"): value for key, value in headers.items()}, stream=Stream()
    )


def test_an_answer_is_read_to_its_end_and_trouble_in_closing_does_not_lose_it():
    response = streamed(b"ab", b"cd", set_cookie="a=b", x_kept="yes")
    answer = send(response)
    assert answer.content == b"abcd"
    assert answer.headers["X-Kept"] == "yes"
    assert "Set-Cookie" not in answer.headers
    assert response.stream.closed


def test_the_bound_is_exact():
    assert len(send(streamed(b"x" * 1000)).content) == 1000
    with pytest.raises(Oversize):
        send(streamed(b"x" * 1000, b"x"))


def test_a_zip_bomb_does_not_unfold():
    with pytest.raises(Oversize):
        send(streamed(gzip.compress(b"0" * 50_000), content_encoding="gzip"))


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(gzip.compress(b"hello")[:-4], "gzip"), (b"no gzip", "gzip"), (b"x", "br"), (b"x", "gzip, br")],
    ids=["cut", "no gzip", "brotli", "both"],
)
def test_what_cannot_be_decoded_whole_is_an_error(body, encoding):
    with pytest.raises(httpx.DecodingError):
        send(streamed(body, content_encoding=encoding))


def test_a_request_whose_time_is_over_is_never_started():
    inner = httpx.MockTransport(lambda _: pytest.fail("it was sent"))
    request = httpx.Request("GET", "http://x", extensions={"deadline": 0.0})
    with pytest.raises(httpx.ConnectTimeout):
        BoundedTransport(inner, max_bytes=1).handle_request(request)


@pytest.fixture
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://portal.test", None),
        ({"https_proxy": "http://proxy.test:3128"}, "https://portal.test", "http://proxy.test:3128"),
        ({"https_proxy": "proxy.test:3128"}, "https://portal.test", "http://proxy.test:3128"),
        ({"all_proxy": "http://proxy.test:3128"}, "https://portal.test", "http://proxy.test:3128"),
        ({"https_proxy": "http://proxy.test:3128", "no_proxy": ".test"}, "https://portal.test", None),
        ({"http_proxy": "http://proxy.test:3128"}, "http://127.0.0.1:8000", None),
    ],
)
def test_the_environment_says_which_proxy_to_take(no_proxies, environment, url, proxy):
    for name, value in environment.items():
        no_proxies.setenv(name, value)
    assert transport._proxy_for(httpx.URL(url)) == proxy
    socket_transport(base_url=url, keepalive=0).close()


def test_all_clients_of_a_process_share_one_tls_context():
    assert transport._tls() is transport._tls()
