//! Checks what the modules ask of the host.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

/// Fails when a module imports anything that is not on the list, naming every such import.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut refused = Vec::new();
    for module in workspace.modules() {
        let mut found = imports(&workspace.read(module)?).with_context(|| module.name.clone())?;
        if let Some(packaged) = workspace.read_packaged(module)? {
            let packaged = imports(&packaged);
            found.extend(packaged.with_context(|| format!("{}, packaged", module.name))?);
        }
        let count = found.len();
        let bad = found
            .into_iter()
            .filter(|(from, name)| !allowed(from, name, &module.settings.wasi));
        let before = refused.len();
        refused.extend(
            bad.map(|(from, name)| format!("  {}.wasm imports {from}.{name}", module.name)),
        );
        if refused.len() == before {
            println!("{:>3} imports, all allowed  {}.wasm", count, module.name);
        }
    }
    if !refused.is_empty() {
        bail!(
            "these imports are not on the list of xtask/src/imports.rs, nor of the module's `wasi`:\n{}\n\
             Envoy refuses a module when it lacks one of them; find out which dependency asks for it.",
            refused.join("\n")
        );
    }
    Ok(())
}

fn imports(wasm: &[u8]) -> Result<BTreeSet<(String, String)>> {
    let module = walrus::Module::from_buffer(wasm)?;
    Ok(module
        .imports
        .iter()
        .map(|import| (import.module.clone(), import.name.clone()))
        .collect())
}

fn allowed(from: &str, name: &str, wasi: &BTreeSet<String>) -> bool {
    match from {
        "env" => HOST_FUNCTIONS.contains(&name),
        "wasi_snapshot_preview1" => WASI_FUNCTIONS.contains(&name) && wasi.contains(name),
        _ => false,
    }
}

/// The host functions of Proxy-Wasm ABI 0.2.1, all of which Envoy has. The SDK refers to each of them in the default
/// methods of its traits, so a module usually imports most.
const HOST_FUNCTIONS: &[&str] = &[
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_metric",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// What a module may ask for by `wasi` in its metadata: random bytes, which Proxy-Wasm does not give.
const WASI_FUNCTIONS: &[&str] = &["random_get"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_functions_of_the_abi_are_allowed() {
        assert!(allowed("env", "proxy_log", &BTreeSet::new()));
        assert!(HOST_FUNCTIONS.is_sorted());
    }

    #[test]
    fn what_a_browser_or_wasi_would_give_is_not() {
        let none = BTreeSet::new();
        assert!(!allowed("env", "now", &none));
        assert!(!allowed(
            "__wbindgen_placeholder__",
            "__wbindgen_throw",
            &none
        ));
        assert!(!allowed("wasi_snapshot_preview1", "fd_write", &none));
        assert!(!allowed("wasi_snapshot_preview1", "random_get", &none));
    }

    #[test]
    fn random_bytes_are_for_modules_that_ask() {
        let asked = BTreeSet::from(["random_get".to_owned(), "fd_write".to_owned()]);
        assert!(allowed("wasi_snapshot_preview1", "random_get", &asked));
        assert!(!allowed("wasi_snapshot_preview1", "fd_write", &asked));
    }
}
