// SPDX-License-Identifier: Apache-2.0
//! `gleaner top`: the live view in a terminal.
//!
//! Looks and keys meet in the [`model`], which is pure; [`view`] draws it into a buffer. This file does what is left:
//! the terminal, the thread that looks, the signals.

mod keys;
mod lists;
mod model;
mod overlay;
mod paint;
mod remote;
mod replay;
mod source;
mod story;
mod terminal;
mod view;

use crate::cli::Daemon;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output;
use model::{Looks, Model};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use replay::{Moment, Order, moment};
use source::{Frame, Source};
use std::io::{IsTerminal as _, stdin};
use std::path::{Path, PathBuf};

/// Shows what is lent, to whom, and why not more, live in the terminal
///
/// Looks at the daemon that runs on this node, or at the one of --url; where none runs it decides by itself, without
/// acting. `?` lists the keys; none of them changes anything.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Show this recording of `gleaner record` or `gleaner run --record` in the place of a node: what a daemon that
    /// observes by this configuration would have decided
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    replay: Option<PathBuf>,
    /// Begin the replay here: "10 min ago" (before its last sample), "2026-01-31T14:03:07Z", "14:03", "last"
    #[arg(short = 't', long = "at", value_name = "TIME", requires = "replay", value_parser = moment)]
    at: Option<Moment>,
    /// Print one picture as text and end; so does an output that is no terminal
    #[arg(long)]
    once: bool,
    /// How large that picture is
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "100x30", value_parser = size)]
    size: (u16, u16),
    /// Use only characters that every terminal has
    #[arg(long)]
    ascii: bool,
    /// Use no colours; NO_COLOR in the environment says the same
    #[arg(long)]
    no_color: bool,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once('x');
    let read = parts.and_then(|(wide, high)| Some((wide.parse().ok()?, high.parse().ok()?)));
    // A buffer of the largest is 20 MB; larger ones would only be a slip of the hand.
    let fits = |(wide, high): &(u16, u16)| (1..=500).contains(wide) && (1..=500).contains(high);
    read.filter(fits).ok_or_else(|| "columns and rows, like 80x24, at most 500x500".to_owned())
}

pub(crate) fn top(args: &Args) -> Result<(), Failure> {
    if let Some(recording) = &args.replay {
        return replay(args, recording);
    }
    let client = Client::of(&args.daemon);
    let (source, first, origin) = match (client, &args.daemon.url) {
        (Ok(client), Some(_)) => {
            let (url, mut source) = (client.url().to_owned(), Source::daemon(client));
            let first = source.look();
            (source, first, url)
        }
        (Ok(client), None) => beside(args, client)?,
        // A configuration that serves nothing is no reason not to look.
        (Err(failure), _) if failure.is(Exit::Config) => by_itself(args)?,
        (Err(failure), _) => return Err(failure),
    };
    let (live, looks) = looks(args);
    let mut model = Model::new(origin, looks, &source.past());
    model.take(first);
    if live { terminal::run(model, source) } else { once(&model, args.size) }
}

/// Whether it is drawn again and again, and how.
fn looks(args: &Args) -> (bool, Looks) {
    let live = !args.once && output::is_terminal() && stdin().is_terminal();
    let no_color = args.no_color || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    (live, Looks { ascii: args.ascii, color: live && !no_color })
}

/// Shows a recording; live the way to a moment far in it can be watched, and left.
fn replay(args: &Args, recording: &Path) -> Result<(), Failure> {
    let mut source = Source::replay(recording, args.daemon.config.path.as_deref())?;
    let (live, looks) = looks(args);
    let mut model = Model::new(recording.display().to_string(), looks, &source.past());
    let at = args.at.unwrap_or(Moment::First);
    if live {
        model.take(source.look());
        model.order = args.at.map(Order::To);
        return terminal::run(model, source);
    }
    let frame = source.look_at(at).map_err(|why| Failure::new(Exit::Data, why))?;
    model.take(Ok(frame));
    once(&model, args.size)
}

/// What to look at, the first look, and how it is called.
type Begun = (Source, Result<Frame, String>, String);

/// The daemon of this node if one answers.
fn beside(args: &Args, client: Client) -> Result<Begun, Failure> {
    let (url, mut source) = (client.url().to_owned(), Source::daemon(client));
    match source.look() {
        Ok(frame) => Ok((source, Ok(frame), url)),
        Err(_) => by_itself(args),
    }
}

fn by_itself(args: &Args) -> Result<Begun, Failure> {
    let mut source = Source::own(args.daemon.config.path.as_deref())?;
    // Rates need two readings.
    let first = source.look();
    let frame = match (first, args.once || !output::is_terminal()) {
        (Ok(_), true) => {
            std::thread::sleep(source.pause());
            source.look()
        }
        (first, _) => first,
    };
    Ok((source, frame, "this node, by itself: no daemon answers".to_owned()))
}

/// One picture as text.
fn once(model: &Model, (width, height): (u16, u16)) -> Result<(), Failure> {
    if let (None, Some(why)) = (&model.frame, &model.trouble) {
        return Err(Failure::new(Exit::Unanswered, why));
    }
    output::print(&picture(model, width, height)).map(|_| ())
}

/// The picture as lines of text, without blanks at their ends.
fn picture(model: &Model, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    view::draw(model, area, &mut buffer);
    let mut text = String::new();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
