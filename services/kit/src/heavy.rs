//! Work that keeps a processor busy for long.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does something that computes for longer than a few milliseconds, while the other tasks of this thread go on
/// in another one. Use it where ten thousand people are decided about at once.
pub fn heavy<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // There is no other thread, or nobody to hold up.
        _ => work(),
    }
}
