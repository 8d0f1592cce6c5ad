//! Colours and markers. They never change, so a reader learns them once for all figures.
//!
//! Figures are drawn in placeholder colours, one per [`ColourRole`], which are replaced afterwards: by CSS variables
//! within the page, by fixed colours and a style sheet in a separate file. So one drawing serves light and
//! dark backgrounds.

use std::fmt::Write as _;

use contract::{Pattern, ServerName};
use plotters::style::RGBColor;

/// The meaning of a stroke or an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourRole {
    /// A pattern's measurements.
    Measured(Pattern),
    /// The model of a pattern: the same colour, dashed.
    Model(Pattern),
    /// The floor of a pattern, where it is a curve: the same colour, dotted.
    Floor(Pattern),
    /// Words and ticks of the model.
    Text,
    /// Labels of axes.
    Quiet,
    /// Floors, limits and everything else without a pattern.
    Limit,
    /// The efficient front, which is not a measurement.
    Front,
    /// The floor in a key, without a pattern: dotted.
    FloorKey,
    /// Thin lines behind everything.
    Grid,
    /// Times that do not count.
    Shade,
    /// The background, for outlines around marks.
    Ground,
}

/// The shape of a pattern's mark, so that patterns are distinct without colour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Triangle,
    Square,
    Circle,
    Diamond,
}

/// A colour on a light and on a dark background, with about equal contrast.
pub(crate) struct Colour {
    pub(crate) variable: &'static str,
    pub(crate) light: &'static str,
    pub(crate) dark: &'static str,
}

/// Marker, light and dark colour of a pattern.
const fn pattern_style(pattern: Pattern) -> (Marker, &'static str, &'static str) {
    match pattern {
        Pattern::ShortPolling => (Marker::Triangle, "#E69F00", "#F2B632"),
        Pattern::LongPolling => (Marker::Square, "#009E73", "#2CC79A"),
        Pattern::Sse => (Marker::Circle, "#0072B2", "#4FA9E6"),
        Pattern::WebSocket => (Marker::Diamond, "#CC79A7", "#E39CC3"),
    }
}

pub(crate) const fn marker(pattern: Pattern) -> Marker {
    let (marker, ..) = pattern_style(pattern);
    marker
}

/// The marker of a point as a character: filled for the lab's own server, open for a third-party one, a
/// dotted line for the floor, which is a bound and not a competitor.
pub(crate) fn symbol(pattern: Pattern, server: &ServerName) -> &'static str {
    if server.is_floor() {
        return "┈";
    }
    match (marker(pattern), server.is_foreign()) {
        (Marker::Triangle, false) => "▲",
        (Marker::Triangle, true) => "△",
        (Marker::Square, false) => "■",
        (Marker::Square, true) => "□",
        (Marker::Circle, false) => "●",
        (Marker::Circle, true) => "○",
        (Marker::Diamond, false) => "◆",
        (Marker::Diamond, true) => "◇",
    }
}

const fn pattern_colour(pattern: Pattern) -> Colour {
    let (_, light, dark) = pattern_style(pattern);
    Colour { variable: pattern.slug(), light, dark }
}

impl ColourRole {
    pub(crate) fn all() -> Vec<Self> {
        let mut inks = vec![
            Self::Text,
            Self::Quiet,
            Self::Limit,
            Self::Front,
            Self::FloorKey,
            Self::Grid,
            Self::Shade,
            Self::Ground,
        ];
        for pattern in Pattern::ALL {
            inks.extend([Self::Measured(pattern), Self::Model(pattern), Self::Floor(pattern)]);
        }
        inks
    }

    pub(crate) const fn colour(self) -> Colour {
        let (variable, light, dark) = match self {
            Self::Measured(pattern) | Self::Model(pattern) | Self::Floor(pattern) => {
                return pattern_colour(pattern);
            }
            Self::Text => ("text", "#1B1D21", "#E8E9EB"),
            Self::Quiet => ("quiet", "#55585E", "#A9ADB5"),
            Self::Limit | Self::Front | Self::FloorKey => ("limit", "#767676", "#9A9DA3"),
            Self::Grid => ("grid", "#DADCE0", "#3A3D44"),
            Self::Shade => ("shade", "#ECEDEF", "#2A2D33"),
            Self::Ground => ("ground", "#FFFFFF", "#16181C"),
        };
        Colour { variable, light, dark }
    }

    /// Dash and gap of its strokes; none for a line without gaps.
    pub(crate) const fn dashes(self) -> Option<&'static str> {
        match self {
            Self::Model(_) | Self::Front => Some(DASHES),
            Self::Floor(_) | Self::FloorKey => Some(DOTS),
            Self::Measured(_)
            | Self::Text
            | Self::Quiet
            | Self::Limit
            | Self::Grid
            | Self::Shade
            | Self::Ground => None,
        }
    }

    /// The colour to draw with, unique to this ink.
    pub(crate) const fn placeholder(self) -> RGBColor {
        let number = match self {
            Self::Text => 1,
            Self::Quiet => 2,
            Self::Limit => 3,
            Self::Front => 4,
            Self::Grid => 5,
            Self::Shade => 6,
            Self::Ground => 7,
            Self::FloorKey => 8,
            Self::Measured(pattern) => 0x10 + pattern.index() as u8,
            Self::Model(pattern) => 0x20 + pattern.index() as u8,
            Self::Floor(pattern) => 0x30 + pattern.index() as u8,
        };
        RGBColor(0xFA, 0xCE, number)
    }
}

/// Dash and gap in drawing units.
const DASHES: &str = "stroke-dasharray=\"26 18\"";
const DOTS: &str = "stroke-dasharray=\"5 13\"";

/// The variables for a page: light, and dark if the reader prefers it.
pub(crate) fn variables() -> String {
    let list = |pick: fn(&Colour) -> &'static str| {
        let mut seen = Vec::new();
        let mut text = String::new();
        for ink in ColourRole::all() {
            let colour = ink.colour();
            if !seen.contains(&colour.variable) {
                seen.push(colour.variable);
                let _ = write!(text, "--{}:{};", colour.variable, pick(&colour));
            }
        }
        text
    };
    format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n",
        list(|colour| colour.light),
        list(|colour| colour.dark)
    )
}

/// The dark scheme of a figure in a separate file: the same drawing, recoloured by attribute.
pub(crate) fn dark_rules() -> String {
    let mut rules = String::new();
    for ink in ColourRole::all() {
        let Colour { light, dark, .. } = ink.colour();
        let rule = format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}");
        if !rules.contains(&rule) {
            rules.push_str(&rule);
        }
    }
    format!("@media(prefers-color-scheme:dark){{{rules}}}")
}
