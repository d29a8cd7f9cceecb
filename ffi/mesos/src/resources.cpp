// SPDX-License-Identifier: Apache-2.0
//! Unit conversion between Mesos' scalars and the library's integers.

#include "resources.hpp"

#include <cmath>
#include <string>

#include <stout/option.hpp>

namespace shim {

using mesos::Resource;
using mesos::Resources;
using mesos::Value;

namespace {

const double MIB = 1024.0 * 1024.0;
/// Beyond this a double does not hold every integer, and no machine has as much of anything.
const double LARGEST = 9007199254740992.0;

std::uint64_t whole(double value) {
  if (!(value > 0.0)) { // also NaN
    return 0;
  }
  return static_cast<std::uint64_t>(value < LARGEST ? std::floor(value + 0.5) : LARGEST);
}

double scalar(const Resources& resources, const std::string& name) {
  const Option<Value::Scalar> found = resources.get<Value::Scalar>(name);
  return found.isSome() ? found.get().value() : 0.0;
}

Resources revocableScalar(const std::string& name, double value) {
  Resource resource;
  resource.set_name(name);
  resource.set_type(Value::SCALAR);
  resource.mutable_scalar()->set_value(value);
  resource.mutable_revocable();
  Resources resources;
  if (value > 0.0) {
    resources += resource;
  }
  return resources;
}

} // namespace

Resources revocable(const Resources& resources) {
  Resources marked;
  for (Resource resource : resources) {
    resource.mutable_revocable();
    marked += resource;
  }
  return marked;
}

Resources lentOf(const Resources& allocated) {
  Resources lent = allocated.revocable();
  lent.unallocate();
  return lent;
}

std::uint64_t cpuMillis(const Resources& resources) {
  return whole(scalar(resources, "cpus") * 1000.0);
}

std::uint64_t memoryBytes(const Resources& resources) {
  return whole(scalar(resources, "mem") * MIB);
}

Resources offered(const gleaner_offer& offer) {
  // Mesos compares at three decimals; whole MiB keep memory clear of rounding.
  const double cpus = static_cast<double>(offer.cpu_millis) / 1000.0;
  const double mem = std::floor(static_cast<double>(offer.memory_bytes) / MIB);
  return revocableScalar("cpus", cpus) + revocableScalar("mem", mem);
}

Resources lessGrowth(const Resources& offer, const Resources& then, const Resources& now) {
  // Resources' subtraction stops at nothing and ignores what the other side alone has.
  return offer - (now - then);
}

bool harmless(const Resources& estimate) {
  for (const Resource& resource : estimate) {
    if (!resource.has_revocable() || resource.has_allocation_info()) {
      return false;
    }
    if (resource.type() == Value::SCALAR &&
        !(resource.scalar().value() > 0.0 && resource.scalar().value() <= LARGEST)) {
      return false;
    }
  }
  return true;
}

} // namespace shim
