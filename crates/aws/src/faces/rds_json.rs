//! Databases and snapshots as boto 2's `rds` returned them: flat, `endpoint` a text, times in seconds since 1970.

use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::{DbInstance, DbSnapshot, DbSubnetGroup, PendingModifiedValues};
use rplay_module_api::{Json, json};

pub fn instance(instance: &DbInstance) -> Json {
    let endpoint = instance.endpoint();
    let groups: Vec<&str> =
        instance.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id()).collect();
    let parameter_groups: Vec<Json> = instance
        .db_parameter_groups()
        .iter()
        .map(|group| {
            json!({
                "parameter_group_name": group.db_parameter_group_name(),
                "parameter_apply_status": group.parameter_apply_status(),
            })
        })
        .collect();
    let option_groups: Vec<Json> = instance
        .option_group_memberships()
        .iter()
        .map(|group| json!({"option_group_name": group.option_group_name(), "status": group.status()}))
        .collect();
    let source = instance.read_replica_source_db_instance_identifier();
    json!({
        "id": instance.db_instance_identifier(),
        "create_time": seconds(instance.instance_create_time()),
        "status": instance.db_instance_status(),
        "engine": instance.engine(),
        "engine_version": instance.engine_version(),
        "license_model": instance.license_model(),
        "character_set_name": instance.character_set_name(),
        "allocated_storage": instance.allocated_storage(),
        "publicly_accessible": instance.publicly_accessible(),
        "latest_restorable_time": seconds(instance.latest_restorable_time()),
        "availability_zone": instance.availability_zone(),
        "secondary_availability_zone": instance.secondary_availability_zone(),
        "backup_retention": instance.backup_retention_period(),
        "backup_window": instance.preferred_backup_window(),
        "maintenance_window": instance.preferred_maintenance_window(),
        "auto_minor_version_upgrade": instance.auto_minor_version_upgrade(),
        "multi_zone": instance.multi_az(),
        "instance_type": instance.db_instance_class(),
        "username": instance.master_username(),
        "db_name": instance.db_name(),
        "DBName": null,
        "iops": instance.iops(),
        "replication_source": source,
        "read_replica_source_dbinstance_identifier": source,
        "endpoint": endpoint.and_then(|endpoint| endpoint.address()),
        "port": endpoint.and_then(aws_sdk_rds::types::Endpoint::port),
        "vpc_security_groups": groups.join(","),
        "parameter_groups": parameter_groups,
        "option_groups": option_groups,
        "pending_modified_values": pending(instance.pending_modified_values()),
        "db_subnet_groups": instance.db_subnet_group().map_or_else(|| json!({}), subnet_group),
    })
}

fn pending(values: Option<&PendingModifiedValues>) -> Json {
    json!({
        "multi_az": values.and_then(aws_sdk_rds::types::PendingModifiedValues::multi_az),
        // AWS itself shows asterisks here, never the password.
        "master_user_password": values.and_then(|it| it.master_user_password()).map(|_| "****"),
        "port": values.and_then(aws_sdk_rds::types::PendingModifiedValues::port),
        "iops": values.and_then(aws_sdk_rds::types::PendingModifiedValues::iops),
        "allocated_storage": values.and_then(aws_sdk_rds::types::PendingModifiedValues::allocated_storage),
        "engine_version": values.and_then(|it| it.engine_version()),
        "backup_retention_period": values.and_then(aws_sdk_rds::types::PendingModifiedValues::backup_retention_period),
        "db_instance_class": values.and_then(|it| it.db_instance_class()),
        "db_instance_identifier": values.and_then(|it| it.db_instance_identifier()),
    })
}

fn subnet_group(group: &DbSubnetGroup) -> Json {
    let subnets: Vec<Json> = group
        .subnets()
        .iter()
        .map(|subnet| {
            let zone = subnet.subnet_availability_zone().and_then(|zone| zone.name());
            json!({
                "status": subnet.subnet_status(),
                "identifier": subnet.subnet_identifier(),
                "availability_zone": {"name": zone, "provisioned_iops_capable": null},
            })
        })
        .collect();
    json!({
        "vpc_id": group.vpc_id(),
        "name": group.db_subnet_group_name(),
        "status": group.subnet_group_status().map(str::to_lowercase),
        "description": group.db_subnet_group_description(),
        "subnets": subnets,
    })
}

pub fn snapshot(snapshot: &DbSnapshot) -> Json {
    json!({
        "id": snapshot.db_snapshot_identifier(),
        "create_time": seconds(snapshot.snapshot_create_time()),
        "status": snapshot.status(),
        "availability_zone": snapshot.availability_zone(),
        "instance_id": snapshot.db_instance_identifier(),
        "instance_created": seconds(snapshot.instance_create_time()),
        "snapshot_type": snapshot.snapshot_type(),
        "iops": snapshot.iops(),
    })
}

fn seconds(time: Option<&DateTime>) -> Option<f64> {
    time.map(DateTime::as_secs_f64)
}
