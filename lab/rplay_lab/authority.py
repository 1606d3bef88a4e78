"""The lab's own keys: a certificate authority, the web server's certificate, and the key that signs packages."""

import os
import shutil

from .commands import run
from .places import AUTHORITY

PACKAGE_SIGNER = "rplay lab packages"
DAYS = "3650"

# The download site has its real name, so that a playbook for the real one runs unchanged.
WEB_NAMES = ["packages.lab.test", "cloud.lab.test", "releases.mattermost.com"]


def make():
    unfinished = AUTHORITY.with_name("authority.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    make_certificates(unfinished)
    make_package_key(unfinished)
    unfinished.rename(AUTHORITY)


def make_certificates(folder):
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", "/CN=rplay lab authority",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout", folder / "authority.key", "-out", folder / "authority.crt",
    )  # fmt: skip
    run(
        "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={WEB_NAMES[0]}",
        "-keyout", folder / "web.key", "-out", folder / "web.csr",
    )  # fmt: skip
    extensions = folder / "web.extensions"
    extensions.write_text(
        f"subjectAltName={','.join(f'DNS:{name}' for name in WEB_NAMES)}\n"
        "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
    )
    run(
        "openssl", "x509", "-req", "-days", DAYS, "-in", folder / "web.csr", "-extfile", extensions,
        "-CA", folder / "authority.crt", "-CAkey", folder / "authority.key", "-CAcreateserial",
        "-out", folder / "web.crt",
    )  # fmt: skip


def make_package_key(folder):
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg(home, "--passphrase", "", "--quick-generate-key", PACKAGE_SIGNER, "rsa2048", "sign", "never")
    gpg(home, "--armor", "--output", folder / "packages.asc", "--export", PACKAGE_SIGNER)


def sign(text_file, signature):
    gpg(AUTHORITY / "gnupg", "--clearsign", "--output", signature, text_file)


def gpg(home, *arguments):
    environment = {**os.environ, "GNUPGHOME": str(home)}
    try:
        run("gpg", "--batch", "--yes", *arguments, env=environment)
    finally:
        # The agent that gpg leaves behind would outlive the lab.
        run("gpgconf", "--kill", "all", env=environment)
