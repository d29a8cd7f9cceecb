// SPDX-License-Identifier: Apache-2.0
//! The module as an agent loads it, with the real library and this machine's kernel behind it.

#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <fstream>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <mesos/module/qos_controller.hpp>
#include <mesos/module/resource_estimator.hpp>
#include <mesos/slave/oversubscription.hpp>

#include <stout/os.hpp>
#include <stout/stopwatch.hpp>

#include "support.hpp"

using mesos::Resources;
using mesos::ResourceUsage;
using mesos::slave::QoSController;
using mesos::slave::QoSCorrection;
using mesos::slave::ResourceEstimator;
using process::Future;
using support::answering;
using support::parameters;
using support::twoExecutors;

namespace {

typedef std::vector<std::pair<std::string, std::string>> Pairs;
typedef std::list<QoSCorrection> Corrections;

/// As the agent does it: by name, from the library's own handle.
template <typename T>
mesos::modules::Module<T>* module(const std::string& name) {
  static void* const library = ::dlopen(MODULE_FILE, RTLD_NOW);
  EXPECT_NE(nullptr, library) << ::dlerror();
  return library == nullptr
    ? nullptr
    : static_cast<mesos::modules::Module<T>*>(::dlsym(library, name.c_str()));
}

template <typename T>
std::unique_ptr<T> made(const std::string& name, Pairs pairs, const support::Usage& usage) {
  pairs.push_back(std::make_pair("push_every", "1s"));
  pairs.push_back(std::make_pair("poll_every", "2s"));
  std::unique_ptr<T> one(module<T>(name)->create(parameters(pairs)));
  EXPECT_NE(nullptr, one);
  if (one != nullptr) {
    const Try<Nothing> initialized = one->initialize(usage);
    EXPECT_TRUE(initialized.isSome()) << initialized.error();
  }
  return one;
}

std::unique_ptr<ResourceEstimator> estimator(const Pairs& pairs, const support::Usage& usage) {
  return made<ResourceEstimator>("com_blue_yonder_ThresholdResourceEstimator", pairs, usage);
}

std::unique_ptr<QoSController> controller(const Pairs& pairs, const support::Usage& usage) {
  return made<QoSController>("com_blue_yonder_ThresholdQoSController", pairs, usage);
}

Resources now(ResourceEstimator* estimator) {
  Future<Resources> estimate = estimator->oversubscribable();
  EXPECT_TRUE(estimate.await(support::PATIENCE));
  return estimate.isReady() ? estimate.get() : Resources();
}

Corrections next(QoSController* controller) {
  Future<Corrections> corrections = controller->corrections();
  EXPECT_TRUE(corrections.await(support::PATIENCE));
  return corrections.isReady() ? corrections.get() : Corrections();
}

/// The first that are not none.
Corrections awaited(QoSController* controller) {
  Stopwatch watch;
  watch.start();
  while (watch.elapsed() < support::PATIENCE) {
    const Corrections corrections = next(controller);
    if (!corrections.empty()) {
      return corrections;
    }
  }
  ADD_FAILURE() << "no correction";
  return Corrections();
}

Resources awaited(ResourceEstimator* estimator) {
  Stopwatch watch;
  watch.start();
  while (watch.elapsed() < support::PATIENCE) {
    const Resources estimate = now(estimator);
    if (!estimate.empty()) {
      return estimate;
    }
    os::sleep(Milliseconds(20));
  }
  ADD_FAILURE() << "no offer";
  return Resources();
}

std::set<std::string> entries(const std::string& directory) {
  std::set<std::string> names;
  DIR* const opened = ::opendir(directory.c_str());
  while (const dirent* entry = ::readdir(opened)) {
    names.insert(entry->d_name);
  }
  ::closedir(opened);
  return names;
}

/// What /proc says of this process' threads under `key`, of those whose name begins with gleaner.
std::vector<std::string> ofOurThreads(const std::string& key) {
  std::vector<std::string> found;
  for (const std::string& thread : entries("/proc/self/task")) {
    std::ifstream status("/proc/self/task/" + thread + "/status");
    std::string line;
    bool ours = false;
    while (std::getline(status, line)) {
      ours = ours || line.compare(0, 13, "Name:\tgleaner") == 0;
      if (ours && line.compare(0, key.size(), key) == 0) {
        found.push_back(line.substr(key.size()));
      }
    }
  }
  return found;
}

const Pairs OPEN = {{"resources", "cpus:4;mem:512"}, {"load_threshold_1min", "1e9"}};
const Pairs SHUT = {{"resources", "cpus:4;mem:512"}, {"load_threshold_1min", "0"}};
/// Exceeded by any load, as `>=` has it.
const Pairs ALWAYS = {{"load_threshold_1min", "0"}};
const Pairs NEVER = {{"load_threshold_1min", "1e9"}, {"mem_threshold", "999999999"}};

} // namespace

