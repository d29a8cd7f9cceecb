// SPDX-License-Identifier: Apache-2.0
//! create() and initialize(): what an agent may do with a module, in every order, and what the library is told.

#include <gmock/gmock.h>
#include <glog/logging.h>

#include "fixture.hpp"

using mesos::ResourceUsage;
using mesos::slave::QoSController;
using mesos::slave::ResourceEstimator;
using process::Future;
using support::answering;
using support::parameters;
using support::twoExecutors;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

namespace {

/// The agent's log while one of these lives.
class Heard : public google::LogSink {
public:
  Heard() { google::AddLogSink(this); }
  ~Heard() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity severity, const char*, const char*, int, const struct ::tm*,
            const char* message, size_t length) override {
    std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back(std::make_pair(severity, std::string(message, length)));
  }

  std::vector<std::pair<int, std::string>> lines() {
    std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }

private:
  std::mutex mutex_;
  std::vector<std::pair<int, std::string>> lines_;
};

} // namespace

class ModuleObjectTest : public ModuleTest {};
class ParametersTest : public ModuleTest {
protected:
  /// Whether the drop-in estimator takes the pair.
  bool takes(const std::string& key, const std::string& value) {
    std::unique_ptr<ResourceEstimator> made(
        com_blue_yonder_ThresholdResourceEstimator.create(parameters({{key, value}})));
    return made != nullptr;
  }
};

TEST_F(ModuleObjectTest, SaysWhatAnAgentChecks) {
  EXPECT_STREQ("ResourceEstimator", org_gleaner_ResourceEstimator.kind);
  EXPECT_STREQ("QoSController", org_gleaner_QoSController.kind);
  EXPECT_STREQ(MESOS_VERSION, com_blue_yonder_ThresholdResourceEstimator.mesosVersion);
  EXPECT_STREQ(MESOS_MODULE_API_VERSION, com_blue_yonder_ThresholdQoSController.moduleApiVersion);
}

TEST_F(ModuleObjectTest, FitsOnlyALibraryThatHasAllItCalls) {
  EXPECT_TRUE(org_gleaner_ResourceEstimator.compatible());
  fake::script().abiVersion = GLEANER_ABI_VERSION + 1;
  EXPECT_TRUE(org_gleaner_ResourceEstimator.compatible()) << "a newer minor adds only";
  fake::script().abiVersion = (GLEANER_ABI_MAJOR + 1) << 16;
  EXPECT_FALSE(org_gleaner_QoSController.compatible());
  fake::script().abiVersion = (GLEANER_ABI_MAJOR - 1) << 16 | 0xffff;
  EXPECT_FALSE(com_blue_yonder_ThresholdQoSController.compatible());
}

TEST_F(ModuleObjectTest, StartsNothingBeforeInitialize) {
  controller.reset(org_gleaner_QoSController.create(mesos::Parameters()));
  settle();
  EXPECT_EQ(1, fake::calls("open"));
  EXPECT_EQ(0, fake::calls("start"));
  controller.reset();
  EXPECT_EQ(1, fake::calls("close")) << "also when it was never initialized";
}

TEST_F(ModuleObjectTest, RefusesASecondInitialize) {
  estimator.reset(org_gleaner_ResourceEstimator.create(mesos::Parameters()));
  EXPECT_TRUE(estimator->initialize(answering(twoExecutors())).isSome());
  EXPECT_TRUE(estimator->initialize(answering(twoExecutors())).isError());
  controller.reset(org_gleaner_QoSController.create(mesos::Parameters()));
  EXPECT_TRUE(controller->initialize(answering(twoExecutors())).isSome());
  EXPECT_TRUE(controller->initialize(answering(twoExecutors())).isError());
  EXPECT_EQ(2, fake::calls("start"));
}

TEST_F(ModuleObjectTest, SaysWhyTheLibraryDoesNotStart) {
  fail("start", GLEANER_OS);
  fake::script().why = "no cgroups here";
  estimator.reset(org_gleaner_ResourceEstimator.create(mesos::Parameters()));
  const Try<Nothing> initialized = estimator->initialize(answering(twoExecutors()));
  ASSERT_TRUE(initialized.isError());
  EXPECT_EQ("no cgroups here", initialized.error());
}

