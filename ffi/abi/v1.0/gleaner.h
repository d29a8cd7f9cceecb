/* SPDX-License-Identifier: Apache-2.0 */
/* The C interface of Gleaner. Generated from ffi/src by cbindgen; docs/ffi.md shows how to use it. */

#ifndef GLEANER_H
#define GLEANER_H

/* Do not edit. */

#include <stddef.h>
#include <stdint.h>
/*
 * What holds for every function:
 *
 * - Nothing blocks but gleaner_open, gleaner_start and gleaner_close, and these only briefly.
 * - Status codes: GLEANER_OK is success. Outputs are written only then, except the text `why`.
 *   Whatever else is returned: lend nothing, end nobody.
 * - Pointers may not be NULL unless it says so; a zero-length array may be. Ids and texts are bytes
 *   with a length, never NUL-terminated unless it says so; what is passed in is copied.
 * - Texts and arrays that are handed out belong to the handle and live until the next call of the
 *   same function with it, or until it is closed.
 * - One thread at a time per handle, and any thread. Different handles are independent.
 * - A handle that was closed is refused with GLEANER_BAD_HANDLE, also when it is closed again.
 * - Structures grow at their end. Whoever passes one says how large his is: in its first field
 *   `size`, or for arrays as `element_size`. A shorter one is taken as if the rest were 0; a longer
 *   one only if what this library does not know is 0.
 * - Fields named `reserved` must be 0.
 * - A panic inside never reaches the caller: the call says GLEANER_PANICKED and all later calls with
 *   that handle GLEANER_POISONED, but gleaner_read_log and gleaner_close, which go on working.
 */


/**
 * Grows when something that exists changes or goes: programs built against another one do not fit.
 */
#define GLEANER_ABI_MAJOR 1

/**
 * Grows when something is added.
 */
#define GLEANER_ABI_MINOR 0

/**
 * Both, as gleaner_abi_version() returns them. A library fits when its major is the same and its
 * minor at least that of the header.
 */
#define GLEANER_ABI_VERSION ((GLEANER_ABI_MAJOR << 16) | GLEANER_ABI_MINOR)

/**
 * The version of the policy interface, gleaner_policy_*: major << 16 | minor.
 */
#define GLEANER_POLICY_ABI_VERSION (1 << 16)

/**
 * It was done.
 */
#define GLEANER_OK 0

/**
 * A pointer that must not be NULL is.
 */
#define GLEANER_NULL_ARGUMENT 1

/**
 * The size of a structure is too small to hold its first version, not a multiple of 8, or the part
 * that this library does not know is not 0.
 */
#define GLEANER_BAD_SIZE 2

/**
 * A number, a combination or an id that means nothing; for a table gleaner_read_log has the details.
 */
#define GLEANER_BAD_VALUE 3

/**
 * The parameters or the configuration file are wrong; `why` has every mistake, one a line.
 */
#define GLEANER_BAD_CONFIG 4

/**
 * A defect of this library was caught in this very call.
 */
#define GLEANER_PANICKED 5

/**
 * A defect was caught earlier; this handle lends nothing and ends nobody any more.
 */
#define GLEANER_POISONED 6

/**
 * The call does not fit what was called before: started twice, or not started yet.
 */
#define GLEANER_BAD_STATE 7

/**
 * The operating system refused; `why` has the details.
 */
#define GLEANER_OS 8

/**
 * There is nothing to read.
 */
#define GLEANER_NOTHING 9

/**
 * Not a handle, or one that was closed.
 */
#define GLEANER_BAD_HANDLE 10

/**
 * The program was built against a header that this library does not fit.
 */
#define GLEANER_BAD_VERSION 11

/**
 * Says how much may be lent.
 */
#define GLEANER_ROLE_ESTIMATOR 1

/**
 * Says what is to be taken back.
 */
#define GLEANER_ROLE_CONTROLLER 2

/**
 * Both, for a program that is both.
 */
