//! Numbers for readers: three significant digits, and a thin space before the unit.

/// A space that is thin and never breaks a line.
pub(crate) const THIN_SPACE: char = '\u{202f}';

/// Three significant digits, thousands apart: `0.0123`, `4.30`, `988`, `12,300`.
pub(crate) fn three_digits(value: f64) -> String {
    if !value.is_finite() {
        // Findings never contain such a value; if one did, a page must not show it.
        return "—".to_owned();
    }
    let size = value.abs();
    if size < 5e-7 {
        return "0".to_owned();
    }
    let exponent = size.log10().floor() as i32;
    let step = 10_f64.powi(exponent - 2);
    let rounded = (value / step).round() * step;
    // Rounding up may add a digit: 9.996 is 10.0, not 10.00.
    let exponent = rounded.abs().log10().floor() as i32;
    let decimals = usize::try_from(2 - exponent).unwrap_or(0).min(8);
    grouped(&format!("{rounded:.decimals$}"))
}

/// Rounds down to three significant digits, so that a printed lower bound stays one: 2,146.3 becomes 2,140.
pub(crate) fn rounded_down(value: f64) -> f64 {
    if !value.is_finite() || value.abs() < 5e-7 {
        return value;
    }
    let step = 10_f64.powi(value.abs().log10().floor() as i32 - 2);
    // A value that has three digits keeps them, however its division is rounded: 4.3 ÷ 0.01 is 429.99….
    let steps = value / step;
    (steps + steps.abs() * 1e-12).floor() * step
}

/// A whole number with its thousands apart: `12,000`.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A count with its noun: `1 trial`, `12 trials`.
pub(crate) fn counted(value: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { more })
}

/// Number and unit.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    format!("{}{THIN_SPACE}{unit}", three_digits(value))
}

/// Bytes: `B`, from 1,000 up `KB`, from a million up `MB`.
pub(crate) fn bytes(value: f64) -> String {
    let (scaled, unit) = scaled_bytes(value);
    with_unit(scaled, unit)
}

/// Bytes in the unit in which they are printed, and that unit.
pub(crate) fn scaled_bytes(value: f64) -> (f64, &'static str) {
    match value.abs() {
        size if size >= 999_500.0 => (value * 1e-6, "MB"),
        size if size >= 999.5 => (value * 1e-3, "KB"),
        _ => (value, "B"),
    }
}

/// A duration that a scenario sets: below a second in milliseconds, else in seconds.
pub(crate) fn period_ms(value_ms: f64) -> String {
    if value_ms >= 1_000.0 { with_setting(value_ms * 1e-3, "s") } else { with_setting(value_ms, "ms") }
}

/// A measured time: below a second in milliseconds, else in seconds.
pub(crate) fn time_ms(value_ms: f64) -> String {
    if value_ms.abs() >= 1_000.0 { with_unit(value_ms * 1e-3, "s") } else { with_unit(value_ms, "ms") }
}

