// SPDX-License-Identifier: Apache-2.0
//! oversubscribable(): always ready, never a failure, never what the agent would end itself at.

#include <limits>
#include <stdexcept>

#include "fixture.hpp"

using mesos::Resource;
using mesos::Resources;
using mesos::ResourceUsage;
using process::Failure;
using process::Future;
using process::Promise;
using support::answering;
using support::twoExecutors;

namespace {

const std::uint64_t MIB = 1 << 20;

Resources revocable(const std::string& text) {
  Resources marked;
  const Resources parsed = Resources::parse(text).get();
  for (Resource resource : parsed) {
    resource.mutable_revocable();
    marked += resource;
  }
  return marked;
}

} // namespace

class EstimatorTest : public ModuleTest {
protected:
  /// What it says now.
  Resources now() {
    Future<Resources> estimate = estimator->oversubscribable();
    EXPECT_TRUE(estimate.await(support::PATIENCE));
    EXPECT_TRUE(estimate.isReady());
    return estimate.isReady() ? estimate.get() : Resources();
  }
};

TEST_F(EstimatorTest, OffersTheTwoAmountsAsRevocableResourcesWithoutARole) {
  estimate(answering(twoExecutors()));
  offer(1500, 100 * MIB + 7);
  const Resources estimate = now();
  EXPECT_EQ(revocable("cpus:1.5;mem:100"), estimate);
  EXPECT_EQ(estimate, estimate.revocable()) << "the agent ends itself otherwise";
  for (const Resource& resource : estimate) {
    EXPECT_FALSE(resource.has_role());
    EXPECT_FALSE(resource.has_allocation_info());
  }
}

TEST_F(EstimatorTest, IsReadyThoughUsageNeverAnswers) {
  Promise<ResourceUsage> never;
  estimate([&never]() { return never.future(); });
  offer(1000, 0);
  EXPECT_TRUE(now().empty()) << "no table, no offer";
}

TEST_F(EstimatorTest, AsksAgainAfterAnAnswerThatNeverComes) {
  int asked = 0;
  estimate([&asked]() {
    ++asked;
    return Promise<ResourceUsage>().future(); // abandoned
  });
  EXPECT_EQ(1, asked);
  pass(Seconds(2)); // the timeout
  pass(Seconds(1)); // the pace
  EXPECT_EQ(2, asked);
  EXPECT_EQ(0, fake::calls("push"));
}

TEST_F(EstimatorTest, KeepsTheLastTableWhenUsageFails) {
  bool broken = false;
  estimate([&broken]() -> Future<ResourceUsage> {
    return broken ? Future<ResourceUsage>(Failure("docker")) : twoExecutors();
  });
  offer(1000, 0);
  EXPECT_EQ(revocable("cpus:1"), now());
  broken = true;
  pass(Seconds(1));
  pass(Seconds(1));
  EXPECT_EQ(1, fake::calls("push"));
  EXPECT_EQ(revocable("cpus:1"), now()) << "how old is too old is for the library to say";
}

TEST_F(EstimatorTest, SurvivesAUsageThatThrows) {
  int asked = 0;
  estimate([&asked]() -> Future<ResourceUsage> {
    ++asked;
    throw std::runtime_error("thrown");
  });
  pass(Seconds(1));
  EXPECT_EQ(2, asked);
  EXPECT_TRUE(now().empty());
}

TEST_F(EstimatorTest, OffersNothingWithoutAFreshDecision) {
  estimate(answering(twoExecutors()));
  offer(1000, 0, 0);
  EXPECT_TRUE(now().empty());
  EXPECT_EQ(1, fake::calls("push")) << "it is not for want of a table";
}

TEST_F(EstimatorTest, OffersNothingAfterAPanic) {
  estimate(answering(twoExecutors()));
  offer(1000, 0);
  for (gleaner_status status : {GLEANER_PANICKED, GLEANER_POISONED, GLEANER_BAD_HANDLE}) {
    fail("offer", status);
    EXPECT_TRUE(now().empty()) << status;
  }
  fail("offer", GLEANER_OK);
  EXPECT_FALSE(now().empty());
}

