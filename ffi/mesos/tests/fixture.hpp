// SPDX-License-Identifier: Apache-2.0
//! One module instance over the fake library, with time standing still.
#ifndef GLEANER_MESOS_TESTS_FIXTURE_HPP
#define GLEANER_MESOS_TESTS_FIXTURE_HPP

#include <list>
#include <memory>

#include <mesos/module/qos_controller.hpp>
#include <mesos/module/resource_estimator.hpp>
#include <mesos/slave/oversubscription.hpp>

#include <process/clock.hpp>

#include "fake_library.hpp"
#include "support.hpp"

extern mesos::modules::Module<mesos::slave::ResourceEstimator> org_gleaner_ResourceEstimator;
extern mesos::modules::Module<mesos::slave::QoSController> org_gleaner_QoSController;
extern mesos::modules::Module<mesos::slave::ResourceEstimator>
  com_blue_yonder_ThresholdResourceEstimator;
extern mesos::modules::Module<mesos::slave::QoSController> com_blue_yonder_ThresholdQoSController;

/// libprocess' clock is paused: what happens, happens because it was made to.
class ModuleTest : public ::testing::Test {
protected:
  typedef process::Future<std::list<mesos::slave::QoSCorrection>> Coming;

  void SetUp() override {
    fake::reset();
    process::Clock::pause();
  }

  void TearDown() override {
    estimator.reset();
    controller.reset();
    process::Clock::resume();
  }

  /// Every actor has done what it can do by now.
  void settle() { process::Clock::settle(); }

  void pass(const Duration& time) {
    process::Clock::advance(time);
    settle();
  }

  /// An estimator whose first table has been pushed.
  void estimate(const support::Usage& usage, const mesos::Parameters& parameters = {}) {
    estimator.reset(com_blue_yonder_ThresholdResourceEstimator.create(parameters));
    ASSERT_NE(nullptr, estimator);
    ASSERT_TRUE(estimator->initialize(usage).isSome());
    ASSERT_COMES(estimator->oversubscribable());
    settle();
  }

  /// A controller whose first long poll waits, its first table pushed.
  Coming control(const support::Usage& usage) {
    controller.reset(org_gleaner_QoSController.create(mesos::Parameters()));
    EXPECT_NE(nullptr, controller);
    EXPECT_TRUE(controller->initialize(usage).isSome());
    Coming coming = controller->corrections();
    settle();
    return coming;
  }

  void offer(std::uint64_t cpu, std::uint64_t memory, std::uint32_t flags = GLEANER_OFFER_FRESH) {
    std::lock_guard<std::mutex> lock(fake::script().mutex);
    fake::script().offer.cpu_millis = cpu;
    fake::script().offer.memory_bytes = memory;
    fake::script().offer.flags = flags;
  }

  void fail(const std::string& call, gleaner_status status) {
    std::lock_guard<std::mutex> lock(fake::script().mutex);
    fake::script().statuses[call] = status;
  }

  std::unique_ptr<mesos::slave::ResourceEstimator> estimator;
  std::unique_ptr<mesos::slave::QoSController> controller;
};

#endif // GLEANER_MESOS_TESTS_FIXTURE_HPP
