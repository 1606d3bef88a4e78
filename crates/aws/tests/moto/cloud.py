"""A cloud for tests: moto, made to take its time and to refuse calls as AWS does. Ends when its standard input does."""

import os
import re
import sys
import threading
import time

# Before moto is read: it looks at them once.
os.environ.update(MOTO_ENABLE_AMI_VALIDATION="1", MOTO_ENABLE_KEYPAIR_VALIDATION="1")

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import utils as ec2_utils
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend, rds_backends
from werkzeug.serving import WSGIRequestHandler, make_server

CREATING_SECONDS = 6
THROTTLED = ('<?xml version="1.0"?>\n<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit '
             "exceeded.</Message></Error></Errors><RequestID>throttled</RequestID></Response>")
born = {}
calls = {}


def settle():
    for _, backend in rds_backends[DEFAULT_ACCOUNT_ID].items():
        for database in backend.databases.values():
            age = time.monotonic() - born.setdefault(id(database), time.monotonic())
            if database.status in ("creating", "available"):
                database.status = "creating" if age < CREATING_SECONDS else "available"


def apply_rules():
    ec2_utils.filter_dict_attribute_mapping["client-token"] = "client_token"
    endpoint, replicate = DBInstance.endpoint.fget, RDSBackend.create_db_instance_read_replica
    DBInstance.endpoint = property(lambda self: None if self.status == "creating" else endpoint(self))

    def create_db_instance_read_replica(backend, db_kwargs):
        source = backend.find_db_from_id(db_kwargs["source_db_instance_identifier"])
        if source.status != "available":
            raise RDSClientError("InvalidDBInstanceState", "DB instance is not in the available state.")
        return replicate(backend, db_kwargs)

    RDSBackend.create_db_instance_read_replica = create_db_instance_read_replica


class Cloud:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        key = re.search(r"Credential=(\w+)/", environ.get("HTTP_AUTHORIZATION", ""))
        key = key.group(1) if key else ""
        with self.lock:
            calls[key] = calls.get(key, 0) + 1
            refused = key.startswith("THROTTLED") and calls[key] <= 4 or key.startswith("EXHAUSTED")
            if refused:
                body = THROTTLED.encode()
                start_response("503 Service Unavailable", [("Content-Length", str(len(body)))])
                return [body]
            settle()
            answer = list(self.moto(environ, start_response))
            settle()
        return answer


class Quiet(WSGIRequestHandler):
    # Without this every call would cost a new connection.
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


apply_rules()
server = make_server("127.0.0.1", 0, Cloud(), threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
