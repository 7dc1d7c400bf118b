//! The one binary. See [`schoolbell::command`].

use clap::Parser;
use tikv_jemallocator::Jemalloc;

// What SQLite's threads allocate and the others free keeps the locks of glibc's allocator busy: a quarter of
// the work on a message.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<()> {
    let arguments = schoolbell::command::Arguments::parse();
    // Children are started from the main thread, which lives as long as the process: they are
    // asked to die with the thread that started them.
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(arguments.run(std::env::vars()))
}
