// SPDX-License-Identifier: Apache-2.0
//! The four module objects that an agent finds by name, and the two classes that it drives.

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include <glog/logging.h>

#include <mesos/mesos.hpp>
#include <mesos/module.hpp>
#include <mesos/module/qos_controller.hpp>
#include <mesos/module/resource_estimator.hpp>
#include <mesos/resources.hpp>
#include <mesos/slave/qos_controller.hpp>
#include <mesos/slave/resource_estimator.hpp>

#include <process/dispatch.hpp>
#include <process/process.hpp>

#include <stout/duration.hpp>
#include <stout/error.hpp>
#include <stout/nothing.hpp>

#include "host.hpp"
#include "library.hpp"
#include "resources.hpp"

namespace {

using mesos::Resources;
using mesos::slave::QoSController;
using mesos::slave::ResourceEstimator;
using process::Future;
using shim::Answer;
using shim::Corrections;
using shim::Host;
using shim::Library;

/// Waited for in the destructor; an actor that does not end by then is left to the end of the process.
const Duration FAREWELL = Seconds(5);

/// What both modules are: a library handle, and after initialize() an actor that uses it.
template <typename Interface, std::uint32_t ROLE>
class Instance : public Interface {
public:
  typedef Interface Kind;
  static constexpr std::uint32_t role() { return ROLE; }

  Instance(const std::shared_ptr<Library>& library, const Resources& configured)
    : library_(library), configured_(configured) {}

  ~Instance() override {
    if (host_ != nullptr) {
      process::terminate(host_.get());
      if (!process::wait(host_->self(), FAREWELL)) {
        LOG(ERROR) << "gleaner: an actor does not end; it is left behind";
        host_.release();
      }
    }
  }

  /// The library's threads start here: create() may be followed by the agent's exit, and a master that
  /// lists this module never gets further than loading it.
  Try<Nothing> initialize(const lambda::function<Future<mesos::ResourceUsage>()>& usage) override {
    if (host_ != nullptr) {
      return Error("initialized already");
    }
    const Try<Nothing> started = library_->start();
    if (started.isError()) {
      return started;
    }
    std::shared_ptr<const int> waiting;
    if (ROLE == GLEANER_ROLE_CONTROLLER) {
      const Try<std::shared_ptr<const int>> descriptor = library_->waiting();
      if (descriptor.isError()) {
        return Error(descriptor.error());
      }
      waiting = descriptor.get();
    }
    host_.reset(new Host(library_, usage, configured_, waiting));
    process::spawn(host_.get());
    return Nothing();
  }

protected:
  template <typename T>
  Future<T> ask(void (Host::*question)(const std::shared_ptr<Answer<T>>&)) {
    const std::shared_ptr<Answer<T>> answer(new Answer<T>());
    if (host_ != nullptr) {
      process::dispatch(host_.get(), question, answer);
    }
    return answer->future();
  }

private:
  const std::shared_ptr<Library> library_;
  const Resources configured_;
  std::unique_ptr<Host> host_;
};

class Estimator : public Instance<ResourceEstimator, GLEANER_ROLE_ESTIMATOR> {
public:
  using Instance::Instance;
  Future<Resources> oversubscribable() override { return ask(&Host::estimate); }
};

class Controller : public Instance<QoSController, GLEANER_ROLE_CONTROLLER> {
public:
  using Instance::Instance;
  Future<Corrections> corrections() override { return ask(&Host::correct); }
};

/// What `resources` names, which only Mesos can read. Each must be right, and the last counts.
Try<Resources> configured(const mesos::Parameters& parameters) {
  Resources resources;
  for (const mesos::Parameter& parameter : parameters.parameter()) {
    if (parameter.key() == "resources") {
      const Try<Resources> parsed = Resources::parse(parameter.value());
      if (parsed.isError()) {
        return Error("parameter resources: " + parsed.error());
      }
      resources = parsed.get();
    }
  }
  return shim::revocable(resources);
}

/// Null stops the agent at its start, with the reason in its log; an exception would end it without one.
template <typename Module, std::uint32_t DIALECT>
typename Module::Kind* create(const mesos::Parameters& parameters) {
  try {
    const Try<Resources> resources = configured(parameters);
    if (resources.isError()) {
      LOG(ERROR) << "gleaner: " << resources.error();
      return nullptr;
    }
    const Try<std::shared_ptr<Library>> library = Library::open(Module::role(), DIALECT, parameters);
    if (library.isError()) {
      LOG(ERROR) << "gleaner: " << library.error();
      return nullptr;
    }
    return new Module(library.get(), resources.get());
  } catch (const std::exception& error) {
    LOG(ERROR) << "gleaner: " << error.what();
  } catch (...) {
    LOG(ERROR) << "gleaner: an exception of unknown type";
  }
  return nullptr;
}

/// The agent itself insists on its own Mesos version; this is about the library beside us.
bool compatible() {
  return shim::libraryFits();
}

const char AUTHOR[] = "Gleaner";
const char MAIL[] = "gleaner@localhost";

} // namespace

// An agent looks for a variable of the module's name.

mesos::modules::Module<ResourceEstimator> org_gleaner_ResourceEstimator(
    MESOS_MODULE_API_VERSION, MESOS_VERSION, AUTHOR, MAIL,
    "Lends what is reserved but not used.", compatible,
    create<Estimator, GLEANER_DIALECT_GLEANER>);

mesos::modules::Module<QoSController> org_gleaner_QoSController(
    MESOS_MODULE_API_VERSION, MESOS_VERSION, AUTHOR, MAIL,
    "Takes back what was lent before its owner notices.", compatible,
    create<Controller, GLEANER_DIALECT_GLEANER>);

mesos::modules::Module<ResourceEstimator> com_blue_yonder_ThresholdResourceEstimator(
    MESOS_MODULE_API_VERSION, MESOS_VERSION, AUTHOR, MAIL,
    "Offers a fixed amount below thresholds of load and memory.", compatible,
    create<Estimator, GLEANER_DIALECT_THRESHOLD>);

mesos::modules::Module<QoSController> com_blue_yonder_ThresholdQoSController(
    MESOS_MODULE_API_VERSION, MESOS_VERSION, AUTHOR, MAIL,
    "Ends one revocable executor at a time above thresholds of load and memory.", compatible,
    create<Controller, GLEANER_DIALECT_THRESHOLD>);
