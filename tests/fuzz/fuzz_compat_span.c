/* fuzz_compat_span: what is found lies inside the text; and where the text is JSON, it is what the loader
 * finds under the same key. */
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"
#include "compat/compat_span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const char *text, size_t len, const char *key)
{
        json_t *whole = hl_raw_load(text, len, NULL);
        const json_t *value = json_object_get(whole, key);
        const char *at = NULL;
        size_t n = 0;
        json_t *found;

        if (!compat_span_find(&at, &n, text, len, key)) {
                json_decref(whole);
                return;
        }
        must(at >= text && n > 0 && at + n <= text + len);
        if (json_is_object(whole)) {
                found = hl_raw_load(at, n, NULL);
                must(value && found && json_equal(found, value));
                json_decref(found);
        }
        json_decref(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len == 0)
                return 0;
        check((const char *)data, len, "request");
        check((const char *)data, len, "payload");
        check((const char *)data, len, "a");
        return 0;
}
