"""The lab's web server, with and without TLS: the package archive, and the site that Mattermost is downloaded from."""

import http.server
import re
import ssl
import threading

from .authority import WEB_NAMES
from .mattermost import TARBALL
from .places import AUTHORITY, PACKAGES

DOWNLOAD_SITE = "releases.mattermost.com"
# There is one stand-in; it passes for every version.
RELEASE = re.compile(r"/(\d+(?:\.\d+)+)/mattermost-(?:team-)?\1-linux-amd64\.tar\.gz")


class Site(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def translate_path(self, path):
        if self.headers.get("Host", "").split(":")[0] != DOWNLOAD_SITE:
            return super().translate_path(path)
        is_release = RELEASE.fullmatch(path.split("?")[0])
        return str(TARBALL) if is_release else str(TARBALL.with_name("no such release"))

    def log_message(self, format, *arguments):
        """The keeper's log is for what goes wrong."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up, or does not trust the lab, is not the lab's error."""


def serve(address, names):
    for name in WEB_NAMES:
        names.enter(name, address)
    # Each connection does its own handshake, in its own thread, or one silent client would stop the server.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(AUTHORITY / "web.crt", AUTHORITY / "web.key")
    plain, encrypted = (Server((address, port), site) for port in (80, 443))
    encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True, do_handshake_on_connect=False)
    for server in (plain, encrypted):
        threading.Thread(target=server.serve_forever, daemon=True).start()


def site(*arguments):
    return Site(*arguments, directory=str(PACKAGES))