/// A setting is printed as it was set, not rounded to three digits with trailing zeros.
pub(crate) fn setting(value: f64) -> String {
    let text = three_digits(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A setting and its unit.
pub(crate) fn with_setting(value: f64, unit: &str) -> String {
    format!("{}{THIN_SPACE}{unit}", setting(value))
}

/// `2.90 times`.
pub(crate) fn times(ratio: f64) -> String {
    format!("{} times", three_digits(ratio))
}

/// A value with its interval, `4.30 (4.10–4.60)`; alone where there is none, and where both ends print like it.
pub(crate) fn with_interval(value: &str, ends: Option<[String; 2]>) -> String {
    format!("{value}{}", interval_after(value, ends))
}

/// The same without the value: ` (4.10–4.60)` or nothing.
pub(crate) fn interval_after(value: &str, ends: Option<[String; 2]>) -> String {
    let seen = ends.filter(|ends| ends.iter().any(|end| end != value));
    seen.map_or_else(String::new, |[low, high]| format!(" ({})", from_to(&low, &high)))
}

/// `12.0 %` from a share.
pub(crate) fn percent(share: f64) -> String {
    with_unit(share * 100.0, "%")
}

/// The ends of an interval: `4.10–4.60`.
pub(crate) fn from_to(low: &str, high: &str) -> String {
    format!("{low}–{high}")
}

/// `10 to 1,000 subscribers`: the unit once if both have the same.
pub(crate) fn span(first: &str, last: &str, word: &str) -> String {
    let unit =
        |text: &str| text.split_once([' ', THIN_SPACE]).map_or_else(String::new, |(_, unit)| unit.to_owned());
    let shared = unit(last);
    if !shared.is_empty() && unit(first) == shared {
        let number = first.trim_end_matches(&shared).trim_end();
        return format!("{number} {word} {last}");
    }
    format!("{first} {word} {last}")
}

/// `2026-11-21 05:48:02 UTC`; a text of another form as it is.
pub(crate) fn instant(rfc_3339: &str) -> String {
    let to_the_second = rfc_3339.strip_suffix('Z').and_then(|text| text.get(..19));
    match to_the_second {
        Some(text) => format!("{} UTC", text.replace('T', " ")),
        None => rfc_3339.to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// Six significant digits, for files that programs read.
pub(crate) fn six_digits(value: f64) -> Option<f64> {
    if !value.is_finite() {
        return None;
    }
    format!("{value:.5e}").parse().ok()
}

fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits_at_every_size() {
        for (value, text) in [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (0.999_9, "1.00"),
            (4.296, "4.30"),
            (9.996, "10.0"),
            (99.96, "100"),
            (987.6, "988"),
            (1_623.0, "1,620"),
            (12_345.0, "12,300"),
            (-3.0, "−3.00"),
            (f64::NAN, "—"),
            (f64::INFINITY, "—"),
        ] {
            assert_eq!(three_digits(value), text, "{value}");
        }
    }

    #[test]
    fn an_interval_that_adds_nothing_is_left_out() {
        let ends = |low: &str, high: &str| Some([low.to_owned(), high.to_owned()]);
        assert_eq!(with_interval("4.30", ends("4.10", "4.60")), "4.30 (4.10–4.60)");
        assert_eq!(with_interval("4.30", ends("4.30", "4.31")), "4.30 (4.30–4.31)");
        assert_eq!(with_interval("4.30", ends("4.30", "4.30")), "4.30");
        assert_eq!(with_interval("4.30", None), "4.30");
    }

    #[test]
    fn a_noun_follows_its_number() {
        for (value, text) in [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (1_200, "1,200 trials")] {
            assert_eq!(counted(value, "trial", "trials"), text);
        }
    }

    #[test]
    fn a_lower_bound_is_never_rounded_up() {
        for (value, text) in [
            (2_146.3, "2,140"),
            (9_596.0, "9,590"),
            (2_000.0, "2,000"),
            (4.3, "4.30"),
            (0.070_1, "0.0701"),
            (0.999_9, "0.999"),
            (99.96, "99.9"),
            (1_000.0, "1,000"),
            (0.0, "0"),
            (-2.141, "−2.15"),
        ] {
            assert_eq!(three_digits(rounded_down(value)), text, "{value}");
        }
        for thousandths in 100..1_000_u32 {
            let value = f64::from(thousandths) / 1e3;
            assert_eq!(three_digits(rounded_down(value)), three_digits(value));
        }
        assert_eq!(bytes(rounded_down(999.7)), "999\u{202f}B");
    }

    #[test]
    fn units_change_at_a_thousand() {
        assert_eq!(bytes(400.0), "400\u{202f}B");
        assert_eq!(bytes(999.7), "1.00\u{202f}KB");
        assert_eq!(bytes(1_234.0), "1.23\u{202f}KB");
        assert_eq!(period_ms(1_500.0), "1.5\u{202f}s");
        assert_eq!(period_ms(250.0), "250\u{202f}ms");
        assert_eq!(instant("2026-11-21T06:21:01.523178783Z"), "2026-11-21 06:21:01 UTC");
        assert_eq!(instant("today"), "today");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(six_digits(503.123_456_7), Some(503.123));
    }
}
