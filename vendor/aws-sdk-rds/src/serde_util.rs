
pub(crate) fn additional_storage_volume_correct_errors(
    mut builder: crate::types::builders::AdditionalStorageVolumeBuilder,
) -> crate::types::builders::AdditionalStorageVolumeBuilder {
    if builder.volume_name.is_none() {
        builder.volume_name = Some(Default::default())
    }
    builder
}
