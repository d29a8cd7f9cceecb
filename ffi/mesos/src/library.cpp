// SPDX-License-Identifier: Apache-2.0
//! Calls of the C interface, each once.

#include "library.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <glog/logging.h>

#include <stout/error.hpp>
#include <stout/none.hpp>

namespace shim {

namespace {

/// Room for every mistake in a configuration; what is longer is cut by the library.
const std::size_t WHY_BYTES = 4096;
/// Lines passed on at once, so that a chatty library cannot hold the actor.
const int LINES_AT_ONCE = 64;

std::string text(const std::uint8_t* bytes, std::size_t length) {
  return bytes == nullptr ? "" : std::string(reinterpret_cast<const char*>(bytes), length);
}

std::string explained(gleaner_status status, const std::vector<char>& why) {
  return why.front() == '\0' ? gleaner_status_text(status) : why.data();
}

} // namespace

bool libraryFits() {
  const std::uint32_t found = gleaner_abi_version();
  const std::uint32_t wanted = GLEANER_ABI_VERSION;
  return found >> 16 == wanted >> 16 && found >= wanted; // majors equal, so minors compare
}

Try<std::shared_ptr<Library>> Library::open(
    std::uint32_t role, std::uint32_t dialect, const mesos::Parameters& parameters) {
  std::vector<gleaner_parameter> crossing;
  for (const mesos::Parameter& parameter : parameters.parameter()) {
    const std::string& key = parameter.key();
    const std::string& value = parameter.value();
    crossing.push_back({bytes(key), key.size(), bytes(value), value.size()});
  }
  gleaner_options options = {};
  options.size = sizeof(options);
  options.abi_version = GLEANER_ABI_VERSION;
  options.role = role;
  options.dialect = dialect;
  options.parameters = crossing.data();
  options.parameter_count = crossing.size();
  options.parameter_size = sizeof(gleaner_parameter);

  std::vector<char> why(WHY_BYTES, '\0');
  ::gleaner* handle = nullptr;
  const gleaner_status status = gleaner_open(&options, why.data(), why.size(), &handle);
  if (status != GLEANER_OK) {
    return Error(explained(status, why));
  }
  return std::shared_ptr<Library>(new Library(handle));
}

Library::Library(::gleaner* handle) : handle_(handle) {}

Library::~Library() {
  passOnLog();
  good(gleaner_close(handle_), "gleaner_close");
}

Try<Nothing> Library::start() {
  std::vector<char> why(WHY_BYTES, '\0');
  const gleaner_status status = gleaner_start(handle_, why.data(), why.size());
  passOnLog();
  if (status != GLEANER_OK) {
    return Error(explained(status, why));
  }
  return Nothing();
}

gleaner_pace Library::pace() {
  gleaner_pace pace = {};
  pace.size = sizeof(pace);
  good(gleaner_read_pace(handle_, &pace), "gleaner_read_pace");
  return pace;
}

Option<std::uint64_t> Library::push(const std::vector<gleaner_task>& tasks) {
  std::uint64_t generation = 0;
  if (!good(
          gleaner_push_tasks(
              handle_, tasks.data(), tasks.size(), sizeof(gleaner_task), &generation),
          "gleaner_push_tasks")) {
    return None();
  }
  return generation;
}

Option<gleaner_offer> Library::offer() {
  gleaner_offer offer = {};
  offer.size = sizeof(offer);
  if (!good(gleaner_read_offer(handle_, &offer), "gleaner_read_offer")) {
    return None();
  }
  if ((offer.flags & GLEANER_OFFER_FRESH) == 0) {
    return None();
  }
  return offer;
}

std::vector<gleaner_correction> Library::take() {
  const gleaner_correction* first = nullptr;
  std::size_t count = 0;
  if (!good(
          gleaner_take_corrections(handle_, sizeof(gleaner_correction), &first, &count),
          "gleaner_take_corrections") ||
      first == nullptr) {
    return std::vector<gleaner_correction>();
  }
  return std::vector<gleaner_correction>(first, first + count);
}

Try<std::shared_ptr<const int>> Library::waiting() {
  std::int32_t theirs = -1;
  const gleaner_status status = gleaner_event_fd(handle_, &theirs);
  if (status != GLEANER_OK) {
    return Error(gleaner_status_text(status));
  }
  // Ours: libprocess may look at it for a moment after the handle was closed.
  const int own = ::fcntl(theirs, F_DUPFD_CLOEXEC, 0);
  if (own < 0) {
    return Error(std::string("cannot duplicate the event descriptor: ") + ::strerror(errno));
  }
  return std::shared_ptr<const int>(new int(own), [](const int* descriptor) {
    ::close(*descriptor);
    delete descriptor;
  });
}

void Library::passOnLog() {
  for (int i = 0; i < LINES_AT_ONCE; ++i) {
    gleaner_log_line line = {};
    line.size = sizeof(line);
    if (gleaner_read_log(handle_, &line) != GLEANER_OK) {
      return;
    }
    if (line.lost > 0) {
      LOG(WARNING) << "gleaner: " << line.lost << " lines of the log were lost";
    }
    const std::string words = text(line.text, line.text_len);
    if (line.level == GLEANER_LOG_ERROR) {
      LOG(ERROR) << "gleaner: " << words;
    } else if (line.level == GLEANER_LOG_WARN) {
      LOG(WARNING) << "gleaner: " << words;
    } else {
      LOG(INFO) << "gleaner: " << words;
    }
  }
}

bool Library::good(gleaner_status status, const std::string& call) {
  gleaner_status& last = last_[call];
  if (status != last && status != GLEANER_OK) {
    LOG(ERROR) << "gleaner: " << call << ": " << gleaner_status_text(status)
               << "; nothing is offered and nobody corrected";
  }
  last = status;
  return status == GLEANER_OK;
}

} // namespace shim
