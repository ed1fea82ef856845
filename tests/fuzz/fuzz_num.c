/* fuzz_num: whatever parses prints, and what was printed parses to the same number and prints to
 * the same text. The first byte chooses decimals and what happens to surplus ones. */
#include <string.h>

#include "base/attr.h"
#include "base/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_micro(const char *text, size_t len)
{
        char copy[256];
        struct usd u;

        if (len >= sizeof copy)
                return;
        memcpy(copy, text, len);
        copy[len] = '\0';
        if (!num_parse_micro(&u, copy))
                must(u.v % NUM_MICRO == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char first[NUM_STR_MAX], second[NUM_STR_MAX];
        int64_t v, exact, again;

        if (len == 0)
                return 0;
        const char *text = (const char *)data + 1;
        unsigned decimals = (data[0] & 31) % 19, min_decimals = data[0] & 128 ? decimals / 2 : 0;
        enum num_excess excess = data[0] & 64 ? NUM_ROUND : NUM_REFUSE;

        check_micro(text, len - 1);
        if (num_parse(&v, text, len - 1, decimals, excess))
                return 0;
        /* Where nothing was rounded, both ways of parsing agree. */
        if (!num_parse(&exact, text, len - 1, decimals, NUM_REFUSE))
                must(exact == v);
        num_print(first, v, decimals, min_decimals);
        must(strlen(first) < NUM_STR_MAX);
        must(num_parse(&again, first, strlen(first), decimals, NUM_REFUSE) == E_OK);
        must(again == v);
        must(strcmp(num_print(second, again, decimals, min_decimals), first) == 0);
        return 0;
}
