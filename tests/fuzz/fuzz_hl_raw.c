/* Posted requests: whatever loads must walk, parse and recover without harm, and a typed action that
 * parses must come out the same when its own JSON is parsed again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_decimal.h"
#include "adapters/hyperliquid/hl_multi_sig.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"

#define OUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const json_t *value)
{
        struct hl_msgpack m;
        struct hl_json j;
        struct buf out;

        buf_init(&out, OUT_MAX);
        hl_msgpack_init(&m, &out);
        (void)(hl_raw_walk(value, &m.emit) == E_OK);
        buf_reset(&out);
        hl_json_init(&j, &out);
        if (hl_raw_walk(value, &j.emit) == E_OK && buf_check(&out) == E_OK) {
                json_t *again = hl_raw_load((const char *)out.data, out.len, NULL);

                must(again && json_equal(again, value));
                json_decref(again);
        }
        buf_fini(&out);
}

static void typed(const json_t *value)
{
        struct hl_owned_action *owned;
        struct hl_owned_action *again;
        struct hl_json j;
        struct buf first;
        struct buf second;
        json_t *reloaded;

        if (hl_raw_action(&owned, value, NULL))
                return;
        buf_init(&first, OUT_MAX);
        buf_init(&second, OUT_MAX);
        hl_json_init(&j, &first);
        hl_action_walk(&owned->action, &j.emit);
        reloaded = hl_raw_load((const char *)first.data, first.len, NULL);
        must(reloaded && hl_raw_action(&again, reloaded, NULL) == E_OK);
        hl_json_init(&j, &second);
        hl_action_walk(&again->action, &j.emit);
        must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        json_decref(reloaded);
        hl_raw_action_free(again);
        hl_raw_action_free(owned);
        buf_fini(&first);
        buf_fini(&second);
}

static void request(const struct secp *secp, const json_t *value)
{
        struct hl_request request;
        struct eip712_result digest;
        struct hl_user_agent agent;
        struct hl_user_builder builder;
        struct hl_user_transfer transfer;
        struct hl_user_class_transfer class_transfer;
        struct addr signer;

        if (hl_raw_request(&request, value, NULL) == E_OK)
                (void)(hl_raw_recover(secp, &signer, &request, true) == E_OK);
        (void)(hl_raw_user_digest(&digest, value, NULL) == E_OK);
        (void)(hl_raw_user_digest_as(&digest, json_object_get(value, "action"), "X",
                                     json_object_get(value, "types"), NULL) == E_OK);
        (void)(hl_raw_user_agent(&agent, value) == E_OK);
        (void)(hl_raw_user_builder(&builder, value) == E_OK);
        (void)(hl_raw_user_transfer(&transfer, value) == E_OK);
        (void)(hl_raw_user_class_transfer(&class_transfer, value) == E_OK);
}

static void multi_sig(const json_t *value)
{
        struct hl_envelope envelope = {.nonce = 1};
        struct hl_multi_sig_signers signers;
        struct hl_multi_sig multi;
        struct hash32 digest;
        struct buf scratch;

        (void)(hl_multi_sig_signers(&signers, value) == E_OK);
        if (hl_multi_sig_read(&multi, value, NULL))
                return;
        buf_init(&scratch, OUT_MAX);
        (void)(hl_multi_sig_inner_digest(&digest, &scratch, &multi, &envelope, true) == E_OK);
        if (hl_multi_sig_hash(&digest, &scratch, &multi, &envelope) == E_OK)
                (void)(hl_multi_sig_digest(&digest, &multi, &digest, 1, true) == E_OK);
        buf_fini(&scratch);
}

static void decimals(const char *text, size_t len)
{
        char out[HL_DECIMAL_STR_MAX];

        (void)(hl_decimal_wire(out, text, len) == E_OK);
        (void)(hl_decimal_int(out, text, len, 8) == E_OK);
        (void)(hl_decimal_price(out, text, len, 6) == E_OK);
        (void)(hl_decimal_size(out, text, len, 3) == E_OK);
        (void)(hl_decimal_price_nearest(out, text, len, 4) == E_OK);
        (void)(hl_decimal_nearest(out, text, len, 5) == E_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct secp *secp;
        char *text = malloc(size + 1); /* of its exact size, so that reading past it is seen */
        json_t *value;

        must(text);
        if (!secp)
                secp = secp_new();
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        decimals(text, size);
        value = hl_raw_load(text, size, NULL);
        if (value) {
                walk(value);
                typed(value);
                typed(json_object_get(value, "action"));
                request(secp, value);
                multi_sig(json_object_get(value, "action"));
        }
        json_decref(value);
        free(text);
        return 0;
}
