// SPDX-License-Identifier: Apache-2.0
//! A module's parameters, as the agent read them from its modules JSON.
#ifndef GLEANER_MESOS_PARAMETERS_HPP
#define GLEANER_MESOS_PARAMETERS_HPP

#include <cstdint>

#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>

#include <stout/try.hpp>

#include "library.hpp"

namespace shim {

/// What the library is told, and what only Mesos can read.
struct Settings {
  KeyValues keys;
  mesos::Resources configured; // of the key `resources`, in the threshold dialect
};

/// Where a key comes twice the last counts, but each must be right: so did the threshold modules.
Try<Settings> settings(std::uint32_t dialect, const mesos::Parameters& parameters);

} // namespace shim

#endif // GLEANER_MESOS_PARAMETERS_HPP
