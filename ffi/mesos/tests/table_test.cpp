// SPDX-License-Identifier: Apache-2.0
//! The table that crosses the border: classes, amounts, what is unknown, and ids of any bytes.

#include <limits>

#include "fixture.hpp"

using mesos::ResourceStatistics;
using mesos::ResourceUsage;
using support::answering;
using support::executor;

class TableTest : public ModuleTest {
protected:
  const std::vector<fake::Task>& pushed(const ResourceUsage& usage) {
    estimate(answering(usage));
    return fake::script().table;
  }

  /// The row of an executor with these statistics.
  gleaner_task with(const ResourceStatistics& statistics) {
    ResourceUsage usage;
    usage.add_executors()->CopyFrom(executor("one", "cpus:1;mem:1", ""));
    usage.mutable_executors(0)->mutable_statistics()->CopyFrom(statistics);
    usage.mutable_executors(0)->mutable_statistics()->set_timestamp(1.0);
    return pushed(usage).at(0).row;
  }
};

TEST_F(TableTest, WhoHoldsAnythingRevocableIsBestEffort) {
  const std::vector<fake::Task>& table = pushed(support::twoExecutors());
  ASSERT_EQ(2u, table.size());
  EXPECT_EQ("c-prod", table[0].id);
  EXPECT_EQ("f", table[0].tenant);
  EXPECT_EQ(unsigned{GLEANER_CLASS_GUARANTEED}, table[0].row.class_);
  EXPECT_EQ(2000u, table[0].row.cpu_allocated_millis);
  EXPECT_EQ(1024u << 20, table[0].row.memory_allocated_bytes);
  // Its executor's regular 0.1 cpus and 32 MiB do not make it guaranteed, and are not lent.
  EXPECT_EQ(unsigned{GLEANER_CLASS_BEST_EFFORT}, table[1].row.class_);
  EXPECT_EQ(1000u, table[1].row.cpu_allocated_millis);
  EXPECT_EQ(0u, table[1].row.memory_allocated_bytes);
}

TEST_F(TableTest, AnEmptyAgentHasAnEmptyTable) {
  EXPECT_TRUE(pushed(ResourceUsage()).empty());
  EXPECT_EQ(1, fake::calls("push"));
}

TEST_F(TableTest, MissingStatisticsAreUnknown) {
  const std::vector<fake::Task>& table = pushed(support::twoExecutors());
  const unsigned allocated = GLEANER_KNOWS_CPU_ALLOCATED | GLEANER_KNOWS_MEMORY_ALLOCATED;
  EXPECT_EQ(allocated, table.at(0).row.known);
}

TEST_F(TableTest, ZeroMemoryIsUnknownAndNotSmall) {
  ResourceStatistics statistics;
  statistics.set_mem_total_bytes(0);
  statistics.set_mem_rss_bytes(0);
  EXPECT_EQ(0u, with(statistics).known &
                  (GLEANER_KNOWS_MEMORY_USAGE | GLEANER_KNOWS_MEMORY_RSS));
}

TEST_F(TableTest, CountersCross) {
  ResourceStatistics statistics;
  statistics.set_cpus_user_time_secs(1.25);
  statistics.set_cpus_system_time_secs(0.5);
  statistics.set_cpus_nr_periods(10);
  statistics.set_cpus_nr_throttled(3);
  statistics.set_cpus_throttled_time_secs(0.125);
  statistics.set_mem_total_bytes(100);
  statistics.set_mem_rss_bytes(50);
  statistics.set_mem_limit_bytes(200);
  statistics.set_processes(4);
  const gleaner_task row = with(statistics);
  EXPECT_EQ(0x1ffu, row.known);
  EXPECT_EQ(1750000u, row.cpu_usage_usec);
  EXPECT_EQ(10u, row.periods);
  EXPECT_EQ(3u, row.throttled_periods);
  EXPECT_EQ(125000u, row.throttled_usec);
  EXPECT_EQ(100u, row.memory_usage_bytes);
  EXPECT_EQ(50u, row.memory_rss_bytes);
  EXPECT_EQ(200u, row.memory_limit_bytes);
  EXPECT_EQ(4u, row.processes);
}

TEST_F(TableTest, NumbersThatAreNoneAreUnknown) {
  for (double wrong : {std::numeric_limits<double>::quiet_NaN(), -1.0,
                       std::numeric_limits<double>::infinity()}) {
    ResourceStatistics statistics;
    statistics.set_cpus_user_time_secs(wrong);
    statistics.set_cpus_system_time_secs(0.0);
    statistics.set_cpus_throttled_time_secs(wrong);
    const gleaner_task row = with(statistics);
    EXPECT_EQ(0u, row.known & (GLEANER_KNOWS_CPU_USAGE | GLEANER_KNOWS_THROTTLED)) << wrong;
    EXPECT_EQ(0u, row.cpu_usage_usec);
    estimator.reset();
    fake::reset();
  }
}

TEST_F(TableTest, IdsAreBytes) {
  const std::string odd("a\0b\xff", 4);
  ResourceUsage usage = support::twoExecutors();
  usage.mutable_executors(1)->mutable_container_id()->set_value(odd);
  EXPECT_EQ(odd, pushed(usage).at(1).id);
  Coming coming = control(answering(usage));
  fake::correct({{1, odd, GLEANER_CORRECTION_NAMES_CONTAINER, 0}});
  ASSERT_COMES(coming);
  ASSERT_EQ(1u, coming.get().size());
  EXPECT_EQ(odd, coming.get().front().kill().container_id().value());
}

TEST_F(TableTest, TheMostImportantOfItsTasksMakesAnExecutorsPriority) {
  ResourceUsage usage = support::twoExecutors();
  for (const char* priority : {"-5", "3", "high", "1"}) {
    ResourceUsage::Executor::Task* task = usage.mutable_executors(1)->add_tasks();
    task->set_name("t");
    task->mutable_id()->set_value("t");
    mesos::Label* label = task->mutable_labels()->add_labels();
    label->set_key("gleaner.priority");
    label->set_value(priority);
  }
  const std::vector<fake::Task>& table = pushed(usage);
  EXPECT_EQ(3, table.at(1).row.priority);
  EXPECT_EQ(0, table.at(0).row.priority);
}
