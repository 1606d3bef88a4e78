"""The cloud's API: moto answers, and after every call the lab's hosts are made to match what it has said."""

import threading
import time
import traceback

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.rds.models import rds_backends
from werkzeug.serving import make_server

from . import moto_rules, network, throttle
from .cloud_address import CLOUD_PORT
from .database import Database
from .errors import LabError

KEY_NAME = "rplay-lab"
PENDING, RUNNING, TERMINATED = ("pending", 0), ("running", 16), ("terminated", 48)


class Cloud:
    def __init__(self, lab, region, rds_seconds, throttled_share):
        self.lab = lab
        self.region = region
        self.rds_seconds = rds_seconds
        self.throttled_share = throttled_share
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()
        self.machines = {}
        self.databases = {}

    def serve(self):
        moto_rules.apply()
        backend = ec2_backends[DEFAULT_ACCOUNT_ID][self.region]
        backend.import_key_pair(KEY_NAME, self.lab.public_key().encode(), {})
        server = make_server(network.GATEWAY, CLOUD_PORT, self, threaded=True, request_handler=QuietHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def __call__(self, environ, start_response):
        if throttle.refuses(self.throttled_share):
            return throttle.refusal(environ, start_response)
        with self.lock:
            answer = list(self.moto(environ, start_response))
            try:
                self.follow()
            except LabError as error:
                # The call itself was answered; that its host is missing is for the keeper's log to tell.
                print(error, flush=True)
        return answer

    def follow(self):
        """Only looks for differences, so no call needs to be understood here."""
        for instance in all_instances():
            self.follow_instance(instance)
        present = {(region, name): database for region, name, database in all_databases()}
        for key in list(self.databases):
            if key not in present:
                in_background(self.lab.remove_host, self.databases.pop(key).host)
        for key, database in present.items():
            if key not in self.databases and database.engine == "postgres":
                self.create_database(key, database)

    def follow_instance(self, instance):
        host = self.machines.get(instance.id)
        if instance.state == "running" and host is None:
            self.machines[instance.id] = host = self.make_machine(instance)
            self.start_machine(instance, host)
        elif instance.state == "running" and host.is_off:
            # A started instance comes back at another address, as on EC2.
            self.lab.move_host(host, instance.public_ip, [instance.public_dns_name])
            self.start_machine(instance, host)
        elif instance.state == "stopped" and host and not host.is_off:
            host.is_off = True
            in_background(host.shut_down)
        elif instance.state == "terminated" and host:
            in_background(self.lab.remove_host, self.machines.pop(instance.id))

    def make_machine(self, instance):
        key_pair = key_pair_of(instance)
        return self.lab.add_host(
            instance.id,
            instance.public_ip,
            public_keys=[key_pair.public_key] if key_pair else [],
            names=[instance.public_dns_name],
            hostname=instance.private_dns_name.split(".")[0],
        )

    def start_machine(self, instance, host):
        host.is_off = False
        set_state(instance, PENDING)
        in_background(self.bring_up, instance, host)

    def bring_up(self, instance, host):
        try:
            host.boot()
            host.wait()
        except LabError as error:
            print(f"instance {instance.id}: {error}", flush=True)
            with self.lock:
                set_state(instance, TERMINATED)
            return
        with self.lock:
            if instance.state == "pending":
                set_state(instance, RUNNING)

    def create_database(self, key, record):
        region, name = key
        record.status = "creating"
        endpoint, port = record.address, record.port
        database = Database(self.lab, name, moto_rules.new_address(), endpoint, port)
        self.databases[key] = database
        if record.is_replica:
            source = rds_backends[DEFAULT_ACCOUNT_ID][region].find_db_from_id(record.source_db_instance_identifier)
            database.boot_replica(source.address, source.port)
        else:
            database.boot_primary(record.master_username, record._master_user_password, record.db_name)
        in_background(self.bring_up_database, record, database)

    def bring_up_database(self, record, database):
        begun = time.monotonic()
        ready = network.wait_until(database.is_ready, seconds=max(120, self.rds_seconds), pause=0.2)
        if not ready:
            print(f"database {database.host.name} did not come up; its console: {database.host.log}", flush=True)
        time.sleep(max(0, self.rds_seconds - (time.monotonic() - begun)))
        with self.lock:
            record.status = "available" if ready else "failed"


class QuietHandler(MotoRequestHandler):
    def log(self, type, message, *arguments):
        """The keeper's log is for what goes wrong."""


def all_instances():
    for regions in list(ec2_backends.values()):
        for backend in list(regions.values()):
            for reservation in list(backend.reservations.values()):
                yield from reservation.instances


def all_databases():
    for regions in list(rds_backends.values()):
        for region, backend in list(regions.items()):
            for name, database in list(backend.databases.items()):
                yield region, name, database


def set_state(instance, state):
    instance._state.name, instance._state.code = state


def key_pair_of(instance):
    if instance.key_name:
        for key_pair in instance.ec2_backend.describe_key_pairs([instance.key_name]):
            return key_pair
    return None


def in_background(work, *arguments):
    def run():
        try:
            work(*arguments)
        except Exception:
            traceback.print_exc()

    threading.Thread(target=run, daemon=True).start()
