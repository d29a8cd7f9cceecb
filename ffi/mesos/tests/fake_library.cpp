// SPDX-License-Identifier: Apache-2.0
//! The C interface over a script.

#include "fake_library.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace fake {

namespace {

typedef std::lock_guard<std::mutex> Lock;

/// Counts the call; its status.
gleaner_status called(const std::string& name) {
  ++script().calls[name];
  const auto found = script().statuses.find(name);
  return found == script().statuses.end() ? GLEANER_OK : found->second;
}

void explain(char* why, std::size_t size) {
  const std::string& text = script().why;
  const std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(why, text.data(), length);
  why[length] = '\0';
}

std::string text(const std::uint8_t* bytes, std::size_t length) {
  return std::string(reinterpret_cast<const char*>(bytes), length);
}

const std::uint8_t* bytes(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

void readable(bool yes) {
  std::uint64_t count = 1;
  if (yes) {
    (void)!::write(script().event, &count, sizeof(count));
  } else {
    (void)!::read(script().event, &count, sizeof(count));
  }
}

} // namespace

Script& script() {
  static Script* one = new Script();
  return *one;
}

void reset() {
  Script& s = script();
  Lock lock(s.mutex);
  s.abiVersion = GLEANER_ABI_VERSION;
  s.statuses.clear();
  s.why.clear();
  s.offer = gleaner_offer();
  s.pace = gleaner_pace();
  s.pace.push_every_ms = 1000;
  s.pace.push_timeout_ms = 2000;
  s.pace.table_max_age_ms = 60000;
  s.pace.poll_every_ms = 15000;
  s.corrections.clear();
  s.log.clear();
  s.calls.clear();
  s.parameters.clear();
  s.table.clear();
  s.generation = 0;
  s.event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int calls(const std::string& name) {
  Lock lock(script().mutex);
  return script().calls[name];
}

void correct(const std::vector<Correction>& corrections) {
  Lock lock(script().mutex);
  script().corrections.insert(
      script().corrections.end(), corrections.begin(), corrections.end());
  readable(true);
}

void cryWolf() {
  Lock lock(script().mutex);
  readable(true);
}

} // namespace fake

using fake::called;
using fake::script;

// A handle is the address of the script.
extern "C" {

std::uint32_t gleaner_abi_version(void) { return script().abiVersion; }

const char* gleaner_status_text(gleaner_status status) {
  return status == GLEANER_POISONED ? "poisoned" : "a status in words";
}

gleaner_status gleaner_open(
    const gleaner_options* options, char* why, std::size_t size, gleaner** out) {
  fake::Lock lock(script().mutex);
  const gleaner_status status = called("open");
  script().role = options->role;
  script().dialect = options->dialect;
  script().parameters.clear();
  for (std::size_t i = 0; i < options->parameter_count; ++i) {
    const gleaner_parameter& p = options->parameters[i];
    script().parameters.push_back(
        std::make_pair(fake::text(p.key, p.key_len), fake::text(p.value, p.value_len)));
  }
  if (status != GLEANER_OK) {
    fake::explain(why, size);
    return status;
  }
  *out = reinterpret_cast<gleaner*>(&script());
  return GLEANER_OK;
}

gleaner_status gleaner_start(gleaner*, char* why, std::size_t size) {
  fake::Lock lock(script().mutex);
  fake::explain(why, size);
  return called("start");
}

gleaner_status gleaner_push_tasks(
    gleaner*, const gleaner_task* tasks, std::size_t count, std::size_t, std::uint64_t* out) {
  fake::Lock lock(script().mutex);
  const gleaner_status status = called("push");
  if (status == GLEANER_OK) {
    script().table.clear();
    for (std::size_t i = 0; i < count; ++i) {
      script().table.push_back({tasks[i], fake::text(tasks[i].id, tasks[i].id_len),
                                fake::text(tasks[i].tenant, tasks[i].tenant_len)});
    }
    *out = ++script().generation;
  }
  return status;
}

gleaner_status gleaner_read_offer(gleaner*, gleaner_offer* out) {
  fake::Lock lock(script().mutex);
  const gleaner_status status = called("offer");
  if (status == GLEANER_OK) {
    *out = script().offer;
    out->size = sizeof(*out);
    out->generation = out->generation == 0 ? script().generation : out->generation;
  }
  return status;
}

gleaner_status gleaner_read_pace(gleaner*, gleaner_pace* out) {
  fake::Lock lock(script().mutex);
  const gleaner_status status = called("pace");
  if (status == GLEANER_OK) {
    *out = script().pace;
  }
  return status;
}

gleaner_status gleaner_event_fd(gleaner*, std::int32_t* out) {
  fake::Lock lock(script().mutex);
  *out = script().event;
  return called("event");
}

gleaner_status gleaner_take_corrections(
    gleaner*, std::size_t, const gleaner_correction** out, std::size_t* count) {
  static std::vector<fake::Correction>* kept = new std::vector<fake::Correction>();
  static std::vector<gleaner_correction>* taken = new std::vector<gleaner_correction>();
  fake::Lock lock(script().mutex);
  const gleaner_status status = called("take");
  if (status != GLEANER_OK) {
    return status;
  }
  kept->assign(script().corrections.begin(), script().corrections.end());
  script().corrections.clear();
  fake::readable(false);
  taken->clear();
  for (const fake::Correction& c : *kept) {
    gleaner_correction correction = {};
    correction.generation = c.generation == 0 ? script().generation : c.generation;
    correction.index = c.index;
    correction.action = GLEANER_ACTION_EVICT;
    correction.flags = c.flags;
    correction.id = fake::bytes(c.id);
    correction.id_len = c.id.size();
    taken->push_back(correction);
  }
  *out = taken->data();
  *count = taken->size();
  return GLEANER_OK;
}

gleaner_status gleaner_read_log(gleaner*, gleaner_log_line* out) {
  static std::string* line = new std::string();
  fake::Lock lock(script().mutex);
  if (script().log.empty()) {
    return GLEANER_NOTHING;
  }
  *line = script().log.front().second;
  out->level = script().log.front().first;
  out->text = fake::bytes(*line);
  out->text_len = line->size();
  script().log.pop_front();
  return GLEANER_OK;
}

gleaner_status gleaner_close(gleaner*) {
  fake::Lock lock(script().mutex);
  return called("close");
}

} // extern "C"
