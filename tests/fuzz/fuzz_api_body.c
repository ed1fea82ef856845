/* The bodies of every route that reads one by a table of fields, through the route's own handler: the
 * first byte says which. call_fields is wrapped by the linker: the real one reads the body, what it says
 * is checked, and the handler is told that the body was refused, so that it ends before it would need
 * more than the body. call_fail is wrapped, too: the problem document must be JSON whatever a stranger's
 * field was called. Orders, alone and in a batch, are read whole. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/order_fields.h"
#include "api/problem.h"
#include "api/schema.h"
#include "api/transfers.h"
#include "base/attr.h"
#include "base/mem.h"
#include "sign/secp.h"

#define BODY_MAX     49152
#define DOCUMENT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum errc __real_call_fields(struct call *call, void *out, const struct field *fields, size_t n,
                             struct err *err);
enum errc __wrap_call_fields(struct call *call, void *out, const struct field *fields, size_t n,
                             struct err *err);
void __wrap_call_fail(struct call *call, const struct err *err);

static void (*const handlers[])(struct call *call) = {
        modify_order,        tpsl_put,
        batch_place,         positions_leverage,
        positions_margin,    positions_close,
        transfers_withdraw,  transfers_withdraw_submit,
        transfers_move,      transfers_move_submit,
        api_keys_make,       agents_make,
        approve_agent,       approve_builder_fee,
        approve_builder_ask, prepare_submit,
        signin_challenge,    signin_login,
        terms_accept,
};
#define N_HANDLERS (sizeof handlers / sizeof *handlers)

static unsigned n_fails, n_reads;

static void check_problem(const struct err *err)
{
        json_t *document;
        struct buf out;

        buf_init(&out, DOCUMENT_MAX);
        problem_print(&out, err, "r", "");
        must(buf_check(&out) == E_OK);
        document = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
        must(json_is_object(document));
        json_decref(document);
        buf_fini(&out);
}

static void check_read(enum errc rc, const struct err *err)
{
        must((rc == E_OK) == (err->code == E_OK));
        must(rc == E_OK || rc == E_SYNTAX || rc == E_INVALID);
        must(err->n_fields <= ERR_FIELDS_MAX);
        if (rc)
                check_problem(err);
}

static void read_order(const json_t *json)
{
        struct plan_order_request request = {.size = {0}};
        struct err err = {.code = E_OK};
        enum errc rc = order_fields_read(&request, json, &err);

        check_read(rc, &err);
        if (rc == E_OK)
                must((request.sizing == SIZING_SIZE ? request.size.v : request.amount.v) > 0);
}

enum errc __wrap_call_fields(struct call *call, void *out, const struct field *fields, size_t n,
                             struct err *err)
{
        const json_t *orders, *signature;
        struct signature parsed;
        enum errc rc = __real_call_fields(call, out, fields, n, err);

        n_reads++;
        check_read(rc, err);
        if (rc)
                return rc;
        orders = json_object_get(call->json, "orders");
        for (size_t i = 0; i < json_array_size(orders); i++)
                read_order(json_array_get(orders, i));
        signature = json_object_get(call->json, "signature");
        if (json_is_string(signature))
                (void)!secp_parse_signature(&parsed, json_string_value(signature),
                                            json_string_length(signature));
        return err_set(err, E_INVALID, "Read, and not gone on with.");
}

void __wrap_call_fail(struct call *call, const struct err *err)
{
        (void)call;
        n_fails++;
        must(err->code != E_OK);
        check_problem(err);
}

static const struct venue_caps *caps(const struct venue *venue)
{
        static const struct venue_caps none;

        (void)venue;
        return &none;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct venue_ops ops = {.caps = caps};
        static struct venue venue = {&ops};
        static struct brand brand = {.id = "fuzz",
                                     .name = "Fuzz",
                                     .host = {"fuzz.example"},
                                     .n_hosts = 1,
                                     .chain = {1},
                                     .terms_version = "1"};
        struct api api = {.o = {.venue = &venue, .clock = clock_system()}};
        struct call call = {.api = &api, .brand = &brand};

        if (size < 1 || size > BODY_MAX)
                return 0;
        if (!brand.statement[0])
                (void)text_copy(brand.statement, sizeof brand.statement, "Sign in.");
        call.body = xstrndup((const char *)data + 1, size - 1);
        call.body_len = size - 1;
        api.transfers = transfers_new(&api);
        n_fails = n_reads = 0;
        if (data[0] % (N_HANDLERS + 1) == N_HANDLERS) {
                struct err err = {.code = E_OK};
                const json_t *json = call_json(&call, &err);

                if (json)
                        read_order(json);
                else
                        check_problem(&err);
        } else {
                handlers[data[0] % (N_HANDLERS + 1)](&call);
                must(n_fails == 1 && n_reads == 1);
        }
        transfers_free(api.transfers);
        json_decref(call.json);
        free(call.body);
        return 0;
}
