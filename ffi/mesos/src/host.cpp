// SPDX-License-Identifier: Apache-2.0
//! Turns of the actor: usage to the library, offers and corrections to the agent.

#include "host.hpp"

#include <algorithm>
#include <exception>

#include <glog/logging.h>

#include <process/clock.hpp>
#include <process/defer.hpp>
#include <process/delay.hpp>
#include <process/id.hpp>
#include <process/io.hpp>

#include "resources.hpp"

namespace shim {

using mesos::Resources;
using mesos::ResourceUsage;
using mesos::slave::QoSCorrection;
using process::Future;

namespace {

/// Tables whose lent amounts are remembered, for offers that were decided from one of them.
const std::size_t REMEMBERED = 16;
/// Between two looks at a descriptor that was readable although nothing waited.
const Duration BREATH = Milliseconds(100);

/// A pace of 0 must not become a loop at full speed, nor a large one overflow.
Duration milliseconds(std::uint64_t count) {
  const std::uint64_t least = 10;
  const std::uint64_t day = 86400000;
  return Milliseconds(static_cast<std::int64_t>(std::max(least, std::min(count, day))));
}

Future<ResourceUsage> unanswered(const Future<ResourceUsage>& usage) {
  Future<ResourceUsage> hung = usage;
  hung.discard();
  return process::Failure("no answer in time");
}

} // namespace

Host::Host(const std::shared_ptr<Library>& library,
           const Usage& usage,
           const Resources& configured,
           const std::shared_ptr<const int>& waiting)
  : process::ProcessBase(process::ID::generate("gleaner")),
    library_(library),
    usage_(usage),
    configured_(configured),
    pace_(library->pace()),
    waiting_(waiting) {}

void Host::estimate(const std::shared_ptr<Answer<Resources>>& answer) {
  guarded("estimate", [&]() {
    begin();
    answer->say(available());
  });
}

void Host::correct(const std::shared_ptr<Answer<Corrections>>& answer) {
  guarded("correct", [&]() {
    begin();
    // One that still waits gives way.
    reply(Corrections());
    pending_ = answer;
    patience_ = process::delay(milliseconds(pace_.poll_every_ms), self(), &Host::reply, Corrections());
    watch();
  });
}

void Host::finalize() {
  guarded("finalize", [&]() {
    if (poll_.isSome()) {
      // libprocess looks at the descriptor until it has seen this; the callback keeps it open so long.
      poll_.get().discard();
    }
    reply(Corrections());
  });
}

void Host::begin() {
  if (!begun_) {
    begun_ = true;
    ask();
  }
}

void Host::ask() {
  Future<ResourceUsage> usage = process::Failure("cannot be asked for");
  guarded("ask", [&]() {
    usage = usage_().after(milliseconds(pace_.push_timeout_ms), &unanswered);
  });
  usage.onAny(process::defer(self(), &Host::asked, lambda::_1));
}

void Host::asked(const Future<ResourceUsage>& usage) {
  // First, so that whatever happens below there is a next time.
  process::delay(milliseconds(pace_.push_every_ms), self(), &Host::ask);
  guarded("asked", [&]() {
    library_->passOnLog();
    if (!usage.isReady()) {
      if (answering_) {
        LOG(WARNING) << "gleaner: the agent's statistics: "
                     << (usage.isFailed() ? usage.failure() : "discarded")
                     << "; the last tasks known are kept";
      }
      answering_ = false;
      return;
    }
    answering_ = true;
    const std::shared_ptr<const Table> table(new Table(usage.get()));
    const Option<std::uint64_t> generation = library_->push(table->tasks());
    if (generation.isNone()) {
      return;
    }
    table_ = table;
    generation_ = generation.get();
    lent_.push_back(std::make_pair(generation_, table->lent()));
    if (lent_.size() > REMEMBERED) {
      lent_.pop_front();
    }
  });
}

Resources Host::available() {
  const Option<gleaner_offer> offer = library_->offer();
  if (offer.isNone() || table_ == nullptr) {
    return Resources();
  }
  if ((offer.get().flags & GLEANER_OFFER_CONFIGURED) != 0) {
    return configured_ - table_->lent();
  }
  for (const std::pair<std::uint64_t, Resources>& then : lent_) {
    if (then.first == offer.get().generation) {
      // The agent adds what was lent since. Subtraction stops at nothing, so what came back is not added.
      return offered(offer.get()) - (table_->lent() - then.second);
    }
  }
  return Resources();
}

void Host::watch() {
  if (waiting_ == nullptr || pending_ == nullptr || poll_.isSome()) {
    return;
  }
  guarded("watch", [&]() {
    const std::shared_ptr<const int> descriptor = waiting_;
    poll_ = process::io::poll(*descriptor, process::io::READ);
    poll_.get()
      .onAny([descriptor](const Future<short>&) {}) // keeps it open until libprocess lets go
      .onAny(process::defer(self(), &Host::noticed));
  });
}

void Host::noticed() {
  guarded("noticed", [&]() {
    poll_ = None();
    if (pending_ == nullptr) {
      return; // what waits goes on waiting
    }
    Corrections corrections;
    for (const gleaner_correction& correction : library_->take()) {
      if (table_ == nullptr || correction.generation != generation_) {
        LOG(WARNING) << "gleaner: a correction for another table is left out";
        continue;
      }
      const Try<QoSCorrection> kill = table_->kill(correction);
      if (kill.isError()) {
        LOG(ERROR) << "gleaner: a correction is refused: " << kill.error();
        continue;
      }
      corrections.push_back(kill.get());
    }
    library_->passOnLog();
    if (corrections.empty()) {
      process::delay(BREATH, self(), &Host::watch);
    } else {
      reply(corrections);
    }
  });
}

void Host::reply(const Corrections& corrections) {
  guarded("reply", [&]() {
    if (pending_ != nullptr) {
      pending_->say(corrections);
      pending_.reset();
    }
    if (patience_.isSome()) {
      process::Clock::cancel(patience_.get());
      patience_ = None();
    }
  });
}

void Host::guarded(const char* what, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    LOG(ERROR) << "gleaner: " << what << ": " << error.what();
  } catch (...) {
    LOG(ERROR) << "gleaner: " << what << ": an exception of unknown type";
  }
}

} // namespace shim
