//! The cost of a connection before its first event, if transports or round trips are compared.

use super::panel::{Cell, Kind, Panel, Place, Row, heads};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{Quantity, QuantityName},
    statistics::finite::mean,
    text::{
        number::{setting, three_digits},
        swept::{SweepParameter, Topic},
    },
};

const EXPLAINED: &str = "Set-up: from connecting to the first answer with a cursor. Round trips: set-up at p50 ÷ round-trip time; below it the model's count for a subscriber with its own connection. Bytes and packets are those of one subscriber's set-up, both directions. Connections: those that the server held.";

/// Added if subscribers share a connection.
const SHARED: &str =
    " An HTTP/2 stream shares its connection with others, and so their head-of-line blocking.";

/// The table of set-up; none unless the scenario varies something that changes it.
pub(crate) fn set_up(finding: &ScenarioFinding) -> Option<Panel> {
    let is_about_it = SweepParameter::of(&finding.scenario)?.has(Topic::SetUp);
    let rows: Vec<Row> = finding
        .points
        .iter()
        .filter(|point| point.completed().next().is_some() && !point.server.is_floor())
        .map(|point| Row::of(point, cells(point)))
        .collect();
    let shares = |point: &Point| point.params.streams_per_connection.is_some_and(|streams| streams > 1);
    let has_streams = finding.points.iter().any(shares);
    (is_about_it && !rows.is_empty()).then(|| Panel {
        heading: "Cost of a connection set-up".to_owned(),
        explained: format!("{EXPLAINED}{}", if has_streams { SHARED } else { "" }),
        heads: heads(["point", "set-up at p50", "at p99", "round trips", "bytes", "packets", "connections"]),
        rows,
        kind: Kind::Numbers,
        place: Place::Everywhere,
    })
}

fn cells(point: &Point) -> Vec<Cell> {
    let reported = |name: QuantityName| Cell::plain(point.quantity_of(name).measured_with_interval());
    vec![
        with_model(point.quantity_of(QuantityName::ConnectP50)),
        reported(QuantityName::ConnectP99),
        round_trips(point),
        reported(QuantityName::ConnectBytes),
        reported(QuantityName::ConnectPackets),
        reported(QuantityName::SocketsHeld),
    ]
}

fn with_model(quantity: &Quantity) -> Cell {
    let model = quantity.predicted.map(|_| format!("model {}", quantity.predicted_text()));
    Cell { small: model.into_iter().collect(), ..Cell::plain(quantity.measured_with_interval()) }
}

fn round_trips(point: &Point) -> Cell {
    let rtt_ms = point.params.rtt_ms.filter(|rtt_ms| *rtt_ms > 0.0);
    let measured = point.measured(QuantityName::ConnectP50).zip(rtt_ms).map(|(connect, rtt)| connect / rtt);
    let counted = predicted_round_trips(point).map(|trips| format!("model {}", setting(trips)));
    Cell {
        small: counted.into_iter().collect(),
        ..Cell::plain(measured.map_or_else(|| "—".to_owned(), three_digits))
    }
}

/// Round trips of a set-up by the model; the mean over blocks, which do not differ.
fn predicted_round_trips(point: &Point) -> Option<f64> {
    let forms = point.predicted.as_ref().map(|both| [&both.replayed, &both.closed_form])?;
    let trips: Vec<f64> =
        forms.into_iter().filter_map(|form| Some(form.as_ref().ok()?.set_up_round_trips)).collect();
    mean(&trips)
}