TEST_F(EstimatorTest, OffersNothingWhereTheTableIsRefused) {
  fail("push", GLEANER_BAD_VALUE);
  estimate(answering(twoExecutors()));
  offer(1000, 0);
  EXPECT_TRUE(now().empty());
}

TEST_F(EstimatorTest, DoesNotHandAbsurdAmountsToTheAgent) {
  estimate(answering(twoExecutors()));
  offer(std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(now().empty());
}

TEST_F(EstimatorTest, TakesOffWhatWasLentSinceTheDecision) {
  ResourceUsage usage = twoExecutors();
  estimate([&usage]() { return Future<ResourceUsage>(usage); });
  offer(2000, 64 * MIB);
  fake::script().offer.generation = 1;
  EXPECT_EQ(revocable("cpus:2;mem:64"), now());
  usage.add_executors()->CopyFrom(support::executor("more", "cpus:0.1;mem:32", "cpus:0.5"));
  pass(Seconds(1));
  EXPECT_EQ(revocable("cpus:1.5;mem:64"), now()) << "the agent adds the new one by itself";
  usage.add_executors()->CopyFrom(support::executor("most", "cpus:0.1;mem:32", "cpus:9;mem:1"));
  pass(Seconds(1));
  EXPECT_EQ(revocable("mem:63"), now()) << "never below nothing";
  fake::script().offer.generation = 99;
  EXPECT_TRUE(now().empty()) << "of a table that nobody pushed";
}

TEST_F(EstimatorTest, SubtractsWhatIsLentFromTheConfiguredResourcesWhateverTheirRole) {
  estimate(answering(twoExecutors()), support::parameters({{"resources", "cpus:4;mem:512;gpus:2"}}));
  offer(0, 0, GLEANER_OFFER_FRESH | GLEANER_OFFER_CONFIGURED);
  EXPECT_EQ(revocable("cpus:3;mem:512;gpus:2"), now()) << "allocation_info must not hide the one cpu";
  offer(0, 0);
  EXPECT_TRUE(now().empty()) << "a threshold is exceeded: nothing of any kind";
}

TEST_F(EstimatorTest, OffersReservedResourcesAsTheThresholdModuleDid) {
  estimate(answering(twoExecutors()), support::parameters({{"resources", "cpus(prod):4"}}));
  offer(0, 0, GLEANER_OFFER_FRESH | GLEANER_OFFER_CONFIGURED);
  const Resources estimate = now();
  ASSERT_EQ(1u, estimate.size());
  EXPECT_EQ(estimate, estimate.revocable());
  const Resource resource = *estimate.begin();
  EXPECT_EQ(4.0, resource.scalar().value());
}

TEST_F(EstimatorTest, AsksForUsageOnlyOnceTheAgentAsks) {
  int asked = 0;
  estimator.reset(org_gleaner_ResourceEstimator.create(mesos::Parameters()));
  ASSERT_TRUE(estimator->initialize([&asked]() {
    ++asked;
    return Future<ResourceUsage>(twoExecutors());
  }).isSome());
  settle();
  EXPECT_EQ(0, asked) << "the agent still recovers and knows no executor";
  now();
  settle();
  EXPECT_EQ(1, asked);
  pass(Milliseconds(999));
  EXPECT_EQ(1, asked);
  pass(Milliseconds(1));
  EXPECT_EQ(2, asked);
}

TEST_F(EstimatorTest, AnswersBeforeInitialize) {
  estimator.reset(org_gleaner_ResourceEstimator.create(mesos::Parameters()));
  EXPECT_TRUE(now().empty());
}

TEST_F(EstimatorTest, WorksWithAnotherInstanceBesideIt) {
  estimate(answering(twoExecutors()));
  std::unique_ptr<mesos::slave::ResourceEstimator> other(
      org_gleaner_ResourceEstimator.create(mesos::Parameters()));
  ASSERT_TRUE(other->initialize(answering(twoExecutors())).isSome());
  other.reset();
  offer(1000, 0);
  EXPECT_EQ(revocable("cpus:1"), now());
  EXPECT_EQ(1, fake::calls("close"));
}