#define GLEANER_ROLE_BOTH 3

/**
 * Parameters are keys of Gleaner's configuration, or `config`; an unknown key is a mistake.
 */
#define GLEANER_DIALECT_GLEANER 0

/**
 * Parameters and behaviour of blue-yonder's threshold modules; an unknown key is only logged.
 */
#define GLEANER_DIALECT_THRESHOLD 1

/**
 * Was promised what it has; never corrected.
 */
#define GLEANER_CLASS_GUARANTEED 0

/**
 * Holds something revocable; may be corrected.
 */
#define GLEANER_CLASS_BEST_EFFORT 1

/**
 * No harm to guaranteed tasks.
 */
#define GLEANER_LEVEL_CALM 0

/**
 * Some.
 */
#define GLEANER_LEVEL_STRAINED 1

/**
 * So much that something must be taken back.
 */
#define GLEANER_LEVEL_CRITICAL 2

/**
 * Nothing is known.
 */
#define GLEANER_LEVEL_UNKNOWN 3

/**
 * End the task.
 */
#define GLEANER_ACTION_EVICT 1

/**
 * For want of CPU.
 */
#define GLEANER_RESOURCE_CPU 0

/**
 * For want of memory.
 */
#define GLEANER_RESOURCE_MEMORY 1

/**
 * For want of block IO.
 */
#define GLEANER_RESOURCE_IO 2

/**
 * What stops it from working.
 */
#define GLEANER_LOG_ERROR 1

/**
 * What an operator should look at.
 */
#define GLEANER_LOG_WARN 2

/**
 * A change of state.
 */
#define GLEANER_LOG_INFO 3

/**
 * `cpu_allocated_millis` is known.
 */
#define GLEANER_KNOWS_CPU_ALLOCATED 1

/**
 * `memory_allocated_bytes` is known.
 */
#define GLEANER_KNOWS_MEMORY_ALLOCATED (1 << 1)

/**
 * `cpu_usage_usec` is known.
 */
#define GLEANER_KNOWS_CPU_USAGE (1 << 2)

/**
 * `throttled_usec` is known.
 */
#define GLEANER_KNOWS_THROTTLED (1 << 3)

/**
 * `periods` and `throttled_periods` are known.
 */
#define GLEANER_KNOWS_PERIODS (1 << 4)

/**
 * `memory_usage_bytes` is known.
 */
#define GLEANER_KNOWS_MEMORY_USAGE (1 << 5)

/**
 * `memory_rss_bytes` is known.
 */
#define GLEANER_KNOWS_MEMORY_RSS (1 << 6)

/**
 * `memory_limit_bytes` is known.
 */
#define GLEANER_KNOWS_MEMORY_LIMIT (1 << 7)

/**
 * `processes` is known.
 */
#define GLEANER_KNOWS_PROCESSES (1 << 8)

/**
 * The numbers come from a fresh decision; without it they are 0.
 */
#define GLEANER_OFFER_FRESH 1

/**
 * Offer all of the parameter `resources`, less what best-effort tasks hold of it, instead of the two
 * amounts. Only in the threshold dialect: there it may name more than CPU and memory.
 */
#define GLEANER_OFFER_CONFIGURED (1 << 1)

/**
 * Name the container too, so that an id that was taken again is not hit. Unset only where exactly
 * the behaviour of the threshold module was asked for.
 */
#define GLEANER_CORRECTION_NAMES_CONTAINER 1

/**
 * One estimator, controller, or both. Made by gleaner_open, ended by gleaner_close.
 *
 * Its address means nothing: it is a number that is looked up and never followed.
 */
typedef struct gleaner gleaner;

/**
 * One policy: the pure step alone, without threads, files or clock. Made by gleaner_policy_new.
 */
typedef struct gleaner_policy gleaner_policy;

/**
 * What became of a call.
 */
typedef uint32_t gleaner_status;

/**
 * One `key = value`, both UTF-8 text. Where a key comes twice the last counts.
 */
