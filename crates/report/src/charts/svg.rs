//! What plotters' SVG needs afterwards: only the content of its root, without attributes that every element would
//! repeat; and the colours and dashes of a scheme instead of placeholders.

use plotters::style::RGBColor;

use crate::style::{Colour, ColourRole};

/// Attributes and spaces that plotters writes into every element and that say nothing, and what replaces them.
const SUPERFLUOUS: [(&str, &str); 6] = [
    (" opacity=\"1\"", ""),
    (" font-family=\"sans-serif\"", ""),
    (" stroke=\"none\"", ""),
    (" text-anchor=\"start\"", ""),
    (" \"/>", "\"/>"),
    ("\n</text>", "</text>"),
];

/// The content of plotters' `<svg>`, in placeholder colours.
pub(super) fn content(svg: &str) -> String {
    let start = svg.find('>').map_or(0, |place| place + 1);
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    let elements = rounded_sizes(svg[start..end].trim_start());
    SUPERFLUOUS.iter().fold(elements, |elements, (long, short)| elements.replace(long, short))
}

/// plotters divides font sizes, which leaves `60.00000000000001`.
fn rounded_sizes(svg: &str) -> String {
    let mut parts = svg.split("font-size=\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (size, rest) = part.split_once('"').unwrap_or((part, ""));
        let size = size.parse().map_or(0.0, f64::round);
        text.push_str(&format!("font-size=\"{size}\"{rest}"));
    }
    text
}

/// The elements with CSS variables as colours.
pub(super) fn with_variables(elements: &str) -> String {
    coloured(elements, |colour| format!("var(--{})", colour.variable))
}

/// The elements in the colours of the light scheme.
pub(super) fn with_light_colours(elements: &str) -> String {
    coloured(elements, |colour| colour.light.to_owned())
}

/// Replaces placeholder colours, and adds the dashes of the strokes that have some.
fn coloured(elements: &str, colour_text: impl Fn(&Colour) -> String) -> String {
    let mut text = elements.to_owned();
    for ink in ColourRole::all() {
        let RGBColor(red, green, blue) = ink.placeholder();
        let placeholder = format!("#{red:02X}{green:02X}{blue:02X}");
        let colour = colour_text(&ink.colour());
        if let Some(dashes) = ink.dashes() {
            let stroke = format!("stroke=\"{placeholder}\"");
            text = text.replace(&stroke, &format!("stroke=\"{colour}\" {dashes}"));
        }
        text = text.replace(&placeholder, &colour);
    }
    text
}

#[cfg(test)]
mod tests {
    use plotters::{
        element::{PathElement, Text},
        prelude::{IntoDrawingArea, SVGBackend},
        style::{Color, IntoFont, TextStyle},
    };

    use super::*;

    /// What plotters writes: a stroke in every colour, and a text.
    fn by_plotters() -> String {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (100, 100)).into_drawing_area();
            for ink in ColourRole::all() {
                let style = ink.placeholder().stroke_width(2);
                area.draw(&PathElement::new(vec![(0, 0), (9, 9)], style)).expect("a string takes all");
            }
            let style = TextStyle::from(("sans-serif", 15.0 * 1.24).into_font());
            area.draw(&Text::new("a < b".to_owned(), (5, 5), style)).expect("a string takes all");
        }
        svg
    }

    #[test]
    fn nothing_superfluous_is_left() {
        let elements = content(&by_plotters());
        assert!(elements.starts_with("<polyline") && !elements.contains("svg>"), "{elements}");
        for (superfluous, _) in SUPERFLUOUS {
            assert!(!elements.contains(superfluous), "{superfluous:?}: {elements}");
        }
        assert!(elements.contains("font-size=\"15\"") && elements.contains("a &lt; b"), "{elements}");
    }

    #[test]
    fn every_placeholder_becomes_a_colour_and_models_and_floors_are_dashed() {
        let elements = content(&by_plotters());
        let strokes = ColourRole::all().len();
        let dashed = ColourRole::all().into_iter().filter(|ink| ink.dashes().is_some()).count();
        for (coloured, sign) in
            [(with_variables(&elements), "stroke=\"var(--"), (with_light_colours(&elements), "stroke=\"#")]
        {
            assert_eq!(coloured.matches(sign).count(), strokes, "{coloured}");
            assert_eq!(coloured.matches("stroke-dasharray=").count(), dashed, "{coloured}");
            assert!(!coloured.contains("#FACE"), "{coloured}");
        }
    }
}
