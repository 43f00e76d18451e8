"""A company's proxy, behind which Amazon SNS keeps the certificate of a topic of the tests.

An api-server that is told of it by `https_proxy`, and to trust it by `SSL_CERT_FILE`, asks there as it asks AWS.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.hooks.sns_topic import CERTIFICATE, HOST, Topic, self_signed

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"


@dataclass
class Proxy:
    """`asked`: who was wanted through it. `trusted`: the file with the certificate of its end."""

    topic: Topic
    trusted: Path
    tls: ssl.SSLContext
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of who is behind it."""
        address = f"http://127.0.0.1:{self.port}"
        return {"https_proxy": address, "no_proxy": "127.0.0.1,localhost", "SSL_CERT_FILE": str(self.trusted)}


@contextmanager
def proxying(folder: Path, topic: Topic) -> Iterator[Proxy]:
    """A Proxy on a free port of this host."""
    key, trusted, kept = generate_private_key(65537, 2048), folder / "sns.pem", folder / "sns.key"
    trusted.write_bytes(self_signed(key, HOST))
    kept.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(trusted, kept)
    proxy = Proxy(topic, trusted, tls)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.port = server.server_address[1]
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield proxy
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def do_CONNECT(self) -> None:
        self.proxy.asked.append(self.path)
        self.close_connection = True
        if self.path != f"{HOST}:443":
            return self.send_error(403)
        self.send_response(200)
        self.end_headers()
        with self.proxy.tls.wrap_socket(self.connection, server_side=True) as inside:
            path = inside.recv(65536).split()[1].decode()
            assert f"https://{HOST}{path}" == CERTIFICATE
            certificate = self.proxy.topic.certificate(CERTIFICATE)
            inside.sendall(ANSWER % (len(certificate), certificate))
        return None

    def log_message(self, *_arguments: object) -> None:
        """Tests look at `asked` instead."""
