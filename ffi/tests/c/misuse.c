/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a host can do wrong without breaking its own memory: refused with a status, outputs untouched. */

#include "gleaner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);       \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

static gleaner_options options(void)
{
    gleaner_options o;
    memset(&o, 0, sizeof o);
    o.size = sizeof o;
    o.abi_version = GLEANER_ABI_VERSION;
    o.role = GLEANER_ROLE_BOTH;
    o.parameter_size = sizeof(gleaner_parameter);
    return o;
}

/* Opens and says what came of it; `handle` must stay as it was unless it was GLEANER_OK. */
static gleaner_status tried(const gleaner_options *o, char *why, size_t why_size)
{
    gleaner *mark = (gleaner *)(void *)why;
    gleaner *handle = mark;
    gleaner_status status = gleaner_open(o, why, why_size, &handle);
    CHECK((status == GLEANER_OK) == (handle != mark));
    if (status == GLEANER_OK) {
        CHECK(gleaner_close(handle) == GLEANER_OK);
    }
    return status;
}

static void opening(void)
{
    char why[64], tiny[4];
    gleaner_options o = options();
    gleaner_parameter p;
    struct {
        gleaner_options known;
        uint64_t unknown;
    } longer;
    CHECK(tried(&o, why, sizeof why) == GLEANER_OK);
    CHECK(gleaner_open(NULL, why, sizeof why, NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_open(&o, NULL, 0, NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(tried(NULL, why, sizeof why) == GLEANER_NULL_ARGUMENT);
    o.size = 0;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_SIZE);
    o.size = sizeof o - 8;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_SIZE);
    o.size = (size_t)-8;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_SIZE);
    memset(&longer, 0, sizeof longer);
    longer.known = options();
    longer.known.size = sizeof longer;
    CHECK(tried(&longer.known, why, sizeof why) == GLEANER_OK);
    longer.unknown = 1;
    CHECK(tried(&longer.known, why, sizeof why) == GLEANER_BAD_SIZE);
    o = options();
    o.role = 77;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_VALUE);
    o = options();
    o.dialect = 77;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_VALUE);
    o = options();
    o.reserved = 1;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_VALUE);
    o = options();
    o.abi_version = GLEANER_ABI_VERSION + 0x10000;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_VERSION);
    o = options();
    o.parameter_count = 1;
    CHECK(tried(&o, why, sizeof why) == GLEANER_NULL_ARGUMENT);
    memset(&p, 0, sizeof p);
    p.key_len = 3;
    o.parameters = &p;
    CHECK(tried(&o, why, sizeof why) == GLEANER_NULL_ARGUMENT);
    p.key = (const uint8_t *)"\xff\xfe\xfd";
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_CONFIG);
    p.key = (const uint8_t *)"cpu";
    memset(tiny, 'x', sizeof tiny);
    CHECK(tried(&o, tiny, 3) == GLEANER_BAD_CONFIG);
    CHECK(tiny[2] == '\0' && tiny[3] == 'x');
    memset(tiny, 'x', sizeof tiny);
    CHECK(tried(&o, tiny, 0) == GLEANER_BAD_CONFIG && tiny[0] == 'x');
    o.parameter_size = 8;
    CHECK(tried(&o, why, sizeof why) == GLEANER_BAD_SIZE);
}

