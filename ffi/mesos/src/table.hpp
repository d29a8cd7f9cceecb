// SPDX-License-Identifier: Apache-2.0
//! What `usage()` said once: the table that the library gets, and the ids that a correction is checked against.
#ifndef GLEANER_MESOS_TABLE_HPP
#define GLEANER_MESOS_TABLE_HPP

#include <cstdint>
#include <deque>
#include <vector>

#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>
#include <mesos/slave/oversubscription.hpp>

#include <stout/try.hpp>

#include "gleaner.h"

namespace shim {

/// Keeps ids only: an ExecutorInfo may hold secrets.
class Table {
public:
  explicit Table(const mesos::ResourceUsage& usage);

  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// One row an executor, in the order of `usage()`; points into this object.
  const std::vector<gleaner_task>& tasks() const { return tasks_; }

  /// All that is revocable and allocated, without its roles.
  const mesos::Resources& lent() const { return lent_; }

  /// The agent does whatever this says and does not look whether the victim is revocable, so an index out
  /// of range, another id at that place, or a victim that is not revocable here, is an error.
  Try<mesos::slave::QoSCorrection> kill(const gleaner_correction& correction) const;

private:
  void add(const mesos::ResourceUsage::Executor& executor);

  std::deque<mesos::slave::QoSCorrection> kills_; // never moves what the tasks point to
  std::vector<gleaner_task> tasks_;               // the same places
  mesos::Resources lent_;
};

} // namespace shim

#endif // GLEANER_MESOS_TABLE_HPP
