//! A figure: the drawing, and how it becomes a part of the page or a file of its own.

use std::fmt::Write as _;

use crate::style;

/// Ground around a figure that stands alone, in drawing units.
const MARGIN: u32 = 48;

/// A drawing with the words that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Name of the file without ending, and anchor in the page.
    pub(crate) slug: String,
    /// Scenario whose part of the report it stands in; none beside the answer.
    pub(crate) scenario: Option<String>,
    /// The finding, in a sentence.
    pub(crate) title: String,
    /// What to look for.
    pub(crate) caption: String,
    /// What is drawn, for those who do not see it.
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
        self.svg(&style::with_variables(&self.elements), "", 0)
    }

    /// For a file of its own: colours of both schemes within it, on a ground of its own.
    pub(crate) fn standalone_svg(&self) -> String {
        let ground = format!(
            "<style>{}</style><rect x=\"-{MARGIN}\" y=\"-{MARGIN}\" width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n",
            style::dark_rules()
        );
        self.svg(&style::with_light_colours(&self.elements), &ground, MARGIN)
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

/// XML has no place for control characters, not even escaped.
fn escaped(text: &str) -> String {
    text.replace(char::is_control, " ")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
