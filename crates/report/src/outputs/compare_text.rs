//! Two runs compared, for the terminal.

use std::fmt::Write as _;

use super::terminal::layout::{align, plain, table};
use crate::{
    judgement::compare::{Change, Compared, QuantityChange},
    text::number::three_digits,
};

/// Appears below every comparison of runs.
const ONE_BY_ONE: &str = "Each quantity is judged separately with a 95 % interval: of a hundred that did not change, about five look changed.";

/// Comes first if no quantity has enough blocks on both sides.
const NOTHING_JUDGED: &str =
    "Nothing was judged: that takes four blocks on both sides. Run again with `--blocks 4`.";

/// The comparison as a table, with notes on hidden rows and other differences.
#[must_use]
pub fn compare_text(compared: &Compared) -> String {
    let [before, after] = &compared.runs;
    let mut text = format!("before: {}\nafter:  {}\n", plain(before), plain(after));
    for difference in &compared.differences {
        let _ = writeln!(text, "differs: {}", plain(difference));
    }
    text.push('\n');
    let any = compared.changes.len() + compared.hidden_unchanged + compared.hidden_small > 0;
    if any && compared.judged == 0 {
        let _ = writeln!(text, "{NOTHING_JUDGED}");
    }
    if compared.changes.is_empty() {
        let of = match (compared.judged, compared.hidden_small) {
            (0, _) if any => "",
            (0, _) => "The two runs have no point in common.\n",
            (_, 0) => "No change shown.\n",
            (_, _) => "No change of the requested size is shown.\n",
        };
        text.push_str(of);
    } else {
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
        change.quantity.key().to_owned(),
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
        crate::text::number::setting(smallest * 100.0)
    )
}
