"""What a command inside the lab finds in its environment."""

import os
import secrets

from .cloud_address import CLOUD_URL
from .lab import LAB_VARIABLE
from .places import REPOSITORY

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def environment_of(lab, region):
    return {
        LAB_VARIABLE: lab.id,
        "AWS_ENDPOINT_URL": CLOUD_URL,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # moto checks no signatures, but every client insists on making them.
        "AWS_ACCESS_KEY_ID": "rplay-lab",
        "AWS_SECRET_ACCESS_KEY": "rplay-lab",
        "AWS_EC2_METADATA_DISABLED": "true",
        # In the lab this bundle holds the lab's authority too.
        "SSL_CERT_FILE": AUTHORITIES,
        "CURL_CA_BUNDLE": AUTHORITIES,
        "AWS_CA_BUNDLE": AUTHORITIES,
        "ANSIBLE_INVENTORY": str(REPOSITORY / "inventory" / "lab"),
        # Every lab has another; the lab's inventory hands it to the playbooks.
        "RPLAY_LAB_DATABASE_PASSWORD": secrets.token_urlsafe(16),
        "RPLAY_LAB_KEY": str(lab.key),
        "RPLAY_LAB_KNOWN_HOSTS": str(lab.known_hosts),
    }


# The lab has no way out, so a proxy named in the caller's environment would only be in the way.
LEFT_OUT = {"http_proxy", "https_proxy", "all_proxy", "aws_profile", "aws_session_token", "aws_security_token"}


def merged_with_own(environment):
    kept = {name: value for name, value in os.environ.items() if name.lower() not in LEFT_OUT}
    return {**kept, **environment}
