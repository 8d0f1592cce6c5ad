//! What is wrong with a figure: texts beyond its edges or upon each other, lines and marks that another pattern's
//! hide.

/// A text of a figure and the area that it takes with a common font: left, right, and its middle's height.
struct Placed<'a> {
    text: &'a str,
    left: f64,
    right: f64,
    middle: f64,
    size: f64,
}

/// Everything that is wrong with a figure, in words.
pub(super) fn faults(svg: &str) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(texts_beyond_the_edge(svg).into_iter().map(|text| format!("beyond the edge: {text}")));
    faults.extend(texts_upon_each_other(svg).into_iter().map(|texts| format!("upon each other: {texts}")));
    faults.extend(hidden_lines(svg).into_iter().map(|line| format!("a hidden line: {line}")));
    faults.extend(hidden_marks(svg).into_iter().map(|mark| format!("a hidden mark: {mark}")));
    faults
}

/// An attribute of an element.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

fn number(element: &str, name: &str) -> Option<f64> {
    attribute(element, name)?.parse().ok()
}

/// The elements of this name, up to the end of their first tag.
fn elements<'a>(svg: &'a str, name: &str) -> Vec<&'a str> {
    svg.split(&format!("<{name}")).skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

/// The level texts. Fonts differ: the area is that of a narrow letter, in em.
fn placed(svg: &str, letter: f64) -> Vec<Placed<'_>> {
    let texts = svg.split("<text").skip(1).filter_map(|element| {
        let (attributes, rest) = element.split_once('>')?;
        let text = rest.split("</text>").next()?.trim();
        // An entity is one letter.
        let shown =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&quot;", "\"");
        let letters = shown.chars().map(|shown| if shown.is_uppercase() { letter * 1.3 } else { letter });
        let size = number(attributes, "font-size")?;
        let (width, x) = (letters.sum::<f64>() * size, number(attributes, "x")?);
        let left = if attributes.contains("\"end\"") {
            x - width
        } else if attributes.contains("\"middle\"") {
            x - width / 2.0
        } else {
            x
        };
        let middle = number(attributes, "y")?;
        let is_turned = attributes.contains("transform=");
        (!is_turned).then_some(Placed { text, left, right: left + width, middle, size })
    });
    texts.collect()
}

/// Texts that are cut off at the left or right edge.
fn texts_beyond_the_edge(svg: &str) -> Vec<&str> {
    let edges: Vec<f64> = svg
        .split_once("viewBox=\"")
        .and_then(|(_, rest)| rest.split('"').next())
        .expect("a figure has its edges")
        .split(' ')
        .map(|edge| edge.parse().expect("a number"))
        .collect();
    let (left, right) = (edges[0], edges[0] + edges[2]);
    let beyond = placed(svg, 0.52).into_iter().filter(|placed| placed.left < left || placed.right > right);
    beyond.map(|placed| placed.text).collect()
}

/// Pairs of texts that share some area.
fn texts_upon_each_other(svg: &str) -> Vec<String> {
    let placed = placed(svg, 0.46);
    let mut pairs = Vec::new();
    for (index, one) in placed.iter().enumerate() {
        for other in &placed[index + 1..] {
            // A letter without its strokes above and below is half as high as its font.
            let is_level = (one.middle - other.middle).abs() < 0.55 * one.size.max(other.size);
            if is_level && one.left < other.right && other.left < one.right {
                pairs.push(format!("{} | {}", one.text, other.text));
            }
        }
    }
    pairs
}

/// Lines that another one of the same width, with the same gaps and of another colour covers wholly.
fn hidden_lines(svg: &str) -> Vec<String> {
    let lines = elements(svg, "polyline");
    let looks = |line: &str| {
        let names = ["points", "stroke-width", "stroke-dasharray"];
        names.map(|name| attribute(line, name).unwrap_or_default().to_owned())
    };
    let mut hidden = Vec::new();
    for (index, lower) in lines.iter().enumerate() {
        let covers = |upper: &&&str| {
            looks(lower) == looks(upper) && attribute(lower, "stroke") != attribute(upper, "stroke")
        };
        hidden.extend(lines[index + 1..].iter().find(covers).map(|_| (*lower).to_owned()));
    }
    hidden
}

