//! The document of two runs compared, for the terminal.

use super::terminal::{in_terminal, line};
use crate::{
    document::{Block, Cell, Column, Document, Group, Place, Table},
    judgement::compare::{Change, Compared, QuantityChange},
    quantities::QuantityName,
    text::number::{counted, from_to, setting, three_digits, times, with_interval},
};

/// Appears below every comparison of runs.
const ONE_BY_ONE: &str = "Each quantity is judged separately with a 95 % interval: of a hundred that did not change, about five look changed.";

/// Explains what is not judged.
const NOT_JUDGED: &str = "not judged: fewer than four blocks on a side, or a value is only a bound";

/// The conclusion if no quantity has enough blocks on both sides.
const NOTHING_JUDGED: &str =
    "Nothing was judged: that takes four blocks on both sides. Run again with `--blocks 4`.";

/// The conclusion, the changes as a table, and notes on hidden rows and other differences.
pub(crate) fn changes<'a>(compared: &Compared) -> Document<'a> {
    let [before, after] = &compared.runs;
    let mut runs = vec![line(format!("before: {before}")), line(format!("after:  {after}"))];
    runs.extend(compared.differences.iter().map(|difference| line(format!("differs: {difference}"))));
    let mut blocks = vec![
        Block::group(Group::Section, conclusion(compared).into_iter().map(line).collect()),
        Block::group(Group::Section, runs),
    ];
    if !compared.changes.is_empty() {
        // A narrow terminal leaves out the value before, then that after: the ratio says how they differ.
        let heads = [
            ("point", 0),
            ("quantity", 0),
            ("before", 2),
            ("after", 1),
            ("after ÷ before", 0),
            ("change", 0),
        ];
        let columns = heads.map(|(head, rank)| Column::values(head).ranked(rank)).to_vec();
        let table = Table::new("changes", columns, compared.changes.iter().map(row).collect());
        blocks.push(Block::table(table).at(Place::Terminal));
    }
    blocks.extend(hidden(compared).map(line));
    let is_not_judged = |change: &QuantityChange| change.change == Change::NotJudged;
    if compared.hidden_unjudged > 0 || compared.changes.iter().any(is_not_judged) {
        blocks.push(line(NOT_JUDGED));
    }
    for (points, side) in [(&compared.only_before, "before"), (&compared.only_after, "after")] {
        blocks.extend(points.iter().map(|point| line(format!("only {side}: {point}"))));
    }
    blocks.extend((compared.judged > 0 && !compared.is_equal).then(|| line(ONE_BY_ONE)));
    in_terminal("changes".to_owned(), blocks)
}

/// What the comparison shows, a line for each sentence.
fn conclusion(compared: &Compared) -> Vec<String> {
    if !has_common(compared) {
        return vec!["The two runs have no point in common.".to_owned()];
    }
    if compared.is_equal {
        return vec!["The two runs are equal: every quantity has the same value.".to_owned()];
    }
    if compared.judged == 0 {
        return vec![NOTHING_JUDGED.to_owned()];
    }
    let judged = counted(compared.judged as u64, "judged quantity", "judged quantities");
    let size = compared.smallest.filter(|smallest| *smallest > 0.0);
    let size = size.map(|smallest| format!("at least {} %", setting(smallest * 100.0)));
    match compared.largest() {
        Some(largest) => {
            let by = size.map_or_else(String::new, |size| format!(" by {size}"));
            vec![format!("{} of {judged} changed{by}.", compared.shown().count()), largest_words(largest)]
        }
        None => {
            let of = size.map_or_else(String::new, |size| format!(" of {size}"));
            vec![format!("No change{of} is shown in {judged}.")]
        }
    }
}

/// Whether any quantity of both runs was compared.
const fn has_common(compared: &Compared) -> bool {
    let hidden = compared.hidden_unchanged + compared.hidden_small + compared.hidden_unjudged;
    compared.changes.len() + hidden > 0
}

fn largest_words(change: &QuantityChange) -> String {
    let by = match (change.ratio, change.interval) {
        (Some(ratio), Some((low, high))) => format!(
            "is {} what it was (95 % interval {})",
            times(ratio),
            from_to(&three_digits(low), &three_digits(high))
        ),
        (Some(_), None) | (None, _) => format!("was {} and is {}", change.before, change.after),
    };
    let invalid = change.invalid.map_or_else(String::new, |invalid| format!(" ({invalid})"));
    let quantity = quantity_words(change.quantity);
    format!("The largest change: {quantity} with {} in {} {by}{invalid}.", change.point, change.scenario)
}

/// Its name without the table around it: a part of the bytes per event says so.
fn quantity_words(name: QuantityName) -> String {
    match name.label().strip_prefix("– ") {
        Some(part) => format!("bytes per event: {part}"),
        None => name.label().to_owned(),
    }
}

fn row(change: &QuantityChange) -> Vec<Cell> {
    let ends = change.interval.map(|(low, high)| [low, high].map(three_digits));
    let ratio = change.ratio.map_or_else(|| "—".to_owned(), three_digits);
    let why = match (change.change, change.invalid) {
        (word, Some(invalid)) => format!("{} ({invalid})", word.word()),
        (word, None) => word.word().to_owned(),
    };
    let values = [
        quantity_words(change.quantity),
        change.before.clone(),
        change.after.clone(),
        with_interval(&ratio, ends),
        why,
    ];
    let name = Cell::name(format!("{}: {}", change.scenario, change.point));
    std::iter::once(name).chain(values.map(Cell::value)).collect()
}

fn hidden(compared: &Compared) -> Option<String> {
    let smallest = compared.smallest.filter(|_| has_common(compared) && !compared.is_equal)?;
    Some(format!(
        "hidden: {} without a change shown, {} smaller than {} %, {} not judged (--all lists them)",
        compared.hidden_unchanged,
        compared.hidden_small,
        setting(smallest * 100.0),
        compared.hidden_unjudged
    ))
}
