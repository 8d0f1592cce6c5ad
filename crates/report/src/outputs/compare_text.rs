//! Two runs compared, for the terminal.

use std::fmt::Write as _;

use super::terminal::layout::{align, plain, table};
use crate::{
    judgement::compare::{Change, Compared, QuantityChange},
    quantities::QuantityName,
    text::number::{counted, setting, three_digits, times},
};

/// Appears below every comparison of runs.
const ONE_BY_ONE: &str = "Each quantity is judged separately with a 95 % interval: of a hundred that did not change, about five look changed.";

/// The conclusion if no quantity has enough blocks on both sides.
const NOTHING_JUDGED: &str =
    "Nothing was judged: that takes four blocks on both sides. Run again with `--blocks 4`.";

/// The conclusion, the changes as a table, and notes on hidden rows and other differences.
#[must_use]
pub fn compare_text(compared: &Compared) -> String {
    let [before, after] = &compared.runs;
    let mut text = String::new();
    for sentence in conclusion(compared) {
        let _ = writeln!(text, "{}", plain(&sentence));
    }
    let _ = write!(text, "\nbefore: {}\nafter:  {}\n", plain(before), plain(after));
    for difference in &compared.differences {
        let _ = writeln!(text, "differs: {}", plain(difference));
    }
    text.push('\n');
    if !compared.changes.is_empty() {
        let mut rows = table(&["point", "quantity", "before", "after", "after ÷ before", "change"]);
        for change in &compared.changes {
            rows.add_row(row(change));
        }
        align(&mut rows);
        let _ = writeln!(text, "{rows}\n");
    }
    text.push_str(&hidden(compared));
    for (points, side) in [(&compared.only_before, "before"), (&compared.only_after, "after")] {
        for point in points {
            let _ = writeln!(text, "only {side}: {}", plain(point));
        }
    }
    if compared.judged > 0 {
        let _ = writeln!(text, "{ONE_BY_ONE}");
    }
    text
}

/// What the comparison shows, a line for each sentence.
fn conclusion(compared: &Compared) -> Vec<String> {
    if compared.changes.len() + compared.hidden_unchanged + compared.hidden_small == 0 {
        return vec!["The two runs have no point in common.".to_owned()];
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

fn largest_words(change: &QuantityChange) -> String {
    let by = match (change.ratio, change.interval) {
        (Some(ratio), Some((low, high))) => format!(
            "is {} what it was (95 % interval {}–{})",
            times(ratio),
            three_digits(low),
            three_digits(high)
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

fn row(change: &QuantityChange) -> [String; 6] {
    let interval = change
        .interval
        .map_or_else(String::new, |(low, high)| format!(" ({}–{})", three_digits(low), three_digits(high)));
    let ratio = change.ratio.map_or_else(|| "—".to_owned(), three_digits);
    let why = match (change.change, change.invalid) {
        (word, Some(invalid)) => format!("{} ({invalid})", word.word()),
        (Change::NotJudged, None) => {
            format!("{}: fewer than four blocks, or a bound", Change::NotJudged.word())
        }
        (word, None) => word.word().to_owned(),
    };
    [
        plain(&format!("{}: {}", change.scenario, change.point)),
        quantity_words(change.quantity),
        plain(&change.before),
        plain(&change.after),
        format!("{ratio}{interval}"),
        why,
    ]
}

fn hidden(compared: &Compared) -> String {
    let Some(smallest) = compared.smallest else {
        return String::new();
    };
    format!(
        "hidden: {} without a change shown, {} smaller than {} % (--all lists them)\n",
        compared.hidden_unchanged,
        compared.hidden_small,
        setting(smallest * 100.0)
    )
}
