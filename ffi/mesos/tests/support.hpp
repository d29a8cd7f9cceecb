// SPDX-License-Identifier: Apache-2.0
//! Executors as the agent's `usage()` lists them, an agent that asks, and futures that are waited for.
#ifndef GLEANER_MESOS_TESTS_SUPPORT_HPP
#define GLEANER_MESOS_TESTS_SUPPORT_HPP

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>

#include <process/future.hpp>

#include <stout/duration.hpp>

namespace support {

/// Long enough for a loaded machine; nothing is expected to take it.
const Duration PATIENCE = Seconds(30);

/// Resources as the agent holds them: allocated to a role, the revocable ones marked.
inline mesos::Resources held(const std::string& regular, const std::string& revocable) {
  mesos::Resources all = mesos::Resources::parse(regular).get();
  const mesos::Resources lent = mesos::Resources::parse(revocable).get();
  for (mesos::Resource resource : lent) {
    resource.mutable_revocable();
    all += resource;
  }
  all.allocate("batch");
  return all;
}

/// The executor `NAME` of framework `f`, in container `c-NAME`.
inline mesos::ResourceUsage::Executor executor(
    const std::string& name, const std::string& regular, const std::string& revocable) {
  mesos::ResourceUsage::Executor executor;
  executor.mutable_executor_info()->mutable_executor_id()->set_value(name);
  executor.mutable_executor_info()->mutable_framework_id()->set_value("f");
  executor.mutable_executor_info()->mutable_command()->set_value("secret");
  executor.mutable_container_id()->set_value("c-" + name);
  executor.mutable_allocated()->CopyFrom(held(regular, revocable));
  return executor;
}

/// `prod` holds regular resources, `batch` revocable ones and its executor's regular overhead.
inline mesos::ResourceUsage twoExecutors() {
  mesos::ResourceUsage usage;
  usage.add_executors()->CopyFrom(executor("prod", "cpus:2;mem:1024", ""));
  usage.add_executors()->CopyFrom(executor("batch", "cpus:0.1;mem:32", "cpus:1"));
  return usage;
}

typedef std::function<process::Future<mesos::ResourceUsage>()> Usage;

inline Usage answering(const mesos::ResourceUsage& usage) {
  return [usage]() { return process::Future<mesos::ResourceUsage>(usage); };
}

inline mesos::Parameters parameters(
    const std::vector<std::pair<std::string, std::string>>& pairs) {
  mesos::Parameters parameters;
  for (const auto& pair : pairs) {
    mesos::Parameter* parameter = parameters.add_parameter();
    parameter->set_key(pair.first);
    parameter->set_value(pair.second);
  }
  return parameters;
}

} // namespace support

/// The future completes, with a value.
#define ASSERT_COMES(future) \
  do { \
    const auto coming_ = (future); \
    ASSERT_TRUE(coming_.await(support::PATIENCE)) << "not completed"; \
    ASSERT_TRUE(coming_.isReady()) << (coming_.isFailed() ? coming_.failure() : "discarded"); \
  } while (false)

#endif // GLEANER_MESOS_TESTS_SUPPORT_HPP
