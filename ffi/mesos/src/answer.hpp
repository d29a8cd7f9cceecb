// SPDX-License-Identifier: Apache-2.0
//! A promise that cannot be left unset: the agent would never ask again, and not say so.
#ifndef GLEANER_MESOS_ANSWER_HPP
#define GLEANER_MESOS_ANSWER_HPP

#include <process/future.hpp>

namespace shim {

/// Empty unless something was said before the last copy went away, whoever held it: an actor, or an event
/// that was never delivered. Empty and ready, because a failed estimate leaves the old one in force.
template <typename T>
class Answer {
public:
  Answer() {}
  ~Answer() { promise_.set(T()); }

  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  process::Future<T> future() const { return promise_.future(); }

  /// The first counts.
  void say(const T& value) { promise_.set(value); }

private:
  process::Promise<T> promise_;
};

} // namespace shim

#endif // GLEANER_MESOS_ANSWER_HPP
