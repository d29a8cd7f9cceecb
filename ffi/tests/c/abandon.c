/* SPDX-License-Identifier: Apache-2.0 */
/* A host that lets go of the library while its threads run, and ends without closing anything. */

#include "gleaner.h"

#include <dlfcn.h>
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

typedef gleaner_status (*opener)(const gleaner_options *, char *, size_t, gleaner **);
typedef gleaner_status (*starter)(gleaner *, char *, size_t);

/* ISO C has no cast from a pointer to an object to one to a function. */
static void function(void *library, const char *name, void *into)
{
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(into, &found, sizeof found);
}

static gleaner_parameter parameter(const char *key, const char *value)
{
    gleaner_parameter p = {(const uint8_t *)key, strlen(key), (const uint8_t *)value,
                           strlen(value)};
    return p;
}

int main(int argc, char **argv)
{
    char proc[4096], why[4096] = "";
    gleaner_parameter parameters[3];
    gleaner_options options;
    gleaner *handle = NULL;
    opener open;
    starter start;
    void *library;
    CHECK(argc == 3);
    library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    function(library, "gleaner_open", &open);
    function(library, "gleaner_start", &start);
    snprintf(proc, sizeof proc, "%s/proc", argv[1]);
    parameters[0] = parameter("layout.proc_root", proc);
    parameters[1] = parameter("layout.mount_prefix", argv[1]);
    parameters[2] = parameter("sample.interval", "100ms");
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.abi_version = GLEANER_ABI_VERSION;
    options.role = GLEANER_ROLE_BOTH;
    options.parameters = parameters;
    options.parameter_count = 3;
    options.parameter_size = sizeof parameters[0];
    CHECK(open(&options, why, sizeof why, &handle) == GLEANER_OK);
    CHECK(start(handle, why, sizeof why) == GLEANER_OK);
    CHECK(dlclose(library) == 0);
    /* A few turns of a thread whose library was let go of. */
    poll(NULL, 0, 400);
    return 0;
}
