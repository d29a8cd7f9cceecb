// SPDX-License-Identifier: Apache-2.0
//! Reads numbers of the threshold dialect with the agent's own parsers, since those define what is right there.

#include "parameters.hpp"

#include <cstdio>
#include <string>

#include <glog/logging.h>

#include <stout/bytes.hpp>
#include <stout/error.hpp>
#include <stout/none.hpp>
#include <stout/numify.hpp>
#include <stout/option.hpp>

namespace shim {

using mesos::Resource;
using mesos::Resources;

namespace {

const std::string LOAD = "load_threshold_";
const std::string MEMORY = "mem_threshold";
const std::string RESOURCES = "resources";

/// In decimals that every parser reads as the same double; also inf and nan.
std::string decimals(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

Option<Error> readResources(const std::string& value, Resources* configured) {
  const Try<Resources> parsed = Resources::parse(value);
  if (parsed.isError()) {
    return Error("resources: " + parsed.error());
  }
  *configured = parsed.get();
  for (const Resource& resource : parsed.get().reserved()) {
    LOG(WARNING) << "gleaner: resources: " << resource
                 << " is reserved and will be offered to that role only";
  }
  return None();
}

/// The value as the library is to read it.
Try<std::string> canonical(const std::string& key, const std::string& value) {
  if (key.compare(0, LOAD.size(), LOAD) == 0) {
    const Try<double> load = numify<double>(value);
    if (load.isError()) {
      return Error(key + ": " + load.error());
    }
    return decimals(load.get());
  }
  if (key == MEMORY) {
    const Try<Bytes> memory = Bytes::parse(value + "MB");
    if (memory.isError()) {
      return Error(key + ": " + memory.error() + " (a whole number of MiB, without unit)");
    }
  }
  return value;
}

} // namespace

Try<Settings> settings(std::uint32_t dialect, const mesos::Parameters& parameters) {
  Settings read;
  for (const mesos::Parameter& parameter : parameters.parameter()) {
    std::string value = parameter.value();
    if (dialect == GLEANER_DIALECT_THRESHOLD) {
      const Try<std::string> rewritten = canonical(parameter.key(), value);
      if (rewritten.isError()) {
        return Error(rewritten.error());
      }
      value = rewritten.get();
      if (parameter.key() == RESOURCES) {
        const Option<Error> wrong = readResources(value, &read.configured);
        if (wrong.isSome()) {
          return wrong.get();
        }
      }
    }
    read.keys.push_back(std::make_pair(parameter.key(), value));
  }
  return read;
}

} // namespace shim