TEST(Library, OffersTheConfiguredAmountLessWhatIsLentBelowTheThresholds) {
  const auto open = estimator(OPEN, answering(twoExecutors()));
  const Resources estimate = awaited(open.get());
  EXPECT_EQ(estimate, estimate.revocable());
  EXPECT_EQ(3.0, estimate.cpus().get());
  EXPECT_EQ(512u, static_cast<unsigned>(estimate.mem().get().bytes() >> 20));
}

TEST(Library, OffersNothingAboveOne) {
  const auto shut = estimator(SHUT, answering(twoExecutors()));
  const auto open = estimator(OPEN, answering(twoExecutors()));
  now(shut.get());
  awaited(open.get()); // measured together: by now the other has decided as well
  EXPECT_TRUE(now(shut.get()).empty());
}

TEST(Library, EndsTheRevocableExecutorAboveAThreshold) {
  const auto one = controller(ALWAYS, answering(twoExecutors()));
  const Corrections corrections = awaited(one.get());
  ASSERT_EQ(1u, corrections.size());
  EXPECT_EQ("batch", corrections.front().kill().executor_id().value());
  EXPECT_EQ("c-batch", corrections.front().kill().container_id().value());
}

TEST(Library, EndsItWithoutNamingTheContainerUnderStrictCompatibility) {
  Pairs strict = ALWAYS;
  strict.push_back(std::make_pair("strict_compatibility", "true"));
  const auto one = controller(strict, answering(twoExecutors()));
  const Corrections corrections = awaited(one.get());
  ASSERT_EQ(1u, corrections.size());
  EXPECT_FALSE(corrections.front().kill().has_container_id());
}

TEST(Library, EndsOneAtATimeAndNotTheSameTwice) {
  ResourceUsage usage = twoExecutors();
  usage.add_executors()->CopyFrom(support::executor("more", "cpus:0.1;mem:32", "cpus:1"));
  const auto one = controller(ALWAYS, answering(usage));
  EXPECT_EQ(1u, awaited(one.get()).size());
  EXPECT_TRUE(next(one.get()).empty()) << "the first is still leaving";
}

TEST(Library, EndsNobodyBelowTheThresholds) {
  const auto one = controller(NEVER, answering(twoExecutors()));
  EXPECT_TRUE(next(one.get()).empty());
  EXPECT_TRUE(next(one.get()).empty());
}

TEST(Library, EndsNobodyWhereNobodyHoldsAnythingRevocable) {
  ResourceUsage usage;
  usage.add_executors()->CopyFrom(support::executor("prod", "cpus:2;mem:1024", ""));
  const auto one = controller(ALWAYS, answering(usage));
  EXPECT_TRUE(next(one.get()).empty());
  EXPECT_TRUE(next(one.get()).empty());
}

TEST(Library, RefusesAMistakeAndToleratesAnUnknownKeyOnlyInTheOldDialect) {
  const auto makes = [](const std::string& name, const Pairs& pairs) {
    return std::unique_ptr<ResourceEstimator>(
        module<ResourceEstimator>(name)->create(parameters(pairs))) != nullptr;
  };
  const Pairs unknown = {{"colour", "blue"}};
  EXPECT_TRUE(makes("com_blue_yonder_ThresholdResourceEstimator", unknown));
  EXPECT_FALSE(makes("org_gleaner_ResourceEstimator", unknown));
  EXPECT_TRUE(makes("org_gleaner_ResourceEstimator", {}));
  EXPECT_FALSE(makes("org_gleaner_ResourceEstimator", {{"config", "/no/such/file"}}));
}

