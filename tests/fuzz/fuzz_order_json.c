/* The order route's body, from bytes to a checked request. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/order_fields.h"
#include "base/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct plan_order_request request = {.size = {0}};
        struct err err = {.code = E_OK};
        json_t *json = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, NULL);

        if (json_is_object(json)) {
                enum errc rc = order_fields_read(&request, json, &err);
                must((rc == E_OK) == (err.code == E_OK));
                if (rc == E_OK && request.sizing == SIZING_SIZE)
                        must(request.size.v > 0);
        }
        json_decref(json);
        return 0;
}
