// SPDX-License-Identifier: Apache-2.0
//! Thin mode: the same C calls, with a daemon on a socket that decides.

use crate::host::{PATIENCE, best_effort, guaranteed, open};
use gleaner::abi::code::{GLEANER_DIALECT_GLEANER, GLEANER_OK, GLEANER_ROLE_BOTH};
use gleaner::abi::told::GLEANER_OFFER_FRESH;
use gleaner_tests::wait_until;
use gleaner_wire::Desk;
use gleaner_wire::message::{Correction, Offer};
use gleaner_wire::server::Server;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_daemon_decides_and_one_that_is_gone_lends_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("agent.sock");
    let socket = path.to_str().expect("UTF-8");
    let host =
        open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_GLEANER, &[("socket", socket)]).expect("open");
    host.start().expect("a daemon that is not there yet is no mistake");
    host.push(&[guaranteed("web", 2000), best_effort("be", 300)]).expect("a table");
    assert_eq!(host.offer().expect("an offer").flags, 0);
    let desk = Arc::new(Desk::default());
    let server = Server::start(&path, Arc::clone(&desk)).expect("a server");
    let told = wait_until("the table", PATIENCE, || desk.table()).1;
    let names: Vec<_> = told.tasks.iter().map(|t| (t.name.as_str(), t.best_effort)).collect();
    assert_eq!(names, [("web", false), ("be", true)]);
    assert_eq!(told.tasks[1].cpu_millis, Some(300));
    let offer = Offer { cpu_millis: 700, generation: told.generation, ..Offer::default() };
    desk.offer(Some(offer), Duration::from_secs(60));
    let offer = host.offer_when("an offer", |offer| offer.flags == GLEANER_OFFER_FRESH);
    assert_eq!((offer.cpu_millis, offer.generation), (700, told.generation));
    for name in ["web", "be", "unknown"] {
        let reason = "a daemon says so".to_owned();
        desk.correct(Correction { name: name.to_owned(), resource: 1, reason });
    }
    wait_until("a correction", PATIENCE, || host.is_called().then_some(()));
    let taken = host.take().expect("corrections");
    assert_eq!(taken.len(), 1, "whatever a daemon says, only who is best-effort: {taken:?}");
    assert_eq!((taken[0].index, taken[0].reason.as_str()), (1, "a daemon says so"));
    wait_until("word of it", PATIENCE, || desk.taken().contains(&"be".to_owned()).then_some(()));
    desk.correct(Correction { name: "be".to_owned(), ..Correction::default() });
    wait_until("another", PATIENCE, || host.is_called().then_some(()));
    drop(server);
    host.offer_when("nothing without a daemon", |offer| offer.flags == 0);
    wait_until("nobody is ended", PATIENCE, || (!host.is_called()).then_some(()));
    // Another daemon takes its place while the agent goes on.
    let desk = Arc::new(Desk::default());
    let _server = Server::start(&path, Arc::clone(&desk)).expect("a server");
    desk.offer(Some(Offer { cpu_millis: 100, ..Offer::default() }), Duration::from_secs(60));
    host.offer_when("an offer of the next", |offer| offer.cpu_millis == 100);
    assert_eq!(host.close(), GLEANER_OK);
}
