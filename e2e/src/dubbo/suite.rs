//! What became of the calls of the suite on two ways.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::{Outcome, RpcCode, mesh::Wire};

/// Fails unless all calls of the suite ended through the Envoys as they did directly.
pub fn expect_equal(
    direct: &BTreeMap<String, Outcome>,
    through: &BTreeMap<String, Outcome>,
    wire: Wire,
) -> Result<()> {
    ensure!(through.len() > 120, "only {} calls", through.len());
    let mut different = Vec::new();
    for (name, outcome) in through {
        let expected = direct
            .get(name)
            .context("a call that was not made directly")?;
        let same = match name.as_str() {
            // Two clocks run down: the consumer's and the one of Envoy's route.
            "timeout" => outcome.expect_rpc_exception(RpcCode::Timeout, &[]).is_ok(),
            // The way back is not bridged.
            "callback" if wire == Wire::Http2 => {
                !outcome.is_ok() && outcome.message().contains("callback")
            }
            _ => outcome.essence() == expected.essence(),
        };
        if !same {
            different.push(format!(
                "{name}:\n  direct  {}\n  through {}",
                expected.essence(),
                outcome.essence()
            ));
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n"));
    Ok(())
}
