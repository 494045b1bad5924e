//! The tables.

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::{
    stage::Measured,
    stats::Series,
    variants::{
        CALLS, CONTEST, ENTRY, LUA, NOOP, NOTHING, OFTEN, STEPS, TAG_10, TAG_100, TAG_FACTS,
        repeated,
    },
};

/// Every variant beside the others.
pub(crate) fn contest(measured: &Measured) -> Result<Table> {
    let (nothing, lua, noop) = (
        measured.of(NOTHING)?,
        measured.of(LUA)?.over(measured.of(NOTHING)?),
        measured.of(NOOP)?.over(measured.of(NOTHING)?),
    );
    let mut table = table(&[
        "variant",
        "µs a request",
        "min–max",
        "over no filter",
        "÷ Lua",
        "middle half",
        "÷ do-nothing",
        "middle half",
    ]);
    for name in CONTEST {
        let series = measured.of(name)?;
        let cost = series.over(nothing);
        let mut row = vec![
            name.to_owned(),
            format!("{:.1}", series.median()),
            format!("{:.1}", series.spread()),
        ];
        if name == NOTHING {
            row.extend(std::iter::repeat_n(String::new(), 5));
        } else {
            row.push(format!("{:+.2}", cost.median()));
            for base in [&lua, &noop] {
                let ratio = cost.ratio_to(base);
                row.push(format!("{:.2}", ratio.median()));
                row.push(format!("{:.2}", ratio.middle()));
            }
        }
        table.add_row(row);
    }
    Ok(table)
}

/// Variants beside no filter and a filter that does nothing.
pub(crate) fn beside_noop(measured: &Measured, names: &[String]) -> Result<Table> {
    let nothing = measured.of(NOTHING)?;
    let noop = measured.of(NOOP)?.over(nothing);
    let mut table = table(&[
        "variant",
        "µs a request",
        "min–max",
        "over no filter",
        "middle half",
        "÷ do-nothing",
        "middle half",
    ]);
    for name in names {
        let series = measured.of(name)?;
        let cost = series.over(nothing);
        let mut row = vec![
            name.clone(),
            format!("{:.1}", series.median()),
            format!("{:.1}", series.spread()),
        ];
        if name == NOTHING {
            row.extend(std::iter::repeat_n(String::new(), 4));
        } else {
            let ratio = cost.ratio_to(&noop);
            row.push(format!("{:+.2}", cost.median()));
            row.push(format!("{:.2}", cost.middle()));
            row.push(format!("{:.2}", ratio.median()));
            row.push(format!("{:.2}", ratio.middle()));
        }
        table.add_row(row);
    }
    Ok(table)
}

/// Where the time of `traffic-tag` goes: each line is one more step of the same work.
pub(crate) fn breakdown(measured: &Measured) -> Result<Table> {
    let mut table = table(&["step", "µs", "middle half", "share"]);
    let whole = measured.of(TAG_FACTS)?.over(measured.of(NOTHING)?);
    let mut before = measured.of(NOTHING)?;
    let ours = (
        "our code: read, decide, write (10 rules, 3 facts)",
        TAG_FACTS,
    );
    for (step, name) in STEPS
        .iter()
        .map(|(name, step, _)| (*step, *name))
        .chain([ours])
    {
        let after = measured.of(name)?;
        table.add_row(difference(step, &after.over(before), &whole));
        before = after;
    }
    table.add_row(difference("together", &whole, &whole));
    Ok(table)
}

/// What single host calls cost.
pub(crate) fn calls(measured: &Measured) -> Result<Table> {
    let mut table = table(&[
        "host call",
        "once, µs",
        "middle half",
        "each further one, µs",
    ]);
    let entry = measured.of(ENTRY)?;
    for call in CALLS {
        let once = measured.of(&repeated(call, 1))?;
        let often = measured.of(&repeated(call, OFTEN))?;
        let first = once.over(entry);
        table.add_row([
            call.to_owned(),
            format!("{:.2}", first.median()),
            format!("{:.2}", first.middle()),
            format!(
                "{:.2}",
                often.over(once).scaled(1.0 / (OFTEN - 1) as f64).median()
            ),
        ]);
    }
    Ok(table)
}

/// The two ratios that this project promises to keep low.
pub(crate) fn goals(measured: &Measured) -> Result<String> {
    let nothing = measured.of(NOTHING)?;
    let cost = |name| Ok::<_, anyhow::Error>(measured.of(name)?.over(nothing));
    let to_lua = cost(TAG_FACTS)?.ratio_to(&cost(LUA)?);
    let growth = cost(TAG_100)?.ratio_to(&cost(TAG_10)?);
    Ok(format!(
        "10 rules ÷ Lua doing the same: {:.2} ({:.2}); goal: below 1\n\
         100 rules ÷ 10 rules on one header: {:.2} ({:.2}); goal: at most 1.5",
        to_lua.median(),
        to_lua.middle(),
        growth.median(),
        growth.middle(),
    ))
}

/// A table whose first column is text and whose others are numbers.
pub(crate) fn table(header: &[impl AsRef<str>]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(ASCII_MARKDOWN)
        .set_header(header.iter().map(AsRef::as_ref));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn difference(step: &str, cost: &Series, whole: &Series) -> [String; 4] {
    [
        step.to_owned(),
        format!("{:+.2}", cost.median()),
        format!("{:.2}", cost.middle()),
        format!("{:.0} %", 100.0 * cost.median() / whole.median()),
    ]
}
