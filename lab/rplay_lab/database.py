"""A database instance: a host of its own with PostgreSQL, either a primary or a replica that streams from one."""

import secrets
import socket
import struct

from . import network
from .places import DATABASE_LAYER

VERSION = "15"
CLUSTER = f"/var/lib/postgresql/{VERSION}/main"
SETTINGS = f"etc/postgresql/{VERSION}/main"
READY = "var/lib/lab-database-ready"
DISK = "2g"

# Replicas come in as this user, as on RDS; nobody else knows the password.
REPLICATION_USER = "rdsrepladmin"
REPLICATION_PASSWORD = secrets.token_hex(16)

ACCESS = f"""\
local all all peer
host all all {network.NETWORK} scram-sha-256
host replication {REPLICATION_USER} {network.NETWORK} scram-sha-256
"""

PRIMARY_UNIT = f"""\
[Unit]
After=postgresql@{VERSION}-main.service
ConditionPathExists=!/{READY}

[Service]
Type=oneshot
StandardInput=file:/root/lab-database.sql
ExecStart=/usr/sbin/runuser -u postgres -- /usr/bin/psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --dbname postgres
ExecStartPost=/usr/bin/touch /{READY}
ExecStartPost=/usr/bin/rm /root/lab-database.sql

[Install]
WantedBy=multi-user.target
"""

REPLICA_UNIT = f"""\
[Unit]
Before=postgresql@{VERSION}-main.service
After=lab-network.service
ConditionPathExists=!/{READY}

[Service]
Type=oneshot
EnvironmentFile=/root/lab-replica.env
ExecStart=/usr/bin/rm -rf {CLUSTER}
ExecStart=/usr/sbin/runuser -u postgres -- /usr/bin/pg_basebackup --checkpoint=fast --write-recovery-conf --pgdata {CLUSTER}
ExecStartPost=/usr/bin/touch /{READY}

[Install]
WantedBy=multi-user.target
"""


class Database:
    def __init__(self, lab, name, address, endpoint, port):
        self.host = lab.add_host(f"db-{name}", address, layers=[DATABASE_LAYER], names=[endpoint], disk=DISK)
        self.address = address
        self.port = port
        self.host.write(f"{SETTINGS}/conf.d/lab.conf", f"listen_addresses = '*'\nport = {port}\nfsync = off\n")
        self.host.write(f"{SETTINGS}/pg_hba.conf", ACCESS)

    def boot_primary(self, user, password, database):
        statements = [
            f"CREATE ROLE {identifier(user)} LOGIN CREATEROLE CREATEDB PASSWORD {literal(password)};",
            f"CREATE ROLE {REPLICATION_USER} LOGIN REPLICATION PASSWORD {literal(REPLICATION_PASSWORD)};",
        ]
        if database:
            statements.append(f"CREATE DATABASE {identifier(database)} OWNER {identifier(user)};")
        self.host.write("root/lab-database.sql", "\n".join(statements) + "\n", 0o600)
        self.host.enable_unit("lab-database.service", PRIMARY_UNIT)
        self.host.boot()

    def boot_replica(self, source_endpoint, source_port):
        settings = {
            "PGHOST": source_endpoint,
            "PGPORT": source_port,
            "PGUSER": REPLICATION_USER,
            "PGPASSWORD": REPLICATION_PASSWORD,
        }
        self.host.write("root/lab-replica.env", "".join(f"{key}={value}\n" for key, value in settings.items()), 0o600)
        self.host.enable_unit("lab-replica.service", REPLICA_UNIT)
        self.host.boot()

    def is_ready(self):
        return (self.host.upper / READY).exists() and asks_for_password(self.address, self.port)


def asks_for_password(address, port):
    """PostgreSQL accepts connections long before it serves them; only a served one is asked for its password."""
    parameters = b"user\0lab\0database\0postgres\0\0"
    message = struct.pack("!II", 8 + len(parameters), 3 << 16) + parameters
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            connection.sendall(message)
            return connection.recv(1) == b"R"
    except OSError:
        return False


def identifier(text):
    return '"' + text.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"
