// SPDX-License-Identifier: Apache-2.0
//! What the service manager is told: ready, alive, reading the configuration again, ending. Without one it is told nothing.

use gleaner_estimator::units::Span;
use sd_notify::NotifyState;

/// Tells the service manager, and logs when that fails; a supervisor that cannot hear us is no reason to stop.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot reach the service manager named by NOTIFY_SOCKET");
    }
}

/// Warns where the supervisor is less patient than the pace of decisions: it would end a healthy program.
pub(super) fn check_patience(interval: Span) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    if patience.as_nanos() < 2 * u128::from(interval.0) {
        tracing::warn!(?patience, %interval, "WatchdogSec= is shorter than two intervals: raise it");
    }
}

/// The first decision has been made.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Another decision has been made: the loop is alive.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// The configuration is being read again; [`ready`] ends it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The program is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}
