// SPDX-License-Identifier: Apache-2.0
//! A libgleaner that says what a test tells it to: for the faults that the real one cannot be made to have.
#ifndef GLEANER_MESOS_TESTS_FAKE_LIBRARY_HPP
#define GLEANER_MESOS_TESTS_FAKE_LIBRARY_HPP

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gleaner.h"

namespace fake {

/// A row as it crossed the border, with its ids copied.
struct Task {
  gleaner_task row;
  std::string id;
  std::string tenant;
};

struct Correction {
  std::uint32_t index;
  std::string id;
  std::uint32_t flags;
  std::uint64_t generation; // 0: of the last table
};

/// What the one fake library does and has seen. All handles share it; guarded by `mutex`.
struct Script {
  std::mutex mutex;

  // To be said.
  std::uint32_t abiVersion;
  std::map<std::string, gleaner_status> statuses; // of the calls that fail
  std::string why;
  gleaner_offer offer; // generation 0: of the last table
  gleaner_pace pace;
  std::deque<Correction> corrections;
  std::deque<std::pair<std::uint32_t, std::string>> log;

  // Seen.
  std::map<std::string, int> calls;
  std::uint32_t role;
  std::uint32_t dialect;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<Task> table;
  std::uint64_t generation;

  int event;
};

Script& script();

/// Everything as new; a fresh event descriptor.
void reset();

int calls(const std::string& name);

/// Makes these corrections wait: the descriptor turns readable.
void correct(const std::vector<Correction>& corrections);

/// Makes the descriptor readable though nothing waits.
void cryWolf();

} // namespace fake

#endif // GLEANER_MESOS_TESTS_FAKE_LIBRARY_HPP
