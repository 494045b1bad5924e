//! The table, and what to try next.

use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use meshlane_e2e::shop::Shop;

use crate::{
    CONFIGURATION,
    play::{Cell, Row},
};

/// Fits into a usual terminal.
const WIDTH: u16 = 100;

/// The rows as a table.
pub(crate) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["request", "x-mse-tag", "goes to", "rule", "because"]);
    for row in rows {
        table.add_row([
            row.request.clone(),
            text(&row.tag),
            text(&row.destination),
            text(&row.rule),
            text(&row.reason),
        ]);
    }
    table
}

fn text(cell: &Cell) -> String {
    match &cell.expected {
        None => cell.found.clone(),
        Some(expected) => format!("{}\nWRONG, must\nbe {expected}", cell.found),
    }
}

/// What to try while everything stays up.
pub(crate) fn hints(shop: &Shop) -> Result<String> {
    let (edge, admin) = (shop.address()?, shop.envoy.admin().address());
    Ok(format!(
        "Up until Ctrl-C. Each answer names the upstream and the headers that it saw.

  curl http://{edge}/ -H 'x-user: alice'
  curl http://{edge}/ -H 'x-mse-tag: gray'
  curl http://{edge}/ -b 'uid=user-23'
  grpcurl -plaintext -import-path proto -proto meshlane/e2e/v1/echo.proto \\
    -H 'x-user: test-7' -d '{{\"message\": \"hello\"}}' {edge} meshlane.e2e.v1.EchoService/Echo

  access log  tail -f {log}
  metrics     curl -s http://{admin}/stats/prometheus | grep ^meshlane_
  Envoy       http://{admin}/
  the same decision without Envoy
              cargo run -p meshlane -- explain -c {CONFIGURATION} -H 'x-user: alice' http://shop.example/
",
        log = shop.log.file().display(),
    ))
}
