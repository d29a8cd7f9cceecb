// SPDX-License-Identifier: Apache-2.0
//! One panel: what it asks Prometheus, how it is drawn, and what a person reads about it.

use crate::expr::full;

/// How a panel is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One number, or one for each series.
    Stat,
    /// The name of the series instead of its number.
    Name,
    /// Lines and areas over time.
    Lines,
    /// Stacked bars over time.
    Bars,
    /// Stacked bars that fill the height: shares of a whole.
    Shares,
    /// States over time, coloured by value.
    States,
    /// Counts by upper bound over time.
    Heat,
    /// Rows, at the end of the time range.
    Table,
    /// Words only.
    Text,
}

/// Base units, as Grafana names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of this thing, written beside the axis.
    Of(&'static str),
    /// A whole number of this thing.
    Count(&'static str),
    /// Bytes, in powers of 1024.
    Bytes,
    /// A share, shown as percentage.
    Share,
    /// A share on a logarithmic axis.
    ShareLog,
    /// Seconds.
    Seconds,
    /// Times a second.
    PerSecond,
    /// Times a minute.
    PerMinute,
    /// A time, in milliseconds since 1970.
    Moment,
    /// Several units in one table; each column has its own.
    Mixed,
}

/// How one query's series are drawn, where it is not as the panel's kind says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As the panel's kind says; coloured by the words of the legend.
    Plain,
    /// Filled and stacked on the others of this style.
    Stacked,
    /// A line of this colour.
    Line(&'static str),
    /// A dashed line of this colour.
    Dashed(&'static str),
    /// A stepped line of this colour: it changes at once, not gradually.
    Steps(&'static str),
}

/// One query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// PromQL with Grafana's variables.
    pub expr: String,
    /// How its series are called.
    pub legend: &'static str,
    /// How they are drawn.
    pub style: Style,
}

/// A value from which on another colour holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From this value on; `None` from the smallest.
    pub from: Option<f64>,
    /// The colour.
    pub colour: &'static str,
}

/// A panel. Built with [`panel`] and the methods.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// A question.
    pub title: &'static str,
    /// How it is drawn.
    pub kind: Kind,
    /// What it counts.
    pub unit: Unit,
    /// What it is; what is normal; what to do. Markdown.
    pub says: String,
    /// What it asks.
    pub targets: Vec<Target>,
    /// Colours by value; empty where colours go by word.
    pub steps: Vec<Step>,
    /// Names of values, with their colours.
    pub states: &'static [(u8, &'static str, &'static str)],
    /// Columns of 24, and rows.
    pub size: (u32, u32),
    /// What is shown where nothing is found, where that is good.
    pub quiet: Option<&'static str>,
    /// A link of the panel or of each row: title and URL.
    pub link: Option<(&'static str, String)>,
    /// Renamed columns of a table; an empty name hides the column.
    pub columns: &'static [(&'static str, &'static str)],
    /// A column of a table that rows are ordered by, and whether the smallest comes first.
    pub sorted: Option<(&'static str, bool)>,
}

/// A panel of that kind; its methods add to it.
#[must_use]
pub fn panel(title: &'static str, kind: Kind, unit: Unit, says: impl Into<String>) -> Panel {
    Panel {
        title,
        kind,
        unit,
        says: says.into(),
        targets: Vec::new(),
        steps: Vec::new(),
        states: &[],
        size: (12, 8),
        quiet: None,
        link: None,
        columns: &[],
        sorted: None,
    }
}

impl Panel {
    /// Asks this too.
    #[must_use]
    pub fn ask(self, short: &str, legend: &'static str) -> Self {
        self.draw(short, legend, Style::Plain)
    }

    /// Asks this too, drawn like that.
    #[must_use]
    pub fn draw(mut self, short: &str, legend: &'static str, style: Style) -> Self {
        self.targets.push(Target { expr: full(short), legend, style });
        self
    }

    /// Columns of 24, and rows.
    #[must_use]
    pub fn size(mut self, columns: u32, rows: u32) -> Self {
        self.size = (columns, rows);
        self
    }

    /// Colours by value: the first from the smallest value on, the others from theirs.
    #[must_use]
    pub fn steps(mut self, first: &'static str, others: &[(f64, &'static str)]) -> Self {
        self.steps = vec![Step { from: None, colour: first }];
        self.steps.extend(others.iter().map(|(from, colour)| Step { from: Some(*from), colour }));
        self
    }

    /// Names of values.
    #[must_use]
    pub fn states(mut self, states: &'static [(u8, &'static str, &'static str)]) -> Self {
        self.states = states;
        self
    }

    /// Nothing found is good, and this is shown then.
    #[must_use]
    pub fn quiet(mut self, text: &'static str) -> Self {
        self.quiet = Some(text);
        self
    }

    /// A link of the panel, or of each row of a table.
    #[must_use]
    pub fn link(mut self, title: &'static str, url: impl Into<String>) -> Self {
        self.link = Some((title, url.into()));
        self
    }

    /// Renamed and hidden columns.
    #[must_use]
    pub fn columns(mut self, columns: &'static [(&'static str, &'static str)]) -> Self {
        self.columns = columns;
        self
    }

    /// Rows ordered by this column, the largest or the smallest first.
    #[must_use]
    pub fn sorted(mut self, column: &'static str, smallest_first: bool) -> Self {
        self.sorted = Some((column, smallest_first));
        self
    }
}
