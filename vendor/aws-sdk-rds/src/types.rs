
pub use crate::types::_db_snapshot::DbSnapshot;

pub use crate::types::_database_insights_mode::DatabaseInsightsMode;

pub use crate::types::_master_user_authentication_type::MasterUserAuthenticationType;

pub use crate::types::_db_instance::DbInstance;

pub use crate::types::_replica_mode::ReplicaMode;

pub use crate::types::_db_subnet_group::DbSubnetGroup;

pub use crate::types::_activity_stream_status::ActivityStreamStatus;

pub use crate::types::_activity_stream_mode::ActivityStreamMode;

pub use crate::types::_activity_stream_policy_status::ActivityStreamPolicyStatus;

pub use crate::types::_cloudwatch_logs_export_configuration::CloudwatchLogsExportConfiguration;

pub use crate::types::_automation_mode::AutomationMode;

pub use crate::types::_tag::Tag;

pub use crate::types::_storage_encryption_type::StorageEncryptionType;

pub use crate::types::_tag_specification::TagSpecification;

pub use crate::types::_upgrade_rollout_order::UpgradeRolloutOrder;

pub use crate::types::_master_user_secret::MasterUserSecret;

pub use crate::types::_certificate_details::CertificateDetails;

pub use crate::types::_processor_feature::ProcessorFeature;

pub use crate::types::_additional_storage_volume::AdditionalStorageVolume;

pub use crate::types::_endpoint::Endpoint;

pub use crate::types::_pending_modified_values::PendingModifiedValues;

pub use crate::types::_filter::Filter;

pub use crate::types::_modify_additional_storage_volume::ModifyAdditionalStorageVolume;

pub use crate::types::_vpc_security_group_membership::VpcSecurityGroupMembership;

pub use crate::types::_pending_cloudwatch_logs_exports::PendingCloudwatchLogsExports;

pub use crate::types::_domain_membership::DomainMembership;

pub use crate::types::_db_security_group_membership::DbSecurityGroupMembership;

pub use crate::types::_db_parameter_group_status::DbParameterGroupStatus;

pub use crate::types::_option_group_membership::OptionGroupMembership;

pub use crate::types::_db_instance_status_info::DbInstanceStatusInfo;

pub use crate::types::_db_instance_role::DbInstanceRole;

pub use crate::types::_db_instance_automated_backups_replication::DbInstanceAutomatedBackupsReplication;

pub use crate::types::_additional_storage_volume_output::AdditionalStorageVolumeOutput;

pub use crate::types::_subnet::Subnet;

pub use crate::types::_availability_zone::AvailabilityZone;

pub use crate::types::_outpost::Outpost;

mod _activity_stream_mode;

mod _activity_stream_policy_status;

mod _activity_stream_status;

mod _additional_storage_volume;

mod _additional_storage_volume_output;

mod _automation_mode;

mod _availability_zone;

mod _certificate_details;

mod _cloudwatch_logs_export_configuration;

mod _database_insights_mode;

mod _db_instance;

mod _db_instance_automated_backups_replication;

mod _db_instance_role;

mod _db_instance_status_info;

mod _db_parameter_group_status;

mod _db_security_group_membership;

mod _db_snapshot;

mod _db_subnet_group;

mod _domain_membership;

mod _endpoint;

mod _filter;

mod _master_user_authentication_type;

mod _master_user_secret;

mod _modify_additional_storage_volume;

mod _option_group_membership;

mod _outpost;

mod _pending_cloudwatch_logs_exports;

mod _pending_modified_values;

mod _processor_feature;

mod _replica_mode;

mod _storage_encryption_type;

mod _subnet;

mod _tag;

mod _tag_specification;

mod _upgrade_rollout_order;

mod _vpc_security_group_membership;

/// Builders
pub mod builders;

/// Error types that Amazon Relational Database Service can respond with.
pub mod error;