/// Opaque marks upon which one of another colour lies.
fn hidden_marks(svg: &str) -> Vec<String> {
    const GROUND: &str = "#FFFFFF";
    let circles = elements(svg, "circle").into_iter().filter_map(|circle| {
        Some((attribute(circle, "fill")?, number(circle, "cx")?, number(circle, "cy")?))
    });
    let opaque = |polygon: &&str| attribute(polygon, "opacity").is_none();
    let polygons = elements(svg, "polygon").into_iter().filter(opaque).filter_map(|polygon| {
        let corners: Vec<(f64, f64)> = attribute(polygon, "points")?
            .split_whitespace()
            .filter_map(|corner| corner.split_once(','))
            .filter_map(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)))
            .collect();
        let middle = |values: Vec<f64>| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            f64::midpoint(low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        };
        let x = middle(corners.iter().map(|(x, _)| *x).collect());
        let y = middle(corners.iter().map(|(_, y)| *y).collect());
        Some((attribute(polygon, "fill")?, x, y))
    });
    let marks: Vec<(&str, f64, f64)> =
        circles.chain(polygons).filter(|(colour, _, _)| *colour != GROUND).collect();
    let mut hidden = Vec::new();
    for (index, one) in marks.iter().enumerate() {
        // A unit of a drawing is four of these; a mark is eleven units wide.
        let covers = |other: &&(&str, f64, f64)| {
            one.0 != other.0 && (one.1 - other.1).abs() < 8.0 && (one.2 - other.2).abs() < 8.0
        };
        hidden.extend(marks[index + 1..].iter().find(covers).map(|other| format!("{one:?} by {other:?}")));
    }
    hidden
}

fn figure(elements: &str) -> String {
    format!("<svg viewBox=\"-48 -48 496 300\">\n{elements}</svg>")
}

#[test]
fn a_text_beyond_the_edge_is_found() {
    let text = |x: u32| figure(&format!("<text x=\"{x}\" y=\"40\" font-size=\"50\">\nage &lt; 2 ms</text>"));
    assert!(faults(&text(100)).is_empty());
    assert_eq!(faults(&text(300)), ["beyond the edge: age &lt; 2 ms"]);
}

#[test]
fn texts_upon_each_other_are_found() {
    let texts = |y: u32| {
        figure(&format!(
            "<text x=\"10\" y=\"40\" font-size=\"50\">\nSSE</text><text x=\"60\" y=\"{y}\" font-size=\"50\">\n1 s</text>"
        ))
    };
    assert!(faults(&texts(90)).is_empty());
    assert_eq!(faults(&texts(60)), ["upon each other: SSE | 1 s"]);
}

#[test]
fn hidden_lines_and_marks_are_found() {
    let line = |width: u32, colour: &str| {
        format!("<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" points=\"0,0 9,9\"/>")
    };
    assert!(faults(&figure(&[line(18, "#0072B2"), line(9, "#CC79A7")].concat())).is_empty(), "wider");
    assert_eq!(faults(&figure(&[line(9, "#0072B2"), line(9, "#CC79A7")].concat())).len(), 1);
    let circle = "<circle cx=\"50\" cy=\"50\" r=\"22\" fill=\"#0072B2\"/>";
    let diamond =
        |x: i32| format!("<polygon fill=\"#CC79A7\" points=\"{x},28 {},50 {x},72 {},50\"/>", x + 22, x - 22);
    assert!(faults(&figure(&format!("{circle}{}", diamond(70)))).is_empty());
    assert_eq!(faults(&figure(&format!("{circle}{}", diamond(52)))).len(), 1);
}
