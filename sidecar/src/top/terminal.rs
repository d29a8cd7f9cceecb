// SPDX-License-Identifier: Apache-2.0
//! The terminal: taken, drawn on, and given back whatever ends the program.

use super::model::Model;
use super::replay::{Order, Played};
use super::source::{Frame, Source};
use super::story::Teller;
use super::{keys, view};
use crate::exit::{Exit, Failure};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a key, a signal or a look may wait to be noticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Shows the model until it is told to end. The terminal is restored also after a panic: `ratatui::init` sets a hook.
pub(super) fn run(model: Model, source: Source) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Io, format_args!("the terminal: {error}"));
    let ended = Arc::new(AtomicBool::new(false));
    // SIGHUP keeps its own effect: the terminal is gone, there is nothing to restore, and crossterm reads the end of a
    // terminal again and again without coming back.
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&ended)).map_err(failed)?;
    }
    let (news, seen) = channel();
    let (order, orders) = channel();
    let (ask, asked) = channel();
    let (teller, answers) = (source.teller(), news.clone());
    thread("gleaner-look", move || look(source, &news, &orders)).map_err(failed)?;
    thread("gleaner-tell", move || tell(&teller, &answers, &asked)).map_err(failed)?;
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let shown = show(&mut terminal, model, &Wires { seen, ask, order }, &ended);
    ratatui::restore();
    // The others may be waiting for an answer; they end with the program.
    shown.map_err(failed)
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Something to be shown.
enum News {
    Look(Box<Result<Frame, String>>),
    /// A replay is on its way; so many hundredths lie behind.
    Working(u8),
    /// Of the decision of this number.
    Story(u64, Result<String, String>),
}

/// Where news come from, stories are asked for, and replays are steered.
struct Wires {
    seen: Receiver<News>,
    ask: Sender<u64>,
    order: Sender<Order>,
}

/// Looks again and again, and as it is ordered, until nobody wants to know.
fn look(mut source: Source, news: &Sender<News>, orders: &Receiver<Order>) {
    loop {
        let played = match orders.recv_timeout(source.pause()) {
            Ok(order) => source.obey(order),
            Err(RecvTimeoutError::Timeout) => source.next(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let sent = match played {
            Played::Nothing => Ok(()),
            Played::Working(percent) => news.send(News::Working(percent)),
            Played::Shown(look) => news.send(News::Look(look)),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Tells whatever is asked for: beside the looks, which may wait for seconds.
fn tell(teller: &Teller, news: &Sender<News>, asked: &Receiver<u64>) {
    for tick in asked {
        if news.send(News::Story(tick, teller.tell(tick))).is_err() {
            return;
        }
    }
}

fn show(
    terminal: &mut DefaultTerminal,
    mut model: Model,
    wires: &Wires,
    ended: &AtomicBool,
) -> io::Result<()> {
    let mut last = Instant::now();
    while !model.ended && !ended.load(Ordering::Relaxed) {
        terminal.draw(|frame| {
            model.area = frame.area();
            view::draw(&model, frame.area(), frame.buffer_mut());
        })?;
        // A resize ends the wait too, and the next picture has the new size.
        if event::poll(PATIENCE)?
            && let Event::Key(key) = event::read()?
        {
            keys::press(&mut model, key);
        }
        if let Some(tick) = model.wanted.take() {
            // Where nobody tells any more the story says so for ever: the program is about to end.
            let _ = wires.ask.send(tick);
        }
        if let Some(order) = model.order.take() {
            let _ = wires.order.send(order);
        }
        let now = Instant::now();
        model.wait(now.duration_since(last));
        last = now;
        for news in wires.seen.try_iter() {
            match news {
                News::Look(look) => model.take(*look),
                News::Working(percent) => model.working = Some(percent),
                News::Story(tick, text) => model.hear(tick, text),
            }
        }
    }
    Ok(())
}
