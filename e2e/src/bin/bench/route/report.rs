//! The tables.

use anyhow::Result;
use comfy_table::Table;

use super::variants::{
    BY_CLUSTER_HEADER, ONE_CLUSTER, SUITE, TWO_MODULES, UPSTREAM_COUNT, by_filter,
    by_filter_and_routes, by_header_routes,
};
use crate::{
    report::table,
    stage::Measured,
    variants::{NOTHING, TAG_FACTS},
};

/// Costs over no filter, one beside another in the same rounds.
pub(super) fn ratios(measured: &Measured) -> Result<Table> {
    let nothing = measured.of(NOTHING)?;
    let pairs = [
        (by_filter(100), by_filter(10)),
        (by_filter(1000), by_filter(10)),
        (by_filter_and_routes(1000), by_filter_and_routes(10)),
        (by_filter(100), by_header_routes(100)),
        (by_filter(1000), by_header_routes(1000)),
        (by_filter(10), TAG_FACTS.to_owned()),
        (SUITE.to_owned(), TWO_MODULES.to_owned()),
    ];
    let mut table = table(&[
        "cost over no filter ÷ cost over no filter",
        "ratio",
        "middle half",
    ]);
    for (of, to) in pairs {
        let cost = |name: &str| Ok::<_, anyhow::Error>(measured.of(name)?.over(nothing));
        let ratio = cost(&of)?.ratio_to(&cost(&to)?);
        table.add_row([
            format!("{of} ÷ {to}"),
            format!("{:.2}", ratio.median()),
            format!("{:.2}", ratio.middle()),
        ]);
    }
    Ok(table)
}

/// The same with requests that an upstream answers.
pub(super) fn upstream(measured: &Measured) -> Result<Table> {
    let one = measured.of(ONE_CLUSTER)?;
    let mut table = table(&["variant", "µs a request", "over one route", "middle half"]);
    for name in [
        ONE_CLUSTER,
        &by_header_routes(UPSTREAM_COUNT),
        BY_CLUSTER_HEADER,
    ] {
        let series = measured.of(name)?;
        let cost = series.over(one);
        table.add_row([
            name.to_owned(),
            format!("{:.1}", series.median()),
            format!("{:+.2}", cost.median()),
            format!("{:.2}", cost.middle()),
        ]);
    }
    Ok(table)
}
