//! Growth as a picture: rate and memory against the number of contacts, as an SVG that needs nothing else.

use std::fmt::Write as _;

use crate::tools::show;

/// What one size came to.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Contacts, more than none.
    pub contacts: f64,
    /// Texts a second.
    pub rate: f64,
    /// The most memory, in MiB.
    pub memory: f64,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = WIDTH - 60.0;

/// What is shown by itself, and where that begins and ends.
struct Panel {
    top: f64,
    bottom: f64,
    name: &'static str,
    colour: &'static str,
    value: fn(&Point) -> f64,
}

const PANELS: [Panel; 2] = [
    Panel { top: 50.0, bottom: 180.0, name: "texts a second", colour: "#0b5cad", value: |point| point.rate },
    Panel {
        top: 250.0,
        bottom: 370.0,
        name: "MiB of memory at most",
        colour: "#b34700",
        value: |point| point.memory,
    },
];

/// The picture: a panel for the rate above one for memory. Contacts are shown by their tenfolds, the others from
/// nothing on.
pub fn of(points: &[Point]) -> Result<String, std::fmt::Error> {
    let scale = points.iter().map(|point| point.contacts.log10());
    let (first, last) = scale.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
    let across = |contacts: f64| LEFT + (contacts.log10() - first) / (last - first).max(0.1) * (RIGHT - LEFT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>Texts a second and memory against the number of contacts</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#333333\">contacts</text>\n",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 8.0,
    );
    for Panel { top, bottom, name, colour, value } in PANELS {
        let most = points.iter().map(value).fold(1.0, f64::max) * 1.1;
        let place = |point: &Point| (across(point.contacts), bottom - value(point) / most * (bottom - top));
        writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\" fill=\"{colour}\">{name}</text>\n\
             <path d=\"M{LEFT} {top}V{bottom}H{RIGHT}\" fill=\"none\" stroke=\"#555555\"/>",
            top - 20.0
        )?;
        let corners: Vec<String> = points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let corners = corners.join(" ");
        writeln!(
            svg,
            "<polyline points=\"{corners}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        )?;
        for point in points {
            let (x, y) = place(point);
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>")?;
            let number = show(value(point));
            let y = y - 9.0;
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\" text-anchor=\"middle\">{number}</text>"
            )?;
        }
        for point in points {
            let (x, y, contacts) = (across(point.contacts), bottom + 16.0, show(point.contacts));
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"#333333\">{contacts}</text>"
            )?;
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_stands_inside_the_picture() {
        let points = [(1e3, 900.0, 40.0), (1e6, 1_000.0, 90.0)];
        let svg = of(&points.map(|(contacts, rate, memory)| Point { contacts, rate, memory })).unwrap();
        let places = svg.lines().filter(|line| line.starts_with("<circle"));
        let numbers = |line: &str| -> Vec<f64> {
            line.split('"').skip(1).step_by(2).take(2).map(|text| text.parse().unwrap()).collect()
        };
        let places: Vec<Vec<f64>> = places.map(numbers).collect();
        assert_eq!(places.len(), 4);
        for place in places {
            let stands = PANELS.iter().any(|panel| (panel.top..=panel.bottom).contains(&place[1]));
            assert!((LEFT..=RIGHT).contains(&place[0]) && stands, "{place:?}");
        }
        assert!(svg.contains(">1,000,000</text>"));
    }
}
