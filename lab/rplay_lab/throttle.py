"""Refusals as AWS gives them to those who ask too often: for a share of the calls, at random."""

import random
import re

# What the services answer: EC2 has its own form, all other query services share one.
EC2_BODY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>RequestLimitExceeded</Code>'
    "<Message>Request limit exceeded.</Message></Error></Errors><RequestID>lab-throttle</RequestID></Response>"
)
QUERY_BODY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>'
    "<Message>Rate exceeded</Message></Error><RequestId>lab-throttle</RequestId></ErrorResponse>"
)
SERVICE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")


def refuses(share):
    return random.random() < share


def refusal(environ, start_response):
    service = SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    is_ec2 = service is not None and service.group(1) == "ec2"
    status, body = ("503 Service Unavailable", EC2_BODY) if is_ec2 else ("400 Bad Request", QUERY_BODY)
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body.encode()]
