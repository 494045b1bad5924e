//! Removes from a module what Envoy never uses.
//!
//! The Rust SDK exports every callback of Proxy-Wasm, and Envoy calls every callback that is exported. Without the
//! exports that a filter does not need Envoy saves the calls, and the module the code that only they reach.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use walrus::{ExportId, Module, ModuleConfig};

/// The module without the callbacks that are not in `callbacks` (all are kept when that is absent), without code that
/// nothing reaches, and without names, producers and other custom sections. The same input gives the same bytes.
pub(crate) fn slim(wasm: &[u8], callbacks: Option<&BTreeSet<String>>) -> Result<Vec<u8>> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(false)
        .generate_producers_section(false)
        .generate_dwarf(false);
    let mut module = config.parse(wasm).context("is not a Wasm module")?;
    if let Some(callbacks) = callbacks {
        remove_callbacks(&mut module, callbacks)?;
    }
    remove_linker_symbols(&mut module);
    let customs: Vec<_> = module.customs.iter().map(|(id, _)| id).collect();
    for custom in customs {
        module.customs.delete(custom);
    }
    walrus::passes::gc::run(&mut module);
    needs_exports(&module)?;
    Ok(module.emit_wasm())
}

fn remove_callbacks(module: &mut Module, callbacks: &BTreeSet<String>) -> Result<()> {
    let exported: BTreeSet<&str> = module
        .exports
        .iter()
        .map(|export| export.name.as_str())
        .collect();
    for callback in callbacks {
        if !callback.starts_with(CALLBACK) || !exported.contains(callback.as_str()) {
            let known: Vec<&str> = exported
                .iter()
                .copied()
                .filter(|name| name.starts_with(CALLBACK))
                .collect();
            bail!(
                "callbacks names {callback}, which the module does not export; it exports {}",
                known.join(" ")
            );
        }
    }
    remove_exports(module, |name| {
        name.starts_with(CALLBACK) && !REQUIRED.contains(&name) && !callbacks.contains(name)
    });
    Ok(())
}

/// `__data_end` and `__heap_base` are of use to a linker only.
fn remove_linker_symbols(module: &mut Module) {
    remove_exports(module, |name| name.starts_with("__"));
}

fn remove_exports(module: &mut Module, unwanted: impl Fn(&str) -> bool) {
    let ids: Vec<ExportId> = module
        .exports
        .iter()
        .filter(|export| unwanted(&export.name))
        .map(|export| export.id())
        .collect();
    for id in ids {
        module.exports.delete(id);
    }
}

fn needs_exports(module: &Module) -> Result<()> {
    for name in REQUIRED {
        if !module.exports.iter().any(|export| export.name == *name) {
            bail!("does not export {name}; is it a filter, with `proxy_wasm::main!`?");
        }
    }
    Ok(())
}

const CALLBACK: &str = "proxy_on_";

/// What every module needs. Without `proxy_on_delete` the SDK would keep each stream's context for ever.
const REQUIRED: &[&str] = &[
    "_initialize",
    "malloc",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
];
