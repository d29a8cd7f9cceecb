// SPDX-License-Identifier: Apache-2.0
//! Amounts as Mesos has them. The only place that makes a Resource, and it never makes a regular one.
#ifndef GLEANER_MESOS_RESOURCES_HPP
#define GLEANER_MESOS_RESOURCES_HPP

#include <cstdint>

#include <mesos/resources.hpp>

#include "gleaner.h"

namespace shim {

/// All of it marked revocable, and allocated to nobody: the agent ends itself at one resource that is not.
mesos::Resources revocable(const mesos::Resources& resources);

/// The revocable part, without the role that it is allocated to: else it cannot be subtracted from an offer.
mesos::Resources lentOf(const mesos::Resources& allocated);

/// CPU in thousandths; 0 where there is none.
std::uint64_t cpuMillis(const mesos::Resources& resources);

/// Memory in bytes; 0 where there is none.
std::uint64_t memoryBytes(const mesos::Resources& resources);

/// The two amounts of an offer as revocable resources without a role; an absurd one is left out.
mesos::Resources offered(const gleaner_offer& offer);

} // namespace shim

#endif // GLEANER_MESOS_RESOURCES_HPP
