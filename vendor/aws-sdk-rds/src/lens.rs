
pub(crate) fn reflens_describe_db_instances_output_output_marker(
    input: &crate::operation::describe_db_instances::DescribeDbInstancesOutput,
) -> ::std::option::Option<&::std::string::String> {
    let input = match &input.marker {
        ::std::option::Option::None => return ::std::option::Option::None,
        ::std::option::Option::Some(t) => t,
    };
    ::std::option::Option::Some(input)
}

pub(crate) fn reflens_describe_db_snapshots_output_output_marker(
    input: &crate::operation::describe_db_snapshots::DescribeDbSnapshotsOutput,
) -> ::std::option::Option<&::std::string::String> {
    let input = match &input.marker {
        ::std::option::Option::None => return ::std::option::Option::None,
        ::std::option::Option::Some(t) => t,
    };
    ::std::option::Option::Some(input)
}

pub(crate) fn lens_describe_db_instances_output_output_db_instances(
    input: crate::operation::describe_db_instances::DescribeDbInstancesOutput,
) -> ::std::option::Option<::std::vec::Vec<crate::types::DbInstance>> {
    let input = input.db_instances?;
    ::std::option::Option::Some(input)
}

pub(crate) fn lens_describe_db_snapshots_output_output_db_snapshots(
    input: crate::operation::describe_db_snapshots::DescribeDbSnapshotsOutput,
) -> ::std::option::Option<::std::vec::Vec<crate::types::DbSnapshot>> {
    let input = input.db_snapshots?;
    ::std::option::Option::Some(input)
}
