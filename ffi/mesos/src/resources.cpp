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
/// No machine has as much of anything; thousandths of it are still exact in a double.
const double LARGEST = 1e12;

std::uint64_t whole(double value) {
  if (!(value > 0.0)) { // also NaN
    return 0;
  }
  return static_cast<std::uint64_t>(value < 1e18 ? std::floor(value + 0.5) : 1e18);
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
  if (value > 0.0 && value < LARGEST) {
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
  marked.unallocate();
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

} // namespace shim
