"""A server before another one, which counts, delays and refuses what it passes on."""

import http.client
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

_REFUSALS = {
    403: b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    503: b"<Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>",
}


class Passed(NamedTuple):
    """A request and how many bytes were sent in answer."""

    method: str
    path: str
    num_bytes: int


class Proxy:
    """Passes requests on to a server.

    Attributes:
        url: Its address.
        passed: What it has passed on.
        refuses: From the method and path of a request to the status that it is answered with
            instead of being passed on; None passes it on.
    """

    def __init__(self, upstream: str, *, delay: float = 0.0) -> None:
        self.passed: list[Passed] = []
        self.refuses: Callable[[str, str], int | None] = lambda method, path: None
        self._upstream = urlsplit(upstream).netloc
        self._delay = delay
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                proxy.handle(self)

            do_PUT = do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Pass a request on, and its answer back."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        time.sleep(self._delay)
        status = self.refuses(request.command, request.path)
        if status is None:
            server = http.client.HTTPConnection(self._upstream)
            server.request(request.command, request.path, body, dict(request.headers))
            answer = server.getresponse()
            status, headers, content = answer.status, answer.getheaders(), answer.read()
            server.close()
        else:
            headers, content = [("Content-Type", "application/xml")], _REFUSALS[status]
        length = dict(headers).get("Content-Length", str(len(content)))
        self.passed.append(Passed(request.command, request.path, len(content)))
        request.send_response_only(status)
        for name, value in headers:
            if name not in ("Content-Length", "Transfer-Encoding", "Connection"):
                request.send_header(name, value)
        request.send_header("Content-Length", length)
        request.end_headers()
        request.wfile.write(content)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
