// SPDX-License-Identifier: Apache-2.0
//! Executors to rows, and a row back to the ids that the agent kills by.

#include "table.hpp"

#include <cmath>
#include <cstring>

#include <stout/error.hpp>
#include <stout/numify.hpp>

#include "library.hpp"
#include "resources.hpp"

namespace shim {

using mesos::Resources;
using mesos::ResourceStatistics;
using mesos::ResourceUsage;
using mesos::slave::QoSCorrection;

namespace {

/// A label of a task that says how important it is among those that may be ended.
const char PRIORITY[] = "gleaner.priority";

/// Seconds as microseconds. What is negative, no number or absurdly large says nothing.
bool micros(double seconds, std::uint64_t* out) {
  if (!(seconds >= 0.0 && seconds < 9.0e9)) {
    return false;
  }
  *out = static_cast<std::uint64_t>(std::floor(seconds * 1e6));
  return true;
}

void know(gleaner_task* task, std::uint32_t bit, bool known) {
  if (known) {
    task->known |= bit;
  }
}

/// Protobuf has no unknown number but absence, and several isolators deliver 0 for what they do not measure.
bool amount(bool present, std::uint64_t value, std::uint64_t* out) {
  if (!present || value == 0) {
    return false;
  }
  *out = value;
  return true;
}

void addStatistics(const ResourceStatistics& from, gleaner_task* task) {
  if (from.has_cpus_user_time_secs() && from.has_cpus_system_time_secs()) {
    know(task, GLEANER_KNOWS_CPU_USAGE,
         micros(from.cpus_user_time_secs() + from.cpus_system_time_secs(), &task->cpu_usage_usec));
  }
  if (from.has_cpus_throttled_time_secs()) {
    know(task, GLEANER_KNOWS_THROTTLED,
         micros(from.cpus_throttled_time_secs(), &task->throttled_usec));
  }
  if (from.has_cpus_nr_periods() && from.has_cpus_nr_throttled()) {
    task->periods = from.cpus_nr_periods();
    task->throttled_periods = from.cpus_nr_throttled();
    know(task, GLEANER_KNOWS_PERIODS, true);
  }
  know(task, GLEANER_KNOWS_MEMORY_USAGE,
       amount(from.has_mem_total_bytes(), from.mem_total_bytes(), &task->memory_usage_bytes));
  know(task, GLEANER_KNOWS_MEMORY_RSS,
       amount(from.has_mem_rss_bytes(), from.mem_rss_bytes(), &task->memory_rss_bytes));
  know(task, GLEANER_KNOWS_MEMORY_LIMIT,
       amount(from.has_mem_limit_bytes(), from.mem_limit_bytes(), &task->memory_limit_bytes));
  know(task, GLEANER_KNOWS_PROCESSES,
       amount(from.has_processes(), from.processes(), &task->processes));
}

/// The highest among its tasks: they all end together.
std::int32_t priority(const ResourceUsage::Executor& executor) {
  bool any = false;
  std::int32_t highest = 0;
  for (const ResourceUsage::Executor::Task& task : executor.tasks()) {
    for (const mesos::Label& label : task.labels().labels()) {
      const Try<std::int32_t> value = numify<std::int32_t>(label.value());
      if (label.key() == PRIORITY && value.isSome() && (!any || value.get() > highest)) {
        highest = value.get();
        any = true;
      }
    }
  }
  return highest;
}

} // namespace

Table::Table(const ResourceUsage& usage) {
  for (const ResourceUsage::Executor& executor : usage.executors()) {
    add(executor);
  }
}

void Table::add(const ResourceUsage::Executor& executor) {
  QoSCorrection correction;
  correction.set_type(QoSCorrection::KILL);
  QoSCorrection::Kill* kill = correction.mutable_kill();
  kill->mutable_framework_id()->CopyFrom(executor.executor_info().framework_id());
  kill->mutable_executor_id()->CopyFrom(executor.executor_info().executor_id());
  kill->mutable_container_id()->CopyFrom(executor.container_id());
  kills_.push_back(correction);
  const QoSCorrection::Kill& kept = kills_.back().kill();

  const Resources allocated = executor.allocated();
  const Resources lent = lentOf(allocated);
  // A revocable command task also holds a little regular CPU and memory for its executor.
  const bool revocable = !lent.empty();
  const Resources& counted = revocable ? lent : allocated;
  gleaner_task task = {};
  task.id = bytes(kept.container_id().value());
  task.id_len = kept.container_id().value().size();
  task.tenant = bytes(kept.framework_id().value());
  task.tenant_len = kept.framework_id().value().size();
  task.class_ = revocable ? GLEANER_CLASS_BEST_EFFORT : GLEANER_CLASS_GUARANTEED;
  task.priority = priority(executor);
  task.known = GLEANER_KNOWS_CPU_ALLOCATED | GLEANER_KNOWS_MEMORY_ALLOCATED;
  task.cpu_allocated_millis = cpuMillis(counted);
  task.memory_allocated_bytes = memoryBytes(counted);
  if (executor.has_statistics()) {
    addStatistics(executor.statistics(), &task);
  }
  tasks_.push_back(task);
  lent_ += lent;
}

Try<QoSCorrection> Table::kill(const gleaner_correction& correction) const {
  if (correction.action != GLEANER_ACTION_EVICT) {
    return Error("an action that the agent does not have");
  }
  if (correction.index >= tasks_.size()) {
    return Error("an index beyond the table");
  }
  const gleaner_task& task = tasks_[correction.index];
  if (correction.id == nullptr || correction.id_len != task.id_len ||
      std::memcmp(correction.id, task.id, task.id_len) != 0) {
    return Error("another container at that place");
  }
  if (task.class_ != GLEANER_CLASS_BEST_EFFORT) {
    return Error("a victim that holds nothing revocable");
  }
  QoSCorrection kill = kills_[correction.index];
  if ((correction.flags & GLEANER_CORRECTION_NAMES_CONTAINER) == 0) {
    kill.mutable_kill()->clear_container_id();
  }
  return kill;
}

} // namespace shim
