/* The first byte says what the rest is: a gateway's configuration, a brand, or a logo. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "brand/brand_load.h"
#include "brand/config_parse.h"
#include "brand/logo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void run_logo(const uint8_t *data, size_t len)
{
        const char *expected = NULL;
        unsigned line = 0;
        const char *type = logo_type(data, len, &expected, &line);

        must((type == NULL) == (expected != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct buf problems;

        if (len == 0)
                return 0;
        if (data[0] == 'L') {
                run_logo(data + 1, len - 1);
                return 0;
        }
        buf_init(&problems, 1 << 20);
        if (data[0] == 'B') {
                struct brand_source source = {.file = "brand.yaml"};
                struct brand *brand =
                        brand_load_text("acme", data + 1, len - 1, &source, &problems);
                must((brand == NULL) == (problems.len > 0));
                brand_free(brand);
        } else {
                struct config *config = config_parse("gateway.yaml", data + 1, len - 1, &problems);
                must((config == NULL) == (problems.len > 0));
                config_free(config);
        }
        buf_fini(&problems);
        return 0;
}
