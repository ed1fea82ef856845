/* Sign-in messages from strangers: what parses prints as the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/siwe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct siwe siwe;
        struct err err = {0};
        char back[SIWE_MESSAGE_MAX];

        if (siwe_parse(&siwe, (const char *)data, len, &err)) {
                if (err.code != E_SYNTAX || err.detail[0] == '\0')
                        abort();
                return 0;
        }
        if (siwe_print(back, sizeof back, &siwe) != len || memcmp(back, data, len) != 0)
                abort();
        return 0;
}
