//! The tables.

use anyhow::Result;
use comfy_table::Table;

use super::{
    chains::Chain,
    frames::SIZES,
    stage::{CONNECTIONS, Measured},
};
use crate::report::table;

/// Every chain beside the others.
pub(crate) fn contest(measured: &Measured) -> Result<Table> {
    let mut table = table(&header("µs a call"));
    for chain in Chain::ALL {
        let mut row = vec![chain.name().to_owned()];
        for (size, connections) in columns() {
            let series = measured.of(chain, size, connections)?;
            row.push(format!("{:.1} ({:.1})", series.median(), series.middle()));
        }
        table.add_row(row);
    }
    Ok(table)
}

/// One chain beside another, in the same rounds.
pub(crate) fn ratios(measured: &Measured) -> Result<Table> {
    let mut table = table(&header("÷"));
    for (chain, base) in RATIOS {
        let mut row = vec![format!("{} ÷ {}", chain.name(), base.name())];
        for (size, connections) in columns() {
            let base = measured.of(base, size, connections)?;
            let ratio = measured.of(chain, size, connections)?.ratio_to(base);
            row.push(format!("{:.2} ({:.2})", ratio.median(), ratio.middle()));
        }
        table.add_row(row);
    }
    Ok(table)
}

/// What is compared with what.
const RATIOS: [(Chain, Chain); 7] = [
    (Chain::Consumer, Chain::Http2),
    (Chain::CopyHttp2, Chain::Http2),
    (Chain::Consumer, Chain::CopyHttp2),
    (Chain::Provider, Chain::Tcp),
    (Chain::Noop, Chain::Tcp),
    (Chain::Copy, Chain::Tcp),
    (Chain::DubboProxy, Chain::Tcp),
];

fn header(what: &str) -> Vec<String> {
    let name = |(size, connections)| format!("{}, {connections} conn.", size_name(size));
    std::iter::once(what.to_owned())
        .chain(columns().map(name))
        .collect()
}

fn columns() -> impl Iterator<Item = (usize, usize)> {
    SIZES
        .into_iter()
        .flat_map(|size| CONNECTIONS.map(|connections| (size, connections)))
}

fn size_name(size: usize) -> String {
    match size {
        ..=999 => format!("{size} B"),
        1000..=9999 => format!("{} kB", size / 1000),
        _ => format!("{} KiB", size / 1024),
    }
}
