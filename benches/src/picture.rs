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
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 70.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = HEIGHT - 50.0;
/// Both can be told apart by those who see no red or no green.
const RATE: &str = "#0b5cad";
const MEMORY: &str = "#b34700";

/// The picture. Contacts are shown by their tenfolds, rate and memory from nothing on.
pub fn of(points: &[Point]) -> Result<String, std::fmt::Error> {
    let most = |value: fn(&Point) -> f64| points.iter().map(value).fold(1.0, f64::max) * 1.1;
    let (most_rate, most_memory) = (most(|point| point.rate), most(|point| point.memory));
    let scale = points.iter().map(|point| point.contacts.log10());
    let (first, last) = scale.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
    let across = |contacts: f64| LEFT + (contacts.log10() - first) / (last - first).max(0.1) * (RIGHT - LEFT);
    let up = |value: f64, most: f64| BOTTOM - value / most * (BOTTOM - TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>Texts a second and memory against the number of contacts</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}V{TOP}\" fill=\"none\" stroke=\"#555555\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" fill=\"{RATE}\" text-anchor=\"middle\">texts/s</text>\n\
         <text x=\"{RIGHT}\" y=\"22\" fill=\"{MEMORY}\" text-anchor=\"middle\">MiB</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#333333\">contacts</text>\n",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 12.0,
    );
    for (colour, line) in [
        (
            RATE,
            points
                .iter()
                .map(|point| (across(point.contacts), up(point.rate, most_rate), point.rate))
                .collect::<Vec<_>>(),
        ),
        (
            MEMORY,
            points
                .iter()
                .map(|point| (across(point.contacts), up(point.memory, most_memory), point.memory))
                .collect(),
        ),
    ] {
        let corners: Vec<String> = line.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            corners.join(" ")
        )?;
        for (x, y, value) in line {
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>")?;
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\" text-anchor=\"middle\">{}</text>",
                y - 9.0,
                show(value)
            )?;
        }
    }
    for point in points {
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#333333\">{}</text>",
            across(point.contacts),
            BOTTOM + 18.0,
            show(point.contacts)
        )?;
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
            assert!((LEFT..=RIGHT).contains(&place[0]) && (TOP..=BOTTOM).contains(&place[1]), "{place:?}");
        }
        assert!(svg.contains(">1,000,000</text>"));
    }
}