TEST_F(ModuleObjectTest, IsNotMadeFromAWrongConfigurationAndSaysWhy) {
  for (gleaner_status status : {GLEANER_BAD_CONFIG, GLEANER_BAD_VERSION, GLEANER_PANICKED}) {
    fail("open", status);
    fake::script().why = "line 3: no such key";
    Heard heard;
    EXPECT_EQ(nullptr, org_gleaner_ResourceEstimator.create(mesos::Parameters()));
    EXPECT_EQ(nullptr, com_blue_yonder_ThresholdQoSController.create(mesos::Parameters()));
    EXPECT_THAT(heard.lines(), Contains(Pair(google::GLOG_ERROR, HasSubstr("line 3"))));
  }
}

TEST_F(ModuleObjectTest, TellsTheLibraryItsRoleAndDialect) {
  estimator.reset(org_gleaner_ResourceEstimator.create(parameters({{"config", "/etc/x"}})));
  EXPECT_EQ(unsigned{GLEANER_ROLE_ESTIMATOR}, fake::script().role);
  EXPECT_EQ(unsigned{GLEANER_DIALECT_GLEANER}, fake::script().dialect);
  EXPECT_THAT(fake::script().parameters, ElementsAre(Pair("config", "/etc/x")));
  controller.reset(com_blue_yonder_ThresholdQoSController.create(mesos::Parameters()));
  EXPECT_EQ(unsigned{GLEANER_ROLE_CONTROLLER}, fake::script().role);
  EXPECT_EQ(unsigned{GLEANER_DIALECT_THRESHOLD}, fake::script().dialect);
}

TEST_F(ModuleObjectTest, PassesTheLibrarysLogToTheAgents) {
  Heard heard;
  fake::script().log = {{GLEANER_LOG_WARN, "no PSI here"}, {GLEANER_LOG_ERROR, "a file vanished"}};
  estimate(answering(twoExecutors()));
  EXPECT_THAT(heard.lines(), Contains(Pair(google::GLOG_WARNING, HasSubstr("no PSI here"))));
  EXPECT_THAT(heard.lines(), Contains(Pair(google::GLOG_ERROR, HasSubstr("a file vanished"))));
}

TEST_F(ModuleObjectTest, SaysTheSameTroubleOnce) {
  fail("push", GLEANER_POISONED);
  estimate(answering(twoExecutors()));
  Heard heard;
  pass(Seconds(1));
  pass(Seconds(1));
  EXPECT_TRUE(heard.lines().empty()) << "it was said before";
  EXPECT_EQ(3, fake::calls("push"));
}

TEST_F(ParametersTest, ReadsResourcesAsTheAgentDoes) {
  for (const char* good : {"cpus:16;mem:96000", "", "cpus(prod):4", "ports:[1-5]",
                           R"([{"name":"cpus","type":"SCALAR","scalar":{"value":2}}])"}) {
    EXPECT_TRUE(takes("resources", good)) << good;
  }
  for (const char* bad : {"cpus", "cpus:-1", "cpus:x", "[{}"}) {
    EXPECT_FALSE(takes("resources", bad)) << bad;
  }
}

TEST_F(ParametersTest, LetsTheLastOfTheSameKeyCountButWantsEachToBeRight) {
  const auto make = [](const mesos::Parameters& from) {
    std::unique_ptr<QoSController> made(com_blue_yonder_ThresholdQoSController.create(from));
    return made != nullptr;
  };
  EXPECT_TRUE(make(parameters({{"resources", "cpus:1"}, {"resources", "cpus:2"}})));
  EXPECT_THAT(fake::script().parameters,
              ElementsAre(Pair("resources", "cpus:1"), Pair("resources", "cpus:2")));
  EXPECT_FALSE(make(parameters({{"resources", "cpus"}, {"resources", "cpus:1"}})));
}

TEST_F(ParametersTest, PassesOnWhatItDoesNotKnow) {
  EXPECT_TRUE(takes("colour", " blue "));
  EXPECT_THAT(fake::script().parameters, ElementsAre(Pair("colour", " blue ")));
}
