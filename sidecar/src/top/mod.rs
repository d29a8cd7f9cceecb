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
use source::{Frame, Source};
use std::io::{IsTerminal as _, stdin};

/// Shows what is lent, to whom, and why not more, live in the terminal
///
/// Looks at the daemon that runs on this node, or at the one of --url; where none runs it decides by itself, without
/// acting. `?` lists the keys; none of them changes anything.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
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
    let live = !args.once && output::is_terminal() && stdin().is_terminal();
    let no_color = args.no_color || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let looks = Looks { ascii: args.ascii, color: live && !no_color };
    let mut model = Model::new(origin, looks, &source.past());
    model.take(first);
    if live { terminal::run(model, source) } else { once(&model, args.size) }
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
