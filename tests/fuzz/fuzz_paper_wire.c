/* What clients send to the paper venue, from bytes to whatever the venue does with it. The first byte
 * says where it arrives: 'i' /info, 'e' /exchange, 'w' a WebSocket, 'a' an action of a funded account
 * (an array: one after the other) as if its signature had been checked, 'u' the same for what users sign
 * themselves, 'd' a fault at /paper/fault. Every answer that is not plain text is JSON, and an account
 * is shown afterwards. The venue is real but for its clock's ticks: its own port, its own loop, neither
 * turned. It is made anew every so often, so that little hangs on what came before. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/paper_ws.h"
#include "base/mem.h"
#include "edge/utf8.h"

#define INPUT_MAX   16384
#define INPUTS_EACH 256
#define ACTIONS_MAX 16
#define MINUTE_MS   60000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct httpd *httpd;
static struct paper *venue;
static const struct addr alice = {.b = {0xa1}}, bob = {.b = {0xb0}};
static const struct handle peer = {.slot = 1, .generation = 1};

static void venue_open(void)
{
        const struct paper_options options = {.seed = 7, .is_mainnet = true, .is_ungated = true};
        static const struct httpd_request upgrade = {.path = "/ws", .peer = "192.0.2.1"};
        const struct usd amount = {100000 * NUM_SCALE};
        struct err err = {.code = E_OK};

        loop = loop_new();
        httpd = httpd_new(loop);
        venue = paper_open(loop, httpd, &options, &err);
        must(venue != NULL);
        paper_fund(venue, &alice, amount);
        paper_fund(venue, &bob, amount);
        engine_dex_deposit(venue->engine, &alice, 1, amount, paper_now(venue));
        paper_ws_ops()->opened(venue, peer, &upgrade);
}

static void venue_close(void)
{
        paper_stop(venue);
        httpd_free(httpd);
        paper_close(venue);
        loop_free(loop);
        venue = NULL;
}

static void check_answer(const struct paper_answer *answer)
{
        json_t *json;

        must(answer->status >= 200 && answer->status < 600);
        if (answer->is_text || buf_check(&answer->body))
                return;
        json = json_loadb((const char *)answer->body.data, answer->body.len, JSON_DECODE_ANY, NULL);
        must(json != NULL);
        json_decref(json);
}

static void ask(const json_t *body,
                void (*run)(struct paper *p, struct paper_answer *answer, const json_t *body))
{
        struct paper_answer answer;

        paper_answer_init(&answer);
        run(venue, &answer, body);
        check_answer(&answer);
        paper_answer_fini(&answer);
}

static void show_account(void)
{
        static const char *const types[] = {"clearinghouseState", "frontendOpenOrders",
                                            "historicalOrders",   "userFills",
                                            "twapHistory",        "userNonFundingLedgerUpdates"};
        char hex[ADDR_STR_MAX];

        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
                json_t *body =
                        json_pack("{ssss}", "type", types[i], "user", hex_print_addr(hex, &alice));

                ask(body, paper_info_run);
                json_decref(body);
        }
}

static void check_outcome(struct paper_outcome *out)
{
        struct paper_answer answer = {.status = 200, .body = out->response};

        must(memchr(out->text, '\0', sizeof out->text) != NULL);
        if (!out->text[0])
                check_answer(&answer);
        buf_fini(&out->response);
        paper_market_refill(venue, paper_now(venue));
        paper_feed_flush(venue);
}

static void act(const json_t *action)
{
        struct paper_outcome out = {.n_done = 0};
        struct hl_owned_action *owned;

        if (hl_raw_action(&owned, action, NULL))
                return;
        buf_init(&out.response, PAPER_BODY_MAX);
        paper_trade_run(venue, &out, paper_users_get(venue, &alice), &owned->action);
        check_outcome(&out);
        hl_raw_action_free(owned);
        paper_advance(venue, MINUTE_MS);
}

/* The form is checked before, as /exchange does it. */
static void act_as_user(const json_t *action)
{
        struct paper_outcome out = {.n_done = 0};
        struct hl_request request = {.action = action};
        struct eip712_result digest;

        request.type = hl_raw_get_text(action, "type", NULL);
        if (!request.type || hl_raw_kind(request.type) != HL_RAW_USER ||
            hl_raw_user_digest(&digest, action, NULL))
                return;
        request.kind = HL_RAW_USER;
        buf_init(&out.response, PAPER_BODY_MAX);
        paper_transfer_run(venue, &out, paper_users_get(venue, &alice), &request);
        check_outcome(&out);
}

static void act_all(const json_t *actions, void (*one)(const json_t *action))
{
        if (!json_is_array(actions))
                one(actions);
        for (size_t i = 0; i < json_array_size(actions) && i < ACTIONS_MAX; i++)
                one(json_array_get(actions, i));
        show_account();
}

static void control(const char *text, size_t len)
{
        const struct httpd_request request = {.method = METHOD_POST,
                                              .path = "/paper/fault",
                                              .query = "",
                                              .host = "",
                                              .body = text,
                                              .body_len = len};
        struct paper_answer answer;

        paper_answer_init(&answer);
        paper_control_handle(venue, &answer, &request);
        check_answer(&answer);
        paper_answer_fini(&answer);
        paper_faults_clear(venue);
}

static void deliver(char where, const char *text, size_t len)
{
        json_t *body = where == 'w' || where == 'd' ? NULL : hl_raw_load(text, len, NULL);

        if (where == 'w' && utf8_valid(text, len))
                paper_ws_ops()->message(venue, peer, text, len);
        else if (where == 'd')
                control(text, len);
        else if (body && where == 'i')
                ask(body, paper_info_run);
        else if (body && where == 'e')
                ask(body, paper_exchange_run);
        else if (body && where == 'a')
                act_all(body, act);
        else if (body && where == 'u')
                act_all(body, act_as_user);
        json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static unsigned n;
        char *text;

        if (size < 1 || size > INPUT_MAX)
                return 0;
        if (venue && ++n % INPUTS_EACH == 0)
                venue_close();
        if (!venue)
                venue_open();
        text = xstrndup((const char *)data + 1, size - 1);
        /* A text that stops at a NUL is still its whole length for whoever takes a length. */
        if (strlen(text) == size - 1)
                deliver((char)data[0], text, size - 1);
        free(text);
        return 0;
}
