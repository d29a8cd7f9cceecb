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

#endif  /* GLEANER_H */
