/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy in C: always offers one core and never ends anybody. The host cuts the core to the slack.
 *
 * Build: cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fPIC -shared -I ffi/include -o libconstant_policy.so ffi/examples/constant_policy.c
 *
 * Its four functions are all that a host looks for. They are called by one thread at a time.
 */

#include "gleaner.h"

#include <stdlib.h>
#include <string.h>

#ifndef POLICY_VERSION
#define POLICY_VERSION GLEANER_POLICY_ABI_VERSION
#endif

#ifndef POLICY_DECISION
#define POLICY_DECISION                                                             \
    "{\"cpu\":{\"offer\":{\"amount\":1000}},\"memory\":{\"offer\":{\"amount\":0}}," \
    "\"verdict\":{\"corrections\":[]}}"
#endif

struct gleaner_policy {
    unsigned long decisions;
};

uint32_t gleaner_policy_abi_version(void)
{
    return POLICY_VERSION;
}

/* `config` is {"config": "<the host's TOML>", "file": "<its name>", "lend": "allocated"}; unused here. */
gleaner_status gleaner_policy_new(const uint8_t *config, size_t config_len, char *why,
                                  size_t why_size, gleaner_policy **out)
{
    static const char reason[] = "no memory";
    (void)config;
    (void)config_len;
    gleaner_policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL) {
        if (why != NULL && why_size >= sizeof reason) {
            memcpy(why, reason, sizeof reason);
        }
        return GLEANER_OS;
    }
    *out = policy;
    return GLEANER_OK;
}

/* An event is one JSON object with one member: what it is. Only two kinds are to be decided on. */
gleaner_status gleaner_policy_step(gleaner_policy *policy, const uint8_t *event, size_t event_len,
                                   const uint8_t **answer, size_t *answer_len)
{
    static const char decision[] = POLICY_DECISION;
    static const char nothing[] = "{}";
    static const char sample[] = "{\"sample\":";
    static const char failed[] = "{\"failed\":";
    size_t length = sizeof sample - 1;
    int decides = event_len > length && (memcmp(event, sample, length) == 0 ||
                                         memcmp(event, failed, length) == 0);
    policy->decisions += decides ? 1 : 0;
    *answer = (const uint8_t *)(decides ? decision : nothing);
    *answer_len = decides ? sizeof decision - 1 : sizeof nothing - 1;
    return GLEANER_OK;
}

gleaner_status gleaner_policy_free(gleaner_policy *policy)
{
    free(policy);
    return GLEANER_OK;
}
