//! The markup of a point's name and of a figure, everywhere in the page.

use maud::{Markup, PreEscaped, html};

use crate::{
    charts::Figure,
    findings::{Point, ScenarioFinding},
    style,
};

/// The pattern's mark and the point's name.
pub(super) fn point_name(point: &Point) -> Markup {
    html! {
        span.mark aria-hidden="true" style=(format!("color:var(--{})", point.pattern.slug())) {
            (style::symbol(point.pattern, &point.server))
        }
        (point.label())
    }
}

/// Whether a figure belongs to a scenario.
pub(super) fn is_of(figure: &Figure, finding: &ScenarioFinding) -> bool {
    figure.scenario.as_deref() == Some(finding.scenario.name.as_str())
}

/// A figure with its title above and its caption below. A title or a caption that an earlier figure of the page
/// has does not stand there again, nor does a title that the markup `beside` the figure contains.
pub(super) fn figure_markup(figure: &Figure, data: &str, figures: &[&Figure], beside: &str) -> Markup {
    let title = html! { (figure.title) };
    let earlier = || figures.iter().take_while(|other| other.slug != figure.slug);
    let is_titled = earlier().any(|other| other.title == figure.title);
    let explained = earlier().find(|other| other.caption == figure.caption);
    html! {
        figure id=(figure.slug) {
            @if is_titled {
                h4 { "The same, other points" }
            } @else if !beside.contains(&title.0) {
                h4 { (title) }
            }
            (PreEscaped(figure.inline_svg()))
            figcaption {
                @match explained {
                    Some(other) => { a href=(format!("#{}", other.slug)) { "How to read it" } },
                    None => { (figure.caption) },
                }
                " " a href=(data) { "Numbers" }
            }
        }
    }
}

/// A link to the explanation of a kind of table that several scenarios have.
pub(super) fn how_to_read(anchor: &str) -> Markup {
    html! { p.quiet.how { a href=(format!("#{anchor}")) { "How to read this table" } } }
}
