//! Generates the gRPC code without protoc, and refuses an RPC that does not say who may call it.
//!
//! `protox::compile` drops custom options, so the compiler is driven by hand: the complete
//! descriptor set goes to `OUT_DIR` for reflection and for reading the options at start.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use prost_reflect::DescriptorPool;

fn main() -> anyhow::Result<()> {
    let out_dir = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let mut files = Vec::new();
    collect(Path::new("schoolbell"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(false).open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    every_rpc_names_its_roles(&encoded)?;
    std::fs::write(out_dir.join("descriptors.bin"), &encoded)?;

    tonic_prost_build::configure()
        .bytes(".schoolbell.directory.v1.ImportRosterRequest")
        .compile_fds(compiler.file_descriptor_set())?;
    println!("cargo:rerun-if-changed=schoolbell");
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

fn every_rpc_names_its_roles(encoded: &[u8]) -> anyhow::Result<()> {
    let pool = DescriptorPool::decode(encoded)?;
    let option = pool
        .get_extension_by_name("schoolbell.options.v1.access")
        .context("the option schoolbell.options.v1.access is not defined")?;
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.options();
        let access = options.get_extension(&option);
        let named = access
            .as_message()
            .and_then(|access| access.get_field_by_name("any_of").map(std::borrow::Cow::into_owned))
            .and_then(|roles| roles.as_list().map(|roles| !roles.is_empty()))
            .unwrap_or(false);
        ensure!(named, "{} does not say which roles may call it", method.full_name());
    }
    Ok(())
}