TEST(Library, ReadsNumbersAsTheThresholdModuleDid) {
  const auto takes = [](const std::string& key, const std::string& value) {
    return std::unique_ptr<QoSController>(
        module<QoSController>("com_blue_yonder_ThresholdQoSController")
          ->create(parameters({{key, value}}))) != nullptr;
  };
  for (const char* good : {"64", "0.5", "-1", "1e3", "inf", "nan"}) {
    EXPECT_TRUE(takes("load_threshold_5min", good)) << good;
  }
  for (const char* bad : {"", " 64", "64 ", "6 4", "x", "64load", "0x10"}) {
    EXPECT_FALSE(takes("load_threshold_1min", bad)) << bad;
    EXPECT_FALSE(takes("load_threshold_15min", bad)) << bad;
  }
  for (const char* good : {"0", "200000"}) {
    EXPECT_TRUE(takes("mem_threshold", good)) << good;
  }
  for (const char* bad : {"", "-1", "+1", "1.5", "200000MB", "200 ", " 200", "0x10", "1e3",
                          "99999999999999999999"}) {
    EXPECT_FALSE(takes("mem_threshold", bad)) << bad;
  }
}

TEST(Library, OurOwnModulesWorkTogether) {
  const auto lends = made<ResourceEstimator>(
      "org_gleaner_ResourceEstimator", {}, answering(twoExecutors()));
  const auto takes = made<QoSController>(
      "org_gleaner_QoSController", {}, answering(twoExecutors()));
  EXPECT_TRUE(now(lends.get()).empty()) << "cold";
  EXPECT_TRUE(next(takes.get()).empty());
}

TEST(Library, ThreadsAreNamedAndBlockSignalsAndGoWithTheLastInstance) {
  auto lends = estimator(OPEN, answering(twoExecutors()));
  auto takes = controller(NEVER, answering(twoExecutors()));
  next(takes.get());
  const std::vector<std::string> blocked = ofOurThreads("SigBlk:");
  EXPECT_FALSE(blocked.empty());
  for (const std::string& mask : blocked) {
    // SIGTERM and SIGUSR1, for which the agent has handlers.
    const unsigned long long bits = std::stoull(mask, nullptr, 16);
    EXPECT_EQ((1ull << 14) | (1ull << 9), bits & ((1ull << 14) | (1ull << 9))) << mask;
  }
  lends.reset();
  EXPECT_FALSE(ofOurThreads("Name:").empty()) << "the other still measures";
  takes.reset();
  EXPECT_TRUE(ofOurThreads("Name:").empty());
}

TEST(Library, LeavesNoDescriptorBehind) {
  const auto round = []() {
    auto takes = controller(NEVER, answering(twoExecutors()));
    next(takes.get());
  };
  round(); // what libprocess opens once
  const std::size_t before = entries("/proc/self/fd").size();
  for (int i = 0; i < 5; ++i) {
    round();
  }
  // libprocess lets go of a descriptor in its event loop, a moment after the instance.
  Stopwatch watch;
  watch.start();
  while (entries("/proc/self/fd").size() > before && watch.elapsed() < support::PATIENCE) {
    os::sleep(Milliseconds(20));
  }
  EXPECT_LE(entries("/proc/self/fd").size(), before);
}

TEST(Library, WithoutTheDaemonOfThinModeNothingIsLentAndNobodyEnded) {
  const Pairs thin = {{"socket", "/nowhere/gleaner.sock"}};
  const auto lends = made<ResourceEstimator>(
      "org_gleaner_ResourceEstimator", thin, answering(twoExecutors()));
  const auto takes = made<QoSController>(
      "org_gleaner_QoSController", thin, answering(twoExecutors()));
  EXPECT_TRUE(now(lends.get()).empty());
  EXPECT_TRUE(next(takes.get()).empty());
  EXPECT_TRUE(now(lends.get()).empty());
}
