//! The markup of a point's name and of a figure, everywhere in the page.

use maud::{Markup, PreEscaped, html};

use crate::{charts::Figure, findings::Point, style};

/// The pattern's mark and the point's name.
pub(super) fn point_name(point: &Point) -> Markup {
    html! {
        span.mark aria-hidden="true" style=(format!("color:var(--{})", point.pattern.slug())) {
            (style::symbol(point.pattern, &point.server))
        }
        (point.label())
    }
}

/// A figure with its title above and its caption below.
pub(super) fn figure_markup(figure: &Figure, data: &str) -> Markup {
    html! {
        figure id=(figure.slug) {
            h4 { (figure.title) }
            (PreEscaped(figure.inline_svg()))
            figcaption { (figure.caption) " " a href=(data) { "Numbers" } }
        }
    }
}
