//! Replayed schedules: reads a CSV with the columns `offset_ms,type,data`.

use super::{ScheduleError, ScheduledEvent};

const COLUMNS: [&str; 3] = ["offset_ms", "type", "data"];

/// Reads the events of a replay that are due before `length_ns`.
///
/// `offset_ms` is decimal milliseconds since the start and must not decrease. `type` may be empty. `data` must
/// not contain a carriage return, because SSE cannot carry one.
pub(crate) fn events(
    file: &str,
    csv_text: Option<&str>,
    length_ns: u64,
) -> Result<Vec<ScheduledEvent>, ScheduleError> {
    let error = |problem: String| ScheduleError::Replay { file: file.to_owned(), problem };
    let text = csv_text.ok_or_else(|| error("the file of the replay is missing".to_owned()))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|problem| error(problem.to_string()))?;
    if header.iter().ne(COLUMNS) {
        return Err(error(format!("line 1: the columns must be {}", COLUMNS.join(","))));
    }
    let mut events: Vec<ScheduledEvent> = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|problem| error(problem.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let event = event(&row).map_err(|problem| error(format!("line {line}: {problem}")))?;
        if events.last().is_some_and(|before| before.due_ns > event.due_ns) {
            return Err(error(format!("line {line}: offset_ms falls: sort the rows by time")));
        }
        if event.due_ns < length_ns {
            events.push(event);
        }
    }
    if events.is_empty() {
        return Err(error("no event is due within the schedule".to_owned()));
    }
    Ok(events)
}

fn event(row: &csv::StringRecord) -> Result<ScheduledEvent, String> {
    let (offset, event_type, data) = (&row[0], &row[1], &row[2]);
    let offset_ms: f64 = offset
        .parse()
        .ok()
        .filter(|offset| (0.0..=1e9).contains(offset))
        .ok_or_else(|| format!("offset_ms is `{offset}`: expected milliseconds from 0"))?;
    let event_type = match event_type {
        "" => None,
        name => Some(name.parse().map_err(|problem: contract::EventTypeError| problem.to_string())?),
    };
    if data.contains('\r') {
        return Err("data holds a carriage return, which SSE cannot carry".to_owned());
    }
    Ok(ScheduledEvent { due_ns: (offset_ms * 1e6).round() as u64, event_type, payload: data.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(csv: &str) -> String {
        events("ticks.csv", Some(csv), 1_000_000_000).unwrap_err().to_string()
    }

    #[test]
    fn rows_become_events_up_to_the_length() {
        let csv = "offset_ms,type,data\n0.5,trade,ACME 1\n10,,\"a,\"\"b\"\"\"\n1000,,late\n";
        let events = events("ticks.csv", Some(csv), 1_000_000_000).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].due_ns, 500_000);
        assert_eq!(events[0].event_type.as_ref().unwrap().as_str(), "trade");
        assert_eq!((events[1].event_type.as_ref(), events[1].payload.as_str()), (None, "a,\"b\""));
    }

    #[test]
    fn damage_is_named_with_file_and_line() {
        for (csv, words) in [
            ("offset_ms,data\n", "line 1: the columns must be offset_ms,type,data"),
            ("offset_ms,type,data\nx,,a\n", "line 2: offset_ms is `x`"),
            ("offset_ms,type,data\n-1,,a\n", "line 2: offset_ms is `-1`"),
            ("offset_ms,type,data\nNaN,,a\n", "line 2: offset_ms is `NaN`"),
            ("offset_ms,type,data\n1,,a\n0,,b\n", "line 3: offset_ms falls"),
            ("offset_ms,type,data\n1,message,a\n", "line 2: `message` is not an event type"),
            ("offset_ms,type,data\n1,,\"a\rb\"\n", "carriage return"),
            ("offset_ms,type,data\n1,a\n", "found record with 2 fields"),
            ("offset_ms,type,data\n5000,,a\n", "no event is due"),
        ] {
            let error = error_of(csv);
            assert!(error.starts_with("ticks.csv: ") && error.contains(words), "{error}");
        }
        assert!(events("t.csv", None, 1).unwrap_err().to_string().contains("is missing"));
    }
}
