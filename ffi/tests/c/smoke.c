/* SPDX-License-Identifier: Apache-2.0 */
/* A host in C: opens, tells its tasks, reads an offer, is called, takes a correction, closes. */

#include "gleaner.h"

#include <inttypes.h>
#include <poll.h>
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

static gleaner_parameter parameter(const char *key, const char *value)
{
    gleaner_parameter p = {(const uint8_t *)key, strlen(key), (const uint8_t *)value,
                           strlen(value)};
    return p;
}

static gleaner_task task(const char *id, uint32_t class_, uint64_t millis)
{
    gleaner_task t;
    memset(&t, 0, sizeof t);
    t.id = (const uint8_t *)id;
    t.id_len = strlen(id);
    t.class_ = class_;
    t.known = GLEANER_KNOWS_CPU_ALLOCATED;
    t.cpu_allocated_millis = millis;
    return t;
}

static gleaner *opened(const char *root)
{
    char proc[4096], why[4096] = "";
    gleaner *handle = NULL;
    gleaner_parameter parameters[6];
    gleaner_options options;
    snprintf(proc, sizeof proc, "%s/proc", root);
    parameters[0] = parameter("layout.proc_root", proc);
    parameters[1] = parameter("layout.mount_prefix", root);
    parameters[2] = parameter("sample.interval", "100ms");
    parameters[3] = parameter("resources", "cpus:6");
    parameters[4] = parameter("load_threshold_1min", "8");
    parameters[5] = parameter("unknown", "only a warning here");
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.abi_version = GLEANER_ABI_VERSION;
    options.role = GLEANER_ROLE_BOTH;
    options.dialect = GLEANER_DIALECT_THRESHOLD;
    options.parameters = parameters;
    options.parameter_count = 6;
    options.parameter_size = sizeof parameters[0];
    CHECK(gleaner_open(&options, why, sizeof why, &handle) == GLEANER_OK);
    CHECK(handle != NULL && why[0] == '\0');
    if (gleaner_start(handle, why, sizeof why) != GLEANER_OK) {
        fprintf(stderr, "start: %s\n", why);
        exit(1);
    }
    return handle;
}

/* Pushes and reads until the flags are these, or for 20 s. */
static gleaner_offer offered(gleaner *handle, uint32_t flags)
{
    gleaner_task tasks[2];
    gleaner_offer offer;
    uint64_t generation = 0;
    int i;
    tasks[0] = task("web", GLEANER_CLASS_GUARANTEED, 2000);
    tasks[1] = task("best", GLEANER_CLASS_BEST_EFFORT, 500);
    for (i = 0; i < 400; i++) {
        CHECK(gleaner_push_tasks(handle, tasks, 2, sizeof tasks[0], &generation) == GLEANER_OK);
        memset(&offer, 0xee, sizeof offer);
        offer.size = sizeof offer;
        CHECK(gleaner_read_offer(handle, &offer) == GLEANER_OK);
        CHECK(offer.size == sizeof offer);
        if (offer.flags == flags) {
            return offer;
        }
        poll(NULL, 0, 50);
    }
    fprintf(stderr, "no offer with flags %" PRIu32 "\n", flags);
    exit(1);
}

static void load(const char *root, const char *text)
{
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/proc/loadavg", root);
    file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void corrected(gleaner *handle)
{
    struct pollfd called;
    const gleaner_correction *list = NULL;
    size_t count = 0;
    int32_t descriptor = -1;
    CHECK(gleaner_event_fd(handle, &descriptor) == GLEANER_OK);
    called.fd = descriptor;
    called.events = POLLIN;
    CHECK(poll(&called, 1, 20000) == 1);
    CHECK(gleaner_take_corrections(handle, sizeof *list, &list, &count) == GLEANER_OK);
    CHECK(count == 1 && list[0].index == 1 && list[0].action == GLEANER_ACTION_EVICT);
    CHECK(list[0].id_len == 4 && memcmp(list[0].id, "best", 4) == 0);
    CHECK(list[0].reason_len > 0 && list[0].flags == GLEANER_CORRECTION_NAMES_CONTAINER);
    CHECK(poll(&called, 1, 0) == 0);
}

int main(int argc, char **argv)
{
    gleaner *handle;
    gleaner_offer offer;
    gleaner_log_line line;
    const uint8_t *text = NULL;
    size_t length = 0;
    CHECK(argc == 2);
    CHECK(gleaner_abi_version() >> 16 == GLEANER_ABI_MAJOR);
    CHECK(gleaner_abi_version() >= GLEANER_ABI_VERSION);
    CHECK(strlen(gleaner_version()) > 0);
    handle = opened(argv[1]);
    offer = offered(handle, GLEANER_OFFER_FRESH | GLEANER_OFFER_CONFIGURED);
    CHECK(offer.cpu_millis == 5500 && offer.generation != 0);
    load(argv[1], "9.00 9.00 9.00 1/100 12345\n");
    offer = offered(handle, GLEANER_OFFER_FRESH);
    CHECK(offer.cpu_millis == 0);
    corrected(handle);
    CHECK(gleaner_read_status(handle, &text, &length) == GLEANER_OK);
    CHECK(length > 2 && text[0] == '{' && text[length - 1] == '}');
    line.size = sizeof line;
    line.reserved = 0;
    CHECK(gleaner_read_log(handle, &line) == GLEANER_OK);
    CHECK(line.text_len > 0 && line.level == GLEANER_LOG_WARN);
    while (gleaner_read_log(handle, &line) == GLEANER_OK) {
        printf("%.*s\n", (int)line.text_len, (const char *)line.text);
    }
    CHECK(gleaner_close(handle) == GLEANER_OK);
    return 0;
}
