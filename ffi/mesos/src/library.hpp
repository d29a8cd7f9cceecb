// SPDX-License-Identifier: Apache-2.0
//! One handle of libgleaner: what the actor says to it and hears from it, with every status looked at.
#ifndef GLEANER_MESOS_LIBRARY_HPP
#define GLEANER_MESOS_LIBRARY_HPP

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <mesos/mesos.hpp>

#include <stout/nothing.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

#include "gleaner.h"

namespace shim {

/// A text as the interface takes it; as long as the text lives and does not change.
inline const std::uint8_t* bytes(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// Whether the library found at run time has what this was compiled with.
bool libraryFits();

/// Not OK always means the same: nothing to offer, nobody to correct. Used by one thread at a time.
class Library {
public:
  /// Checks the parameters and starts nothing; the error has every mistake, one a line.
  static Try<std::shared_ptr<Library>> open(
      std::uint32_t role, std::uint32_t dialect, const mesos::Parameters& parameters);

  /// Ends the library's threads, within two seconds.
  ~Library();

  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// Starts the library's threads; once.
  Try<Nothing> start();

  /// How often to do what.
  gleaner_pace pace();

  /// The table's number; None where it was refused, and the one before stays.
  Option<std::uint64_t> push(const std::vector<gleaner_task>& tasks);

  /// None where there is no fresh decision.
  Option<gleaner_offer> offer();

  /// What waits. The pointers inside live until the next call.
  std::vector<gleaner_correction> take();

  /// A descriptor of our own that is readable while corrections wait; closed with the last copy.
  Try<std::shared_ptr<const int>> waiting();

  /// Hands what the library has to say to the agent's log.
  void passOnLog();

private:
  explicit Library(::gleaner* handle);

  /// Logs a status that is not OK, unless the same call said the same before.
  bool good(gleaner_status status, const std::string& call);

  ::gleaner* const handle_;
  std::map<std::string, gleaner_status> last_;
};

} // namespace shim

#endif // GLEANER_MESOS_LIBRARY_HPP
