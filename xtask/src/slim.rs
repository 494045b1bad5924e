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

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, ValType};

    #[test]
    fn keeps_what_is_declared_and_what_every_module_needs() {
        let slimmed = slim(&filter(), Some(&declared(&["proxy_on_request_headers"]))).unwrap();
        let mut wanted: Vec<&str> = REQUIRED.to_vec();
        wanted.push("proxy_on_request_headers");
        wanted.sort_unstable();
        assert_eq!(exports(&slimmed), wanted);
    }

    #[test]
    fn removes_what_only_a_removed_callback_reaches() {
        let all = slim(&filter(), None).unwrap();
        let few = slim(&filter(), Some(&declared(&[]))).unwrap();
        assert_eq!(imports(&all), ["proxy_log"]);
        assert!(imports(&few).is_empty());
        assert!(few.len() < all.len());
    }

    #[test]
    fn keeps_every_callback_when_none_is_declared() {
        let slimmed = slim(&filter(), None).unwrap();
        assert!(exports(&slimmed).contains(&"proxy_on_log".to_owned()));
        assert!(!exports(&slimmed).contains(&"__heap_base".to_owned()));
    }

    #[test]
    fn the_same_module_gives_the_same_bytes() {
        assert_eq!(
            slim(&filter(), None).unwrap(),
            slim(&filter(), None).unwrap()
        );
    }

    #[test]
    fn a_callback_that_is_not_there_is_an_error() {
        let error = slim(&filter(), Some(&declared(&["proxy_on_requst_headers"]))).unwrap_err();
        assert!(
            error.to_string().contains("proxy_on_requst_headers"),
            "{error}"
        );
        assert!(
            error.to_string().contains("proxy_on_request_headers"),
            "{error}"
        );
    }

    #[test]
    fn a_module_that_is_no_filter_is_an_error() {
        let error = slim(&Module::default().emit_wasm(), None).unwrap_err();
        assert!(error.to_string().contains("_initialize"), "{error}");
        assert!(slim(b"MZ", None).is_err());
    }

    /// A module with everything that a filter needs, two callbacks, and an import that only one of them calls.
    fn filter() -> Vec<u8> {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        module.exports.add("memory", memory);
        let nothing = module.types.add(&[], &[]);
        let (log, _) = module.add_import_func("env", "proxy_log", nothing);
        let mut export = |name: &str, calls: bool| {
            let mut function = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
            if calls {
                function.func_body().call(log);
            }
            let argument = module.locals.add(ValType::I32);
            let function = function.finish(vec![argument], &mut module.funcs);
            module.exports.add(name, function);
        };
        for name in REQUIRED.iter().filter(|name| **name != "memory") {
            export(name, false);
        }
        export("__heap_base", false);
        export("proxy_on_log", true);
        export("proxy_on_request_headers", false);
        module.emit_wasm()
    }

    fn declared(callbacks: &[&str]) -> BTreeSet<String> {
        callbacks.iter().map(|&name| name.to_owned()).collect()
    }

    fn exports(wasm: &[u8]) -> Vec<String> {
        let module = Module::from_buffer(wasm).unwrap();
        let mut names: Vec<String> = module
            .exports
            .iter()
            .map(|export| export.name.clone())
            .collect();
        names.sort_unstable();
        names
    }

    fn imports(wasm: &[u8]) -> Vec<String> {
        let module = Module::from_buffer(wasm).unwrap();
        module
            .imports
            .iter()
            .map(|import| import.name.clone())
            .collect()
    }
}