typedef struct gleaner_parameter {
    /**
     * The key.
     */
    const uint8_t *key;
    /**
     * Its length in bytes.
     */
    size_t key_len;
    /**
     * The value; may be NULL with length 0.
     */
    const uint8_t *value;
    /**
     * Its length in bytes.
     */
    size_t value_len;
} gleaner_parameter;

/**
 * How to open.
 */
typedef struct gleaner_options {
    /**
     * sizeof(gleaner_options).
     */
    size_t size;
    /**
     * GLEANER_ABI_VERSION, as the caller was built with it.
     */
    uint32_t abi_version;
    /**
     * GLEANER_ROLE_*.
     */
    uint32_t role;
    /**
     * GLEANER_DIALECT_*.
     */
    uint32_t dialect;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The parameters; may be NULL where there are none.
     */
    const struct gleaner_parameter *parameters;
    /**
     * How many.
     */
    size_t parameter_count;
    /**
     * sizeof(gleaner_parameter).
     */
    size_t parameter_size;
} gleaner_options;

/**
 * One task, in any order. What is not known has its bit in `known` unset, and 0 as value.
 *
 * Counters are cumulative. They are used only for tasks whose cgroup cannot be found.
 */
typedef struct gleaner_task {
    /**
     * The container's id: any bytes, at least one, unique in the table.
     */
    const uint8_t *id;
    /**
     * Its length in bytes.
     */
    size_t id_len;
    /**
     * The owner (framework id), so that one owner is not hit twice while another could be; may be NULL.
     */
    const uint8_t *tenant;
    /**
     * Its length in bytes.
     */
    size_t tenant_len;
    /**
     * GLEANER_CLASS_*. Best effort is who holds anything revocable.
     */
    uint32_t class_;
    /**
     * GLEANER_KNOWS_*, of the fields below.
     */
    uint32_t known;
    /**
     * Higher is more important; best-effort tasks of the lowest go first. 0 where there are none.
     */
    int32_t priority;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * CPU it was given, in thousandths; of a best-effort task only the revocable part.
     */
    uint64_t cpu_allocated_millis;
    /**
     * Memory it was given; of a best-effort task only the revocable part.
     */
    uint64_t memory_allocated_bytes;
    /**
     * CPU time used, user and system, microseconds.
     */
    uint64_t cpu_usage_usec;
    /**
     * Time throttled by its own quota, microseconds.
     */
    uint64_t throttled_usec;
    /**
     * Enforcement periods that have passed.
     */
    uint64_t periods;
    /**
     * Enforcement periods in which it was throttled.
     */
    uint64_t throttled_periods;
    /**
     * All memory charged to it, page cache included (mem_total_bytes).
     */
    uint64_t memory_usage_bytes;
    /**
     * Memory that cannot be dropped (mem_rss_bytes).
     */
    uint64_t memory_rss_bytes;
    /**
     * Memory limit in force.
     */
    uint64_t memory_limit_bytes;
    /**
     * Processes.
     */
    uint64_t processes;
} gleaner_task;

/**
 * How much more may be lent, beyond what best-effort tasks hold already.
 */
typedef struct gleaner_offer {
    /**
     * sizeof(gleaner_offer), written by the caller.
     */
    size_t size;
    /**
     * CPU, in thousandths.
     */
    uint64_t cpu_millis;
    /**
     * Memory.
     */
    uint64_t memory_bytes;
    /**
     * GLEANER_OFFER_*.
     */
    uint32_t flags;
    /**
     * The higher of the levels of CPU and memory: GLEANER_LEVEL_*.
     */
    uint32_t level;
    /**
     * The table that it was decided from, as gleaner_push_tasks numbered it; 0 where there was none.
     * While an estimator pushes tables, one of its own; else perhaps one of another handle.
     */
    uint64_t generation;
    /**
     * Age of the decision, milliseconds; 0 where there is none.
     */
    uint64_t age_ms;
} gleaner_offer;

