//! The part of the document that belongs to one scenario.

use super::{
    Answered,
    figures::{self, is_of, numbers_anchor},
    first_screen::FirstScreen,
    terminal,
    validity::{self, how_to_read},
    words::lengths_text,
};
use crate::{
    charts::Figure,
    document::{
        Block, CONTENTS_ANCHOR, Cell, Column, Content, Fold, FoldState, Group, ListKind, Place, Role,
        RowGroup, Style, Table, Text, Tone,
    },
    findings::{CONDITIONS_BENEATH, Point, ScenarioFinding, unmeasured},
    judgement::floor::{floor_explained, has_floor, ratio_text},
    quantities::QuantityName,
    tables::{
        comparison_rows::comparison_table,
        outside_range,
        panel::{Panel, point_name},
        panels::panels,
        servers::{SERVERS_EXPLAINED, server_table},
        watched,
    },
    text::{number, setting, swept::varied_text},
};

/// Question, setting, what to look at, finding, tables, figures, numbers, validity, command. What the first
/// screen has is left out.
pub(super) fn section<'a>(
    (finding, answer): Answered<'a>,
    first: &FirstScreen<'_>,
    figures: &[&'a Figure],
) -> Block<'a> {
    let scenario = &finding.scenario;
    let events = setting::arrivals_text(&scenario.events);
    let lengths = format!("Events: {events}. {}{}", lengths_text(finding), varied_text(scenario));
    let setting = vec![
        Block::heading(3, "Setting"),
        Block::paragraph(scenario.setting.as_str()),
        Block::with_role(Role::Quiet, lengths),
    ];
    let look_at = vec![Block::heading(3, "What to look at"), Block::paragraph(scenario.look_at.as_str())];
    let mut blocks = vec![Block::part(&scenario.name, first.heading(finding))];
    blocks.extend(terminal::answer(finding, answer));
    blocks.push(Block::group(
        Group::Pair,
        vec![Block::group(Group::Part, setting), Block::group(Group::Part, look_at)],
    ));
    let is_at_the_top = first.has_answer(&scenario.name);
    if !is_at_the_top {
        blocks.push(Block::with_role(Role::Answer, answer.headline.as_str()));
    }
    let shown = if is_at_the_top { CONDITIONS_BENEATH } else { 0 };
    let further = answer.conditions.iter().skip(shown);
    blocks.extend(further.map(|condition| Block::paragraph(condition.as_str())));
    blocks.extend(servers(finding));
    blocks.extend(watched::beside(finding).iter().map(|line| Block::paragraph(format!("{line}."))));
    blocks.extend(terminal::results(finding));
    for panel in panels(finding) {
        let is_above = first.has_table(&panel);
        let place = if is_above { Place::Terminal } else { panel.place };
        blocks.extend(Panel { place, ..panel }.blocks());
    }
    let own = figures.iter().filter(|figure| is_of(figure, finding) && !first.has_figure(figure));
    let own = own.map(|figure| figures::block(figure, &numbers_anchor(finding), figures, &[])).collect();
    blocks.push(Block::group(Group::Figures, own));
    blocks.push(numbers(finding));
    blocks.extend(ages_outside_range(finding));
    if has_floor(finding) {
        blocks.push(Block::with_role(Role::Quiet, floor_explained(finding)));
    }
    blocks.extend(comparisons(finding));
    blocks.push(validity::fold(finding));
    blocks.push(Block::heading(3, "Reproduce"));
    blocks.push(Block::code(&finding.command));
    blocks.push(Block::with_role(Role::Back, Text::default().link(CONTENTS_ANCHOR, "Contents")));
    blocks.extend(terminal::remarks(finding));
    Block::group(Group::Section, blocks)
}

/// Every server and pattern; nothing where only the lab's own servers were measured.
fn servers<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let Some(table) = server_table(finding) else { return Vec::new() };
    vec![
        Block::heading(3, "Server by server"),
        Block::with_role(Role::Quiet, SERVERS_EXPLAINED),
        Block::table(table),
    ]
}

fn ages_outside_range<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let sentences: Vec<Text> = outside_range::sentences(finding).into_iter().map(Text::from).collect();
    if sentences.is_empty() {
        return Vec::new();
    }
    vec![Block::heading(3, outside_range::HEADING), Block::list(ListKind::Items, sentences)]
}

fn comparisons<'a>(finding: &ScenarioFinding) -> Option<Block<'a>> {
    let table = Block::table(comparison_table(finding)?);
    Some(Block::fold("All pairs compared", vec![how_to_read("t-pairs"), table]))
}

fn numbers<'a>(finding: &ScenarioFinding) -> Block<'a> {
    let floor = has_floor(finding).then_some("× floor");
    let heads = ["quantity", "predicted", "measured", "ratio", "closed form"].into_iter().chain(floor);
    let columns: Vec<Column> = heads.map(Column::values).collect();
    let known = finding.known_quantities();
    let groups =
        finding.listed().into_iter().map(|point| numbers_of(finding, point, &known, columns.len())).collect();
    let table = Block::table(Table { name: "every number".to_owned(), columns, groups });
    let fold = Fold {
        anchor: Some(numbers_anchor(finding)),
        heading: None,
        summary: "Every number: predicted, measured, ratio".to_owned(),
        state: FoldState::Plain,
        blocks: vec![how_to_read("t-numbers"), table],
    };
    Block { place: Place::Page, content: Content::Fold(fold) }
}

fn numbers_of(finding: &ScenarioFinding, point: &Point, known: &[QuantityName], columns: usize) -> RowGroup {
    let settings = setting::params_text(&point.params);
    let title = point_name(point).plain(" ").and(Style::Small, format!("({settings})"));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    match unmeasured(point) {
        Some(words) => rows.push(vec![Cell::across(columns, words)]),
        None => rows.extend(known.iter().map(|name| number_cells(finding, point, *name))),
    }
    rows.extend(point_warnings(point).into_iter().map(|warning| vec![Cell::across(columns, warning)]));
    RowGroup { title: Some(title), rows }
}

fn number_cells(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> Vec<Cell> {
    let quantity = point.quantity_of(name);
    let tone = if quantity.warning.is_some() { Tone::Absent } else { Tone::Plain };
    let measured = Cell::value(quantity.measured_with_interval()).toned(tone);
    let mut cells = vec![
        Cell::name(name.label()),
        Cell::value(quantity.predicted_with_range()),
        Cell { hint: quantity.warning.clone(), ..measured },
        Cell::value(quantity.comparison_text()),
        Cell::value(quantity.closed_form_text()),
    ];
    if has_floor(finding) {
        cells.push(Cell::value(ratio_text(finding, point, name).unwrap_or_else(|| "—".to_owned())));
    }
    cells
}

/// Why numbers of a point are grey, each reason once with its quantities.
fn point_warnings(point: &Point) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for quantity in &point.quantities {
        let Some(warning) = quantity.warning.as_deref() else {
            continue;
        };
        let name = quantity.name.label().to_owned();
        match reasons.iter_mut().find(|(known, _)| *known == warning) {
            Some((_, names)) => names.push(name),
            None => reasons.push((warning, vec![name])),
        }
    }
    let words = |(warning, names): (&str, Vec<String>)| {
        if names.len() > 3 {
            format!("{} of the quantities: {warning}", names.len())
        } else {
            format!("{}: {warning}", number::list(&names))
        }
    };
    reasons.into_iter().map(words).collect()
}
