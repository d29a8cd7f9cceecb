// SPDX-License-Identifier: Apache-2.0
//! The actor between the agent and the library: pushes tables, reads offers, waits for corrections. Never blocks.
#ifndef GLEANER_MESOS_HOST_HPP
#define GLEANER_MESOS_HOST_HPP

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>
#include <mesos/slave/oversubscription.hpp>

#include <process/future.hpp>
#include <process/process.hpp>
#include <process/timer.hpp>

#include <stout/duration.hpp>
#include <stout/option.hpp>

#include "answer.hpp"
#include "library.hpp"
#include "table.hpp"

namespace shim {

typedef std::function<process::Future<mesos::ResourceUsage>()> Usage;
typedef std::list<mesos::slave::QoSCorrection> Corrections;

/// One for each module instance; all methods run one at a time.
class Host : public process::Process<Host> {
public:
  /// `configured` is what the parameter `resources` names, revocable. `waiting` is the library's descriptor,
  /// where this instance corrects.
  Host(const std::shared_ptr<Library>& library,
       const Usage& usage,
       const mesos::Resources& configured,
       const std::shared_ptr<const int>& waiting);

  void estimate(const std::shared_ptr<Answer<mesos::Resources>>& answer);

  /// A long poll: answered at once while something waits, else when it does, when it is time for an
  /// empty answer, or at the end.
  void correct(const std::shared_ptr<Answer<Corrections>>& answer);

protected:
  void finalize() override;

private:
  /// Begins with the agent's first question: before that it still recovers, and knows no executor.
  void begin();
  void ask();
  void asked(const process::Future<mesos::ResourceUsage>& usage);

  mesos::Resources available();

  void watch();
  void noticed();
  /// Completes the long poll, if there is one.
  void reply(const Corrections& corrections);

  /// What libprocess calls must not throw: it ends the agent.
  void guarded(const char* what, const std::function<void()>& body);

  const std::shared_ptr<Library> library_;
  const Usage usage_;
  const mesos::Resources configured_;
  const gleaner_pace pace_;

  bool begun_ = false;
  bool answering_ = true; // whether the last usage() was answered
  std::shared_ptr<const Table> table_;
  std::uint64_t generation_ = 0;
  std::deque<std::pair<std::uint64_t, mesos::Resources>> lent_; // of the latest tables

  const std::shared_ptr<const int> waiting_;
  std::shared_ptr<Answer<Corrections>> pending_;
  Option<process::Future<short>> poll_;
  Option<process::Timer> patience_;
};

} // namespace shim

#endif // GLEANER_MESOS_HOST_HPP