static void tables(gleaner *handle)
{
    gleaner_task t[2];
    uint64_t generation = 42;
    memset(t, 0, sizeof t);
    CHECK(gleaner_push_tasks(handle, t, 1, sizeof t[0], NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_push_tasks(handle, NULL, 1, sizeof t[0], &generation) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_push_tasks(handle, t, 1, 16, &generation) == GLEANER_BAD_SIZE);
    CHECK(gleaner_push_tasks(handle, t, (size_t)-1, sizeof t[0], &generation) == GLEANER_BAD_VALUE);
    CHECK(gleaner_push_tasks(handle, t, 1, sizeof t[0], &generation) == GLEANER_BAD_VALUE);
    t[0].id_len = 1;
    CHECK(gleaner_push_tasks(handle, t, 1, sizeof t[0], &generation) == GLEANER_NULL_ARGUMENT);
    t[0].id = (const uint8_t *)"a";
    t[0].class_ = 9;
    CHECK(gleaner_push_tasks(handle, t, 1, sizeof t[0], &generation) == GLEANER_BAD_VALUE);
    t[0].class_ = GLEANER_CLASS_BEST_EFFORT;
    t[0].known = 0x80000000u;
    CHECK(gleaner_push_tasks(handle, t, 1, sizeof t[0], &generation) == GLEANER_BAD_VALUE);
    t[0].known = 0;
    t[0].reserved = 1;
    CHECK(gleaner_push_tasks(handle, t, 1, sizeof t[0], &generation) == GLEANER_BAD_VALUE);
    t[0].reserved = 0;
    t[1] = t[0];
    CHECK(gleaner_push_tasks(handle, t, 2, sizeof t[0], &generation) == GLEANER_BAD_VALUE);
    CHECK(generation == 42);
    CHECK(gleaner_push_tasks(handle, NULL, 0, sizeof t[0], &generation) == GLEANER_OK);
    CHECK(generation != 42);
}

static void reading(gleaner *handle)
{
    gleaner_offer offer;
    gleaner_pace pace;
    gleaner_log_line line;
    const gleaner_correction *list = NULL;
    const uint8_t *text = NULL;
    size_t count = 7;
    int32_t descriptor = 0;
    CHECK(gleaner_read_offer(handle, NULL) == GLEANER_NULL_ARGUMENT);
    memset(&offer, 0x5a, sizeof offer);
    offer.size = 8;
    CHECK(gleaner_read_offer(handle, &offer) == GLEANER_BAD_SIZE);
    CHECK(offer.cpu_millis == 0x5a5a5a5a5a5a5a5au);
    pace.size = 3;
    CHECK(gleaner_read_pace(handle, &pace) == GLEANER_BAD_SIZE);
    line.size = 0;
    CHECK(gleaner_read_log(handle, &line) == GLEANER_BAD_SIZE);
    CHECK(gleaner_read_log(handle, NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_event_fd(handle, NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_take_corrections(handle, sizeof *list, NULL, &count) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_take_corrections(handle, sizeof *list, &list, NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_take_corrections(handle, 8, &list, &count) == GLEANER_BAD_SIZE && count == 7);
    CHECK(gleaner_read_status(handle, &text, NULL) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_take_corrections(handle, sizeof *list, &list, &count) == GLEANER_OK);
    CHECK(count == 0);
    CHECK(gleaner_event_fd(handle, &descriptor) == GLEANER_OK && descriptor > 2);
}

static void stale(gleaner *handle)
{
    gleaner_offer offer;
    uint64_t generation = 0;
    char why[64];
    offer.size = sizeof offer;
    CHECK(gleaner_read_offer(handle, &offer) == GLEANER_BAD_HANDLE);
    CHECK(gleaner_start(handle, why, sizeof why) == GLEANER_BAD_HANDLE);
    CHECK(gleaner_push_tasks(handle, NULL, 0, 0, &generation) == GLEANER_BAD_HANDLE);
    CHECK(gleaner_close(handle) == GLEANER_BAD_HANDLE);
}

static void policies(void)
{
    gleaner_policy *policy = NULL;
    const uint8_t *answer = NULL;
    size_t length = 0;
    char why[256] = "";
    CHECK(gleaner_policy_new(NULL, 1, why, sizeof why, &policy) == GLEANER_NULL_ARGUMENT);
    CHECK(gleaner_policy_new((const uint8_t *)"x", 1, why, sizeof why, &policy) ==
          GLEANER_BAD_CONFIG);
    CHECK(policy == NULL && why[0] != '\0');
    CHECK(gleaner_policy_new((const uint8_t *)"{}", 2, why, sizeof why, &policy) == GLEANER_OK);
    CHECK(gleaner_policy_step(policy, (const uint8_t *)"[]", 2, &answer, &length) ==
          GLEANER_BAD_VALUE);
    CHECK(answer == NULL && length == 0);
    CHECK(gleaner_policy_free(policy) == GLEANER_OK);
    CHECK(gleaner_policy_free(policy) == GLEANER_BAD_HANDLE);
    CHECK(gleaner_policy_free(NULL) == GLEANER_OK);
    CHECK(gleaner_policy_step(policy, (const uint8_t *)"{}", 2, &answer, &length) ==
          GLEANER_BAD_HANDLE);
}

int main(void)
{
    gleaner_options o = options();
    gleaner *handle = NULL;
    int local = 0;
    CHECK(gleaner_status_text(0xffffffffu) != NULL);
    opening();
    CHECK(gleaner_open(&o, NULL, 0, &handle) == GLEANER_OK);
    tables(handle);
    reading(handle);
    CHECK(gleaner_close(handle) == GLEANER_OK);
    stale(handle);
    stale((gleaner *)(void *)&local);
    CHECK(gleaner_close(NULL) == GLEANER_OK);
    CHECK(gleaner_start(NULL, NULL, 0) == GLEANER_NULL_ARGUMENT);
    policies();
    return 0;
}
