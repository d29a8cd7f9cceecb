// SPDX-License-Identifier: Apache-2.0
//! Drawing: a frame with two axes, and lines, bands and points in it, as SVG text.

use html_escape::encode_quoted_attribute as escape;
use std::fmt::{self, Write as _};

/// An axis from value to pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// Equal steps.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        Self {
            low,
            high: if high > low { high } else { low + 1.0 },
            log: false,
            from: 0.0,
            to: 1.0,
        }
    }

    /// Equal ratios; values at or below `low` (above 0) stand at its end.
    pub(super) fn log(low: f64, high: f64) -> Self {
        Self { low, high, log: true, from: 0.0, to: 1.0 }
    }

    /// Where a value stands, pixels.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = match self.log {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        self.from + share * (self.to - self.from)
    }

    /// Round values to label: five or so, or on a logarithmic axis 1, 2 and 5 of each decade.
    fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        if self.log {
            let mut decade = 10_f64.powf(self.low.log10().floor());
            while decade <= self.high {
                ticks.extend([1.0, 2.0, 5.0].map(|m| m * decade));
                decade *= 10.0;
            }
        } else {
            let rough = (self.high - self.low) / 5.0;
            let decade = 10_f64.powf(rough.log10().floor());
            let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|s| *s >= rough);
            let step = step.unwrap_or(decade * 10.0);
            let mut tick = (self.low / step).ceil() * step;
            while tick <= self.high + step * 1e-9 {
                ticks.push(tick);
                tick += step;
            }
        }
        // A rounding step above or below an end is at the end.
        let slack = 1e-9 * self.high.abs();
        ticks.retain(|t| *t >= self.low - slack && *t <= self.high + slack);
        ticks
    }
}

/// A chart being drawn.
pub(super) struct Chart {
    text: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    width: f64,
    height: f64,
}

const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;

/// Least distance of two labels below the chart.
const ROOM: f64 = 44.0;

/// What an axis says.
pub(super) struct Label<'a> {
    /// What is measured.
    pub(super) title: &'a str,
    /// How a value is written.
    pub(super) write: &'a dyn Fn(f64) -> String,
}

impl Chart {
    /// An empty frame; `about` is read out to who cannot see it.
    pub(super) fn new(
        (width, height): (f64, f64),
        about: &str,
        (x, x_label): (Axis, Label<'_>),
        (y, y_label): (Axis, Label<'_>),
    ) -> Self {
        let x = Axis { from: LEFT, to: width - RIGHT, ..x };
        let y = Axis { from: height - BOTTOM, to: TOP, ..y };
        let mut chart = Self { text: String::new(), x, y, width, height };
        chart.put(format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(about)
        ));
        chart.axes(&x_label, &y_label);
        chart
    }

    fn axes(&mut self, x_label: &Label<'_>, y_label: &Label<'_>) {
        let (left, right, top, bottom) = (self.x.from, self.x.to, self.y.to, self.y.from);
        for tick in self.y.ticks() {
            let at = self.y.at(tick);
            let label = (y_label.write)(tick);
            let text = escape(&label);
            self.put(format_args!(
                "<path class=\"rule\" d=\"M{left:.1} {at:.1}H{right:.1}\"/>\
                 <text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
                left - 6.0,
                at + 4.0
            ));
        }
        let mut labelled = f64::NEG_INFINITY;
        for tick in self.x.ticks() {
            let at = self.x.at(tick);
            if at - labelled < ROOM {
                continue;
            }
            labelled = at;
            let label = (x_label.write)(tick);
            let text = escape(&label);
            self.put(format_args!(
                "<path class=\"rule\" d=\"M{at:.1} {top:.1}V{bottom:.1}\"/>\
                 <text class=\"tick mid\" x=\"{at:.1}\" y=\"{:.1}\">{text}</text>",
                bottom + 16.0
            ));
        }
        let middle = self.width / 2.0;
        self.put(format_args!(
            "<text class=\"title mid\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            self.height - 4.0,
            escape(x_label.title)
        ));
        let middle = self.height / 2.0;
        self.put(format_args!(
            "<text class=\"title mid\" transform=\"translate(13 {middle:.1}) rotate(-90)\">{}</text>",
            escape(y_label.title)
        ));
    }

    /// A line through points.
    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let (x, y) = (self.x.at(x), self.y.at(y));
            put(&mut path, format_args!("{command}{x:.1} {y:.1}"));
        }
        self.put(format_args!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    /// The area between two lines over the same places: `(x, low, high)`.
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let mut path = String::new();
        let there = points.iter().map(|(x, _, high)| (*x, *high));
        let back = points.iter().rev().map(|(x, low, _)| (*x, *low));
        for (x, y) in there.chain(back) {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let (x, y) = (self.x.at(x), self.y.at(y));
            put(&mut path, format_args!("{command}{x:.1} {y:.1}"));
        }
        self.put(format_args!("<path class=\"band {class}\" d=\"{path}Z\"/>"));
    }

    /// A point that says something when it is pointed at.
    pub(super) fn point(&mut self, class: &str, (x, y): (f64, f64), radius: f64, says: &str) {
        let (x, y) = (self.x.at(x), self.y.at(y));
        self.put(format_args!(
            "<circle class=\"point {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"><title>{}</title></circle>",
            escape(says)
        ));
    }

    /// A mark on the lower edge.
    pub(super) fn mark(&mut self, class: &str, x: f64, says: &str) {
        let (x, bottom) = (self.x.at(x), self.y.from);
        self.put(format_args!(
            "<path class=\"mark {class}\" d=\"M{x:.1} {bottom:.1}v-9\"><title>{}</title></path>",
            escape(says)
        ));
    }

    /// Text in the frame, from its upper left corner by so many pixels.
    pub(super) fn note(&mut self, class: &str, (right, down): (f64, f64), text: &str) {
        let (x, y) = (self.x.from + right, self.y.to + down);
        self.put(format_args!(
            "<text class=\"note {class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escape(text)
        ));
    }

    /// The whole SVG.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        put(&mut self.text, text);
    }
}

/// Appends formatted text.
pub(super) fn put(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_label_round_values() {
        let shown = |axis: Axis| {
            axis.ticks().iter().map(|t| format!("{t:.4}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(Axis::linear(0.0, 1.0)), "0.0000 0.2000 0.4000 0.6000 0.8000 1.0000");
        assert_eq!(shown(Axis::linear(0.53, 0.61)), "0.5400 0.5600 0.5800 0.6000");
        assert_eq!(
            shown(Axis::log(0.001, 0.1)),
            "0.0010 0.0020 0.0050 0.0100 0.0200 0.0500 0.1000"
        );
        assert_eq!(Axis::linear(3.0, 3.0).ticks().len(), 6);
    }

    #[test]
    fn values_outside_stand_at_the_edge() {
        let axis = Axis { from: 10.0, to: 20.0, ..Axis::log(0.001, 0.1) };
        assert!((axis.at(0.0) - 10.0).abs() < 1e-9);
        assert!((axis.at(0.01) - 15.0).abs() < 1e-9);
        assert!((axis.at(9.0) - 20.0).abs() < 1e-9);
    }
}
