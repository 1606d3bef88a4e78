//! Work that blocks its thread.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs what blocks the thread (processes, files, whoever else is slow), while the runtime's other work goes on elsewhere.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}