/**
 * How often the host should do what.
 */
typedef struct gleaner_pace {
    /**
     * sizeof(gleaner_pace), written by the caller.
     */
    size_t size;
    /**
     * Push a table this often, milliseconds.
     */
    uint64_t push_every_ms;
    /**
     * Wait no longer than this for the statistics that a table is made from, milliseconds.
     */
    uint64_t push_timeout_ms;
    /**
     * After this without a new table nothing is offered and nobody is corrected, milliseconds.
     */
    uint64_t table_max_age_ms;
    /**
     * Complete an empty list of corrections this often, milliseconds, although nothing is to be done.
     */
    uint64_t poll_every_ms;
} gleaner_pace;

/**
 * One best-effort task of the caller's table from which something is to be taken back.
 */
typedef struct gleaner_correction {
    /**
     * The table that `index` is about: the last one pushed with this handle.
     */
    uint64_t generation;
    /**
     * Place in that table.
     */
    uint32_t index;
    /**
     * GLEANER_ACTION_*.
     */
    uint32_t action;
    /**
     * For want of which resource: GLEANER_RESOURCE_*.
     */
    uint32_t resource;
    /**
     * GLEANER_CORRECTION_*.
     */
    uint32_t flags;
    /**
     * The id at that place, to be compared with the caller's own before the act.
     */
    const uint8_t *id;
    /**
     * Its length in bytes.
     */
    size_t id_len;
    /**
     * Why, one line of UTF-8 for the host's log.
     */
    const uint8_t *reason;
    /**
     * Its length in bytes.
     */
    size_t reason_len;
} gleaner_correction;

/**
 * One line for the host's log.
 */
typedef struct gleaner_log_line {
    /**
     * sizeof(gleaner_log_line), written by the caller.
     */
    size_t size;
    /**
     * GLEANER_LOG_*.
     */
    uint32_t level;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * When, milliseconds since 1970-01-01 UTC.
     */
    uint64_t wall_ms;
    /**
     * The line, UTF-8 without a line break.
     */
    const uint8_t *text;
    /**
     * Its length in bytes.
     */
    size_t text_len;
    /**
     * Lines lost since the last one that was read, because nobody read in time.
     */
    uint64_t lost;
} gleaner_log_line;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the interface that this library has: major in the upper 16 bits, minor in the lower.
 *
 * A program refuses a library whose major is not its own GLEANER_ABI_MAJOR, or whose minor is smaller
 * than its GLEANER_ABI_MINOR. gleaner_open does the same with what the program says of itself.
 */
uint32_t gleaner_abi_version(void);

/**
 * The version of the library as text, NUL-terminated, in static storage.
 */
const char *gleaner_version(void);

/**
 * A status in words, NUL-terminated, in static storage; never NULL, whatever the number is.
 */
const char *gleaner_status_text(gleaner_status status);

/**
 * Checks the parameters and makes a handle. Starts no thread and reads nothing of the kernel but the
 * configuration file that the parameters may name.
 *
 * On failure `why` gets the reason, NUL-terminated and cut to `why_size`: every mistake, one a line.
 * It may be NULL with size 0. `out` gets the handle.
 *
 * # Safety
 * `options` points to a structure of the size that its first field says, and everything in it to what
 * it says. `why` has room for `why_size` bytes, `out` for a pointer.
 */
gleaner_status gleaner_open(const struct gleaner_options *options,
                            char *why,
                            size_t why_size,
                            struct gleaner **out);

/**
 * Finds the node's cgroups and starts the threads. Called once, in the process that goes on living.
 *
 * # Safety
 * `why` has room for `why_size` bytes; it may be NULL with size 0.
 */
gleaner_status gleaner_start(struct gleaner *handle, char *why, size_t why_size);

/**
 * Hands over the tasks as the agent knows them now. The last good table stays in use until the next.
 *
 * `generation` gets the number of this table; corrections name it. A table with a mistake is refused
 * as a whole with GLEANER_BAD_VALUE, and the one before stays.
 *
 * # Safety
 * `tasks` points to `task_count` elements of `element_size` bytes, which point to what they say;
 * `generation` has room for its number.
 */
