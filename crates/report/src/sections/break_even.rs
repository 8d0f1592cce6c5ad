//! The page of the break-even map.

use super::choice::basis_words;
use crate::{
    charts::{Figure, MOST_NAMED},
    document::{Block, Cell, Column, Content, Document, Group, Place, Role, Table, Text},
    estimates::{
        break_even::{BreakEven, Spot, at},
        choice::Resource,
    },
    text::{
        number::{count, counted, list, period_ms},
        setting::rate,
    },
};

const TITLE: &str = "Which pattern is cheapest?";

/// The whole page.
pub(crate) fn break_even<'a>(of: &BreakEven, figures: &'a [Figure]) -> Document<'a> {
    let basis = of.costs.as_ref().map_or_else(
        || "Bytes are the model's. No run with measured costs was found, so CPU and memory are missing.".to_owned(),
        |costs| {
            format!(
                "Bytes are the model's. CPU and memory are the model's requests, deliveries and connections times costs that were {}, each at the nearest measured point. Borders bend where another point becomes the nearest.",
                basis_words(costs)
            )
        },
    );
    let header = vec![
        Block::heading(1, TITLE),
        Block::with_role(
            Role::Facts,
            "Each place in a map is an event rate and an age that 99 of 100 deliveries must not exceed. Short polling polls as seldom as that age allows.",
        ),
        Block::with_role(Role::QuietFacts, basis),
    ];
    let drawn = figures.iter().map(|figure| Block {
        place: Place::Page,
        content: Content::Figure {
            figure,
            title: Some(figure.title.clone()),
            caption: Text::from(figure.caption.as_str()),
        },
    });
    let mut main = vec![Block::group(Group::Figures, drawn.collect())];
    main.push(Block::with_role(Role::Quiet, how_to_read(of)));
    if !of.spots.is_empty() {
        main.push(Block::heading(2, "The measured points"));
        main.push(Block::table(table(of)));
    }
    main.push(Block::paragraph("For your own numbers ask:"));
    main.push(Block::code("pushlab choose --rate 2 --subscribers 5000 --freshness 1s --rtt 50ms"));
    Document { title: TITLE.to_owned(), header, main }
}

/// What all figures share.
fn how_to_read(of: &BreakEven) -> String {
    let wish = &of.main.wish;
    format!(
        "Large panel: {}, events of {} B at random times, no added delay, as most of the lab's scenarios are measured. Small panels: one of these changed. Small marks fill the region of a pattern; two kinds of marks are two patterns that count as equal. Where more than two do, no difference is shown. Where there is no colour, no pattern is as fast, or one core does not keep up. Large marks: what was measured to be cheapest, at the age at p99 that short polling delivered there. A poll less often than every {} opens a new connection.",
        counted(u64::from(wish.subscribers), "subscriber", "subscribers"),
        wish.payload_bytes,
        period_ms(wish.idle_timeout.milliseconds()),
    )
}

fn table(of: &BreakEven) -> Table {
    let mut columns = vec![
        Column::words("scenario"),
        Column::values("events"),
        Column::values("age at p99"),
        Column::values("subscribers"),
    ];
    for resource in Resource::ALL {
        columns.push(Column::words(format!("{}: measured", resource.label())));
        columns.push(Column::words("map"));
    }
    let words = |patterns: &[contract::Pattern]| {
        if patterns.len() > MOST_NAMED {
            return "no difference".to_owned();
        }
        let names: Vec<String> = patterns.iter().map(|pattern| pattern.label().to_owned()).collect();
        if names.is_empty() { "—".to_owned() } else { list(&names) }
    };
    let row = |spot: &Spot| {
        let map = at(&spot.wish, of.costs.as_ref());
        let mut cells = vec![
            Cell::name(spot.scenario.clone()),
            Cell::value(rate(spot.wish.rate_hz)),
            Cell::value(period_ms(spot.wish.freshness.milliseconds())),
            Cell::value(count(u64::from(spot.wish.subscribers))),
        ];
        for resource in Resource::ALL {
            cells.push(Cell::value(words(&spot.cheapest[resource as usize])));
            cells.push(Cell::value(words(&map[resource as usize])));
        }
        cells
    };
    Table::new("measured points", columns, of.spots.iter().map(row).collect())
}
