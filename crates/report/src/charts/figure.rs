//! A figure: the drawing, and its forms as a part of the page and as a separate file.

use std::fmt::Write as _;

use super::svg;
use crate::style;

/// Margin around a figure in a separate file, in drawing units.
const MARGIN: u32 = 48;

/// A drawing with its texts.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Name of the file without ending, and anchor in the page.
    pub(crate) slug: String,
    /// The scenario that it belongs to; none for figures next to the answers.
    pub(crate) scenario: Option<String>,
    /// The finding, in a sentence.
    pub(crate) title: String,
    /// What to look for, and what the marks mean.
    pub(crate) caption: String,
    /// Alternative text: what is drawn.
    pub(crate) description: String,
    /// The elements within `<svg>`, in placeholder colours.
    pub(super) elements: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Figure {
    /// Path relative to the run's directory.
    pub(crate) fn path(&self) -> String {
        format!("figures/{}.svg", self.slug)
    }

    /// For the page: colours are its variables.
    pub(crate) fn inline_svg(&self) -> String {
        self.svg(&svg::with_variables(&self.elements), "", 0)
    }

    /// For a separate file: with the colours of both schemes and a background.
    pub(crate) fn standalone_svg(&self) -> String {
        let ground = format!(
            "<style>{}</style><rect x=\"-{MARGIN}\" y=\"-{MARGIN}\" width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n",
            style::dark_rules()
        );
        self.svg(&svg::with_light_colours(&self.elements), &ground, MARGIN)
    }

    fn svg(&self, elements: &str, ground: &str, margin: u32) -> String {
        let mut text = String::new();
        let _ = write!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-{margin} -{margin} {width} {height}\" role=\"img\" aria-labelledby=\"{slug}-title {slug}-desc\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif\">\n<title id=\"{slug}-title\">{title}</title>\n<desc id=\"{slug}-desc\">{desc}</desc>\n{ground}{elements}</svg>\n",
            width = self.width + 2 * margin,
            height = self.height + 2 * margin,
            slug = self.slug,
            title = escaped(&self.title),
            desc = escaped(&self.description),
        );
        text
    }
}

/// XML forbids control characters, even escaped ones.
fn escaped(text: &str) -> String {
    text.replace(char::is_control, " ")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