gleaner_status gleaner_push_tasks(struct gleaner *handle,
                                  const struct gleaner_task *tasks,
                                  size_t task_count,
                                  size_t element_size,
                                  uint64_t *generation);

/**
 * The latest offer. Zeros without GLEANER_OFFER_FRESH while there is no fresh decision: not started,
 * cold, no table, stale.
 *
 * # Safety
 * `out` points to a structure of the size that its first field says.
 */
gleaner_status gleaner_read_offer(struct gleaner *handle,
                                  struct gleaner_offer *out);

/**
 * How often the host should call, from the parameters. Known from the moment of opening.
 *
 * # Safety
 * `out` points to a structure of the size that its first field says.
 */
gleaner_status gleaner_read_pace(struct gleaner *handle, struct gleaner_pace *out);

/**
 * A descriptor that is readable while corrections wait to be taken, for poll and its like. It belongs
 * to the handle: not to be read from, and not to be closed. It is closed with the handle.
 *
 * # Safety
 * `descriptor` has room for its number.
 */
gleaner_status gleaner_event_fd(struct gleaner *handle,
                                int32_t *descriptor);

/**
 * Takes the corrections that wait, for the last table pushed with this handle, and makes the
 * descriptor unreadable. A task that this table does not have, or not as best effort, is left out.
 *
 * What is taken counts as done. A task that is still there after a while may come again.
 * `element_size` is sizeof(gleaner_correction), and the distance of the elements handed out.
 *
 * # Safety
 * `corrections` has room for a pointer, `count` for its number.
 */
gleaner_status gleaner_take_corrections(struct gleaner *handle,
                                        size_t element_size,
                                        const struct gleaner_correction **corrections,
                                        size_t *count);

/**
 * All that is known as one JSON object: the last decision with its reasons, tables, troubles.
 *
 * # Safety
 * `text` has room for a pointer, `text_len` for its number.
 */
gleaner_status gleaner_read_status(struct gleaner *handle, const uint8_t **text, size_t *text_len);

/**
 * The oldest line of the log that was not read yet; GLEANER_NOTHING where there is none.
 *
 * # Safety
 * `out` points to a structure of the size that its first field says.
 */
gleaner_status gleaner_read_log(struct gleaner *handle, struct gleaner_log_line *out);

/**
 * Ends the threads of this handle, waiting for at most two seconds, and the handle. NULL is allowed
 * and does nothing.
 */
gleaner_status gleaner_close(struct gleaner *handle);

/**
 * The version of the policy interface that this library has: major << 16 | minor.
 */
uint32_t gleaner_policy_abi_version(void);

/**
 * Makes a policy from its configuration, a JSON object as docs/ffi.md describes.
 *
 * On failure `why` gets the reason, NUL-terminated and cut to `why_size`; it may be NULL with size 0.
 *
 * # Safety
 * `config` points to `config_len` bytes, `why` has room for `why_size` bytes, `out` for a pointer.
 */
gleaner_status gleaner_policy_new(const uint8_t *config,
                                  size_t config_len,
                                  char *why,
                                  size_t why_size,
                                  struct gleaner_policy **out);

/**
 * One step: an event in, its answer out, both one JSON object without a line break.
 *
 * The answer belongs to the policy and lives until its next step.
 *
 * # Safety
 * `event` points to `event_len` bytes; `answer` has room for a pointer, `answer_len` for its number.
 */
gleaner_status gleaner_policy_step(struct gleaner_policy *policy,
                                   const uint8_t *event,
                                   size_t event_len,
                                   const uint8_t **answer,
                                   size_t *answer_len);

/**
 * Ends a policy. NULL is allowed and does nothing.
 */
gleaner_status gleaner_policy_free(struct gleaner_policy *policy);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GLEANER_H */
