// SPDX-License-Identifier: Apache-2.0
//! corrections(): waits, comes at once, names the right one, and is answered whatever happens.

#include "fixture.hpp"

using mesos::ResourceUsage;
using mesos::slave::QoSCorrection;
using process::Future;
using process::Promise;
using support::answering;
using support::twoExecutors;

namespace {

const std::uint32_t NAMED = GLEANER_CORRECTION_NAMES_CONTAINER;
const fake::Correction BATCH = {1, "c-batch", NAMED, 0};

} // namespace

class ControllerTest : public ModuleTest {
protected:
  /// Nothing of this reaches the agent, however long it waits.
  void expectRefused(const fake::Correction& wrong) {
    Coming coming = control(answering(twoExecutors()));
    fake::correct({wrong, BATCH});
    ASSERT_COMES(coming);
    ASSERT_EQ(1u, coming.get().size()) << "the right one beside it comes through";
    EXPECT_EQ("batch", coming.get().front().kill().executor_id().value());
  }
};

TEST_F(ControllerTest, WaitsUntilThereIsACorrectionAndThenComesAtOnce) {
  Coming coming = control(answering(twoExecutors()));
  EXPECT_TRUE(coming.isPending()) << "an immediately ready future would be asked for at full speed";
  fake::correct({BATCH});
  ASSERT_COMES(coming); // though libprocess' clock stands still
  ASSERT_EQ(1u, coming.get().size());
  const QoSCorrection& correction = coming.get().front();
  EXPECT_EQ(QoSCorrection::KILL, correction.type());
  EXPECT_EQ("f", correction.kill().framework_id().value());
  EXPECT_EQ("batch", correction.kill().executor_id().value());
  EXPECT_EQ("c-batch", correction.kill().container_id().value());
}

TEST_F(ControllerTest, NamesNoContainerOnlyWhereToldTo) {
  Coming coming = control(answering(twoExecutors()));
  fake::correct({{1, "c-batch", 0, 0}});
  ASSERT_COMES(coming);
  ASSERT_EQ(1u, coming.get().size());
  EXPECT_FALSE(coming.get().front().kill().has_container_id());
}

TEST_F(ControllerTest, FindsACorrectionThatCameBetweenTwoQuestions) {
  Coming first = control(answering(twoExecutors()));
  fake::correct({BATCH});
  ASSERT_COMES(first);
  fake::correct({BATCH});
  Coming second = controller->corrections();
  ASSERT_COMES(second);
  EXPECT_EQ(1u, second.get().size());
}

TEST_F(ControllerTest, NeverNamesAnExecutorThatHoldsNothingRevocable) {
  expectRefused({0, "c-prod", NAMED, 0});
}

TEST_F(ControllerTest, RefusesAnotherContainerAtThatPlace) {
  expectRefused({1, "c-other", NAMED, 0});
}

TEST_F(ControllerTest, RefusesAPlaceBeyondTheTable) {
  expectRefused({2, "c-batch", NAMED, 0});
}

TEST_F(ControllerTest, RefusesACorrectionOfAnotherTable) {
  expectRefused({1, "c-batch", NAMED, 7});
}

TEST_F(ControllerTest, AnswersWithNothingAfterItsOwnPeriod) {
  Coming coming = control(answering(twoExecutors()));
  pass(Seconds(14));
  EXPECT_TRUE(coming.isPending());
  pass(Seconds(1));
  ASSERT_COMES(coming);
  EXPECT_TRUE(coming.get().empty());
}

TEST_F(ControllerTest, DoesNotSpinOnADescriptorThatCriesWolf) {
  Coming coming = control(answering(twoExecutors()));
  fail("take", GLEANER_POISONED); // which leaves the descriptor readable
  fake::cryWolf();
  while (fake::calls("take") == 0) {
    settle();
  }
  for (int i = 0; i < 100; ++i) {
    settle();
  }
  EXPECT_EQ(1, fake::calls("take"));
  EXPECT_TRUE(coming.isPending());
}

TEST_F(ControllerTest, KillsNobodyAfterAPanic) {
  Coming coming = control(answering(twoExecutors()));
  fail("take", GLEANER_PANICKED);
  fake::correct({BATCH});
  pass(Seconds(15));
  ASSERT_COMES(coming);
  EXPECT_TRUE(coming.get().empty());
}

TEST_F(ControllerTest, AnswersTheOlderQuestionWhenAskedTwice) {
  Coming first = control(answering(twoExecutors()));
  Coming second = controller->corrections();
  ASSERT_COMES(first);
  EXPECT_TRUE(first.get().empty());
  EXPECT_TRUE(second.isPending());
  fake::correct({BATCH});
  ASSERT_COMES(second);
  EXPECT_EQ(1u, second.get().size());
}

TEST_F(ControllerTest, AnswersTheOpenQuestionWhenItEnds) {
  Coming coming = control(answering(twoExecutors()));
  controller.reset();
  ASSERT_COMES(coming);
  EXPECT_TRUE(coming.get().empty());
  EXPECT_EQ(1, fake::calls("close"));
}

TEST_F(ControllerTest, EndsWhileUsageHangs) {
  Promise<ResourceUsage> never;
  Coming coming = control([&never]() { return never.future(); });
  controller.reset();
  ASSERT_COMES(coming);
  EXPECT_TRUE(coming.get().empty());
  never.set(twoExecutors()); // a late answer finds nobody
  settle();
  EXPECT_EQ(0, fake::calls("push"));
}

TEST_F(ControllerTest, WaitsThoughUsageHangs) {
  Promise<ResourceUsage> never;
  Coming coming = control([&never]() { return never.future(); });
  fake::correct({BATCH});
  pass(Seconds(15));
  ASSERT_COMES(coming);
  EXPECT_TRUE(coming.get().empty()) << "without a table nobody can be named";
}

TEST_F(ControllerTest, AnswersBeforeInitialize) {
  controller.reset(org_gleaner_QoSController.create(mesos::Parameters()));
  Coming coming = controller->corrections();
  ASSERT_COMES(coming);
  EXPECT_TRUE(coming.get().empty());
}
