// SPDX-License-Identifier: Apache-2.0
//! A replay as it is drawn and steered.

use super::{decision, frame, model, stands, type_in};
use crate::top::keys::press;
use crate::top::picture;
use crate::top::replay::{Moment, Order, Reel};
use crate::top::source::Frame;
use gleaner_estimator::units::Span;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

/// A replay that stands at its 812th sample.
fn replayed(change: impl FnOnce(&mut Reel)) -> Result<Frame, String> {
    let past = (0..90).map(|i| (Some(i % 7 * 1000), None)).collect();
    let mut reel = Reel {
        file: "node\u{1b}[2J.rec".to_owned(),
        number: 812,
        begins_ms: 1_767_225_000_000,
        percent: 43,
        running: false,
        ended: false,
        lends: "headroom (as configured)".to_owned(),
        damage: Vec::new(),
        past,
    };
    change(&mut reel);
    Ok(Frame { reel: Some(reel), ..frame(stands("calm", "Would offer 0.5 more cores.")) })
}

#[test]
fn a_replay_says_where_it_stands_and_that_nothing_was_done() {
    let mut model = model(decision());
    let mut all = Vec::new();
    model.take(replayed(|_| {}));
    all.push(picture(&model, 80, 16));
    model.take(replayed(|reel| reel.running = true));
    type_in(&mut model, "J14:03");
    all.push(picture(&model, 120, 16));
    press(&mut model, KeyEvent::from(KeyCode::Esc));
    model.working = Some(57);
    all.push(picture(&model, 60, 15));
    model.take(replayed(|reel| {
        reel.ended = true;
        reel.damage = vec!["node.rec.1: 40 bytes at 1310 are damaged".to_owned()];
    }));
    type_in(&mut model, "4");
    all.push(picture(&model, 80, 16));
    model.take(Err("node.rec.1: it was rotated while it was read".to_owned()));
    all.push(picture(&model, 80, 16));
    insta::assert_snapshot!(all.join("----\n"));
}

#[test]
fn keys_of_a_replay_ask_for_it_and_do_nothing_elsewhere() {
    let keys = [
        (KeyCode::Char('t'), Order::Next),
        (KeyCode::Char('T'), Order::Previous),
        (KeyCode::Char(' '), Order::Toggle),
        (KeyCode::Char('{'), Order::To(Moment::First)),
        (KeyCode::Char('}'), Order::To(Moment::Last)),
    ];
    let (mut live, mut replay) = (model(decision()), model(decision()));
    replay.take(replayed(|_| {}));
    for (key, order) in keys {
        press(&mut live, KeyEvent::from(key));
        press(&mut replay, KeyEvent::from(key));
        assert_eq!((live.order, replay.order.take()), (None, Some(order)));
    }
    assert!(live.paused && !replay.paused, "a replay is not paused, it stands");
    type_in(&mut live, "J");
    type_in(&mut replay, "Jxx");
    assert!(live.jump.is_none());
    press(&mut replay, KeyEvent::from(KeyCode::Enter));
    assert!(replay.order.is_none() && picture(&replay, 120, 16).contains("\"xx\" is no moment"));
    press(&mut replay, KeyEvent::from(KeyCode::Backspace));
    press(&mut replay, KeyEvent::from(KeyCode::Backspace));
    type_in(&mut replay, "10 min ago");
    press(&mut replay, KeyEvent::from(KeyCode::Enter));
    let wanted = Moment::BeforeEnd(Span::from_secs(600));
    assert_eq!((replay.order, replay.jump.is_none()), (Some(Order::To(wanted)), true));
}
