// SPDX-License-Identifier: Apache-2.0
//! The terminal: taken, drawn on, and given back whatever ends the program.

use super::model::Model;
use super::source::{Frame, Source};
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
    let (looks, seen) = channel();
    let (stop, stopped) = channel::<()>();
    let looker = std::thread::Builder::new().name("gleaner-look".to_owned());
    looker.spawn(move || look(source, &looks, &stopped)).map_err(failed)?;
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let shown = show(&mut terminal, model, &seen, &ended);
    ratatui::restore();
    // The looker may be waiting for an answer; it ends with the program.
    drop(stop);
    shown.map_err(failed)
}

/// Looks again and again until nobody wants to know.
fn look(mut source: Source, looks: &Sender<Result<Frame, String>>, stopped: &Receiver<()>) {
    while stopped.recv_timeout(source.pause()) == Err(RecvTimeoutError::Timeout) {
        if looks.send(source.next()).is_err() {
            return;
        }
    }
}

fn show(
    terminal: &mut DefaultTerminal,
    mut model: Model,
    seen: &Receiver<Result<Frame, String>>,
    ended: &AtomicBool,
) -> io::Result<()> {
    let mut last = Instant::now();
    while !model.ended && !ended.load(Ordering::Relaxed) {
        terminal.draw(|frame| view::draw(&model, frame.area(), frame.buffer_mut()))?;
        // A resize ends the wait too, and the next picture has the new size.
        if event::poll(PATIENCE)?
            && let Event::Key(key) = event::read()?
        {
            keys::press(&mut model, key);
        }
        let now = Instant::now();
        model.wait(now.duration_since(last));
        last = now;
        for look in seen.try_iter() {
            model.take(look);
        }
    }
    Ok(())
}
