"""Where moto's answers differ from what the lab stands for, its models are told otherwise."""

import random

from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend

taken_addresses = set()


def apply():
    for module in (elastic_ip_addresses, elastic_network_interfaces):
        if hasattr(module, "random_public_ip"):
            module.random_public_ip = new_address
    DBInstance.endpoint = property(endpoint_once_it_exists(DBInstance.endpoint))
    RDSBackend.create_db_instance_read_replica = refuse_early_replicas(RDSBackend.create_db_instance_read_replica)


def new_address():
    """An address of the lab's network; those below 198.18.16.0 are the lab's own."""
    while True:
        address = f"198.{random.randint(18, 19)}.{random.randint(16, 255)}.{random.randint(1, 254)}"
        if address not in taken_addresses:
            taken_addresses.add(address)
            return address


def endpoint_once_it_exists(original):
    def endpoint(database):
        return None if database.status == "creating" else original.fget(database)

    return endpoint


def refuse_early_replicas(original):
    def create_db_instance_read_replica(backend, db_kwargs):
        source = backend.find_db_from_id(db_kwargs["source_db_instance_identifier"])
        name = source.db_instance_identifier
        if source.status != "available":
            raise RDSClientError("InvalidDBInstanceState", f"DB instance {name} is not in the available state.")
        if source.backup_retention_period == 0:
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Automated backups are not enabled for DB instance {name}; a read replica needs them.",
            )
        return original(backend, db_kwargs)

    return create_db_instance_read_replica
