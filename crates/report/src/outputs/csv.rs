//! `summary.csv` and `trials.csv`: the findings as tables.

use contract::{Params, Pattern, PublisherHost};

use super::{
    summary::{bound, points},
    terminal::layout::plain,
};
use crate::{
    findings::{Findings, Point},
    judgement::floor,
    quantities::QuantityName,
    text::{network_words::network_text, number::six_digits},
    trials::measured::is_per_delivery,
};

/// Columns that identify the point of a row.
const POINT: &str = "scenario,pattern,server,subscribers,payload_bytes,rate_hz,poll_interval_ms,hold_ms,turnaround_ms,request_timeout_ms,client,keep_alive,delivery_delay_ms,side,ablation,publisher,rtt_ms,network,transport,certificate,streams_per_connection,max_streams,heartbeat,browser";

fn point_cells(point: &Point) -> String {
    let params: &Params = &point.params;
    let cells = [
        cell(&point.scenario),
        point.pattern.slug().to_owned(),
        cell(point.server.as_str()),
        params.subscribers.to_string(),
        params.payload_bytes.to_string(),
        value(Some(params.rate_hz)),
        value(params.poll_interval_ms),
        value(params.hold_ms),
        value(params.turnaround_ms),
        value(params.request_timeout_ms),
        params.client.to_string(),
        params.keep_alive.map_or_else(String::new, |kept| kept.to_string()),
        value(params.delivery_delay_ms),
        params.side.map_or_else(String::new, |side| side.to_string()),
        params.ablation.map_or_else(String::new, |ablation| ablation.to_string()),
        match params.publisher {
            PublisherHost::Server => "server".to_owned(),
            PublisherHost::Harness => "harness".to_owned(),
        },
        value(params.rtt_ms),
        // Words, with plain spaces: it has too many parts for columns.
        params.network.map_or_else(String::new, |network| cell(&plain(&network_text(&network)))),
        params.transport.to_string(),
        params.certificate.to_string(),
        params.streams_per_connection.map_or_else(String::new, |streams| streams.to_string()),
        params.max_streams.map_or_else(String::new, |streams| streams.to_string()),
        // An absent heartbeat is the usual one, if the pattern has heartbeats.
        match point.pattern {
            Pattern::ShortPolling | Pattern::LongPolling => String::new(),
            Pattern::Sse | Pattern::WebSocket => params.heartbeat.unwrap_or_default().to_string(),
        },
        params.browser.map_or_else(String::new, |browser| browser.task.slug().to_owned()),
    ];
    cells.join(",")
}

/// `summary.csv`: one row per point and quantity.
pub(crate) fn summary(findings: &Findings) -> String {
    let mut text = format!(
        "{POINT},trials,set_aside,valid,quantity,unit,measured,bound,low,high,predicted,predicted_low,predicted_high,added,closed_form,times_floor,times_floor_low,times_floor_high,clock_bound_ms\n"
    );
    let scenarios = &findings.scenarios;
    for (finding, point) in scenarios.iter().flat_map(|of| of.points.iter().map(move |point| (of, point))) {
        let start = point_cells(point);
        for quantity in &point.quantities {
            let floor = floor::ratio(finding, point, quantity.name);
            let cells = [
                start.clone(),
                point.trials.len().to_string(),
                point.set_aside.len().to_string(),
                point.valid.to_string(),
                quantity.name.key().to_owned(),
                quantity.name.unit().to_owned(),
                value(quantity.measured),
                bound(quantity.bound).unwrap_or_default().to_owned(),
                value(quantity.low),
                value(quantity.high),
                value(quantity.predicted),
                value(quantity.predicted_low),
                value(quantity.predicted_high),
                value(quantity.added_ms),
                value(quantity.closed_form),
                value(floor.and_then(|found| found.ratio)),
                value(floor.and_then(|found| found.low)),
                value(floor.and_then(|found| found.high)),
                value(quantity.clock_bound_ms),
            ];
            text.push_str(&cells.join(","));
            text.push('\n');
        }
    }
    text
}

/// `trials.csv`: one row per completed trial and quantity that it has.
pub(crate) fn trials(findings: &Findings) -> String {
    let mut text = format!("{POINT},block,order,valid,quantity,unit,value,bound\n");
    for point in points(findings) {
        let start = point_cells(point);
        for trial in &point.trials {
            for name in QuantityName::ALL {
                // What a point leaves out no row tells.
                let reported = !is_per_delivery(name) || point.missing(name).is_none();
                let Some(reading) = trial.reading(name).filter(|_| reported) else { continue };
                let cells = [
                    start.clone(),
                    trial.block.to_string(),
                    trial.order.to_string(),
                    point.valid.to_string(),
                    name.key().to_owned(),
                    name.unit().to_owned(),
                    value(Some(reading.value)),
                    bound(reading.bound).unwrap_or_default().to_owned(),
                ];
                text.push_str(&cells.join(","));
                text.push('\n');
            }
        }
    }
    text
}

/// Empty where there is none.
fn value(number: Option<f64>) -> String {
    number.and_then(six_digits).map_or_else(String::new, |number| number.to_string())
}

/// RFC 4180 §2: a cell with a separator, quote or line end is quoted, its quotes doubled. A leading
/// `=`, `+`, `-` or `@` would be a formula to a spreadsheet.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
