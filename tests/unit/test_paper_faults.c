/* The paper venue misbehaving on request, and its ledger of what reached it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "paper_fixture.h"

static int setup(void **state)
{
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, NULL);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static struct paper_wallet trader(struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w = paper_fixture_wallet(f, n);

        paper_fixture_faucet(f, &w, "10000");
        return w;
}

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
}

/* ---- Faults and the ledger ------------------------------------------------------------------- */

static void arm(struct paper_fixture *f, const char *kind, const char *path)
{
        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"%s\",\"count\":1,\"path\":\"%s\"}", kind,
                                       path));
}

static int post_status(struct paper_fixture *f, const char *path, const char *body, int64_t wait_ms)
{
        struct paper_reply reply = paper_fixture_http(f, "POST", path, body, wait_ms);
        int status = reply.status;

        paper_fixture_reply_fini(&reply);
        return status;
}

static void test_faults(void **state)
{
        static const char info[] = "{\"type\":\"perpDexs\"}";
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        char *body;
        json_t *ledger, *answer;

        arm(f, "429", "info");
        assert_int_equal(post_status(f, "/info", info, 5000), 429);
        assert_int_equal(post_status(f, "/info", info, 5000), 200);
        arm(f, "502", "info");
        assert_int_equal(post_status(f, "/exchange", "{}", 5000), 422); /* another path */
        assert_int_equal(post_status(f, "/info", info, 5000), 502);
        arm(f, "closeSocket", "info");
        assert_int_equal(post_status(f, "/info", info, 5000), 0);
        arm(f, "noAnswer", "info");
        assert_int_equal(post_status(f, "/info", info, 300), -1);
        arm(f, "rubbish", "info");
        assert_int_equal(post_status(f, "/info", info, 5000), 200);
        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"delay\",\"count\":1,\"delayMs\":150}"));
        assert_int_equal(post_status(f, "/info", info, 20), -1);
        assert_int_equal(post_status(f, "/info", info, 5000), 200);

        /* The answer is lost, the order is not; the same bytes again are a duplicate. */
        arm(f, "lostAnswer", "exchange");
        body = paper_fixture_sign(f, &w,
                                  "{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":true,"
                                  "\"leverage\":3}",
                                  NULL);
        assert_int_equal(post_status(f, "/exchange", body, 5000), 0);
        ledger = paper_fixture_ledger(f);
        assert_int_equal(json_array_size(ledger), 1);
        expect_text(ledger, "0.type", "updateLeverage");
        expect_text(ledger, "0.signer", w.hex);
        expect_text(ledger, "0.account", w.hex);
        expect_text(ledger, "0.effect", "applied");
        assert_int_equal(json_integer_value(paper_fixture_at(ledger, "0.action.leverage")), 3);
        json_decref(ledger);
        answer = paper_fixture_post(f, "/exchange", 200, "%s", body);
        assert_non_null(strstr(paper_fixture_refusal(answer), "duplicate nonce"));
        json_decref(answer);
        free(body);
}

static void test_ledger_pages(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_reply reply;
        json_t *rows;

        for (int i = 0; i < 70; i++)
                json_decref(paper_fixture_act(f, &w, NULL, "{\"type\":\"noop\"}"));
        reply = paper_fixture_http(f, "GET", "/paper/ledger?after=65&limit=3", "", 5000);
        rows = json_loads(reply.body, 0, NULL);
        assert_int_equal(json_array_size(rows), 3);
        assert_int_equal(json_integer_value(paper_fixture_at(rows, "0.seq")), 66);
        json_decref(rows);
        paper_fixture_reply_fini(&reply);
        reply = paper_fixture_http(f, "GET", "/paper/ledger?after=x", "", 5000);
        assert_int_equal(reply.status, 400);
        paper_fixture_reply_fini(&reply);
        rows = paper_fixture_ledger(f);
        assert_int_equal(json_array_size(rows), 70);
        json_decref(rows);
}

/* ---- Late requests --------------------------------------------------------------------------- */

static size_t ledger_len(struct paper_fixture *f)
{
        json_t *ledger = paper_fixture_ledger(f);
        size_t n = json_array_size(ledger);

        json_decref(ledger);
        return n;
}

/* Its sender has left when it takes effect, and is too late when it had to be there by then. */
static void test_a_late_request_outlives_its_sender(void **state)
{
        static const char action[] = "{\"type\":\"noop\"}";
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_sending short_lived = {.nonce = 0};
        char *body = paper_fixture_sign(f, &w, action, NULL);
        json_t *ledger;
        int64_t until;

        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"late\",\"count\":1,\"path\":\"exchange\","
                                       "\"delayMs\":400}"));
        assert_int_equal(post_status(f, "/exchange", body, 20), -1);
        until = clock_mono_ms(loop_clock(f->loop)) + 10000;
        while (ledger_len(f) == 0 && clock_mono_ms(loop_clock(f->loop)) < until)
                continue;
        ledger = paper_fixture_ledger(f);
        expect_text(ledger, "0.effect", "applied");
        json_decref(ledger);
        free(body);

        short_lived.nonce = paper_fixture_nonce(f);
        short_lived.expires_after = short_lived.nonce + 50;
        body = paper_fixture_sign(f, &w, action, &short_lived);
        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"late\",\"count\":1,\"path\":\"exchange\","
                                       "\"delayMs\":400}"));
        assert_int_equal(post_status(f, "/exchange", body, 5000), 200);
        ledger = paper_fixture_ledger(f);
        assert_int_equal(json_array_size(ledger), 2);
        expect_text(ledger, "1.effect", "refused");
        expect_text(ledger, "1.answer.response", "Action already expired");
        json_decref(ledger);
        free(body);
}

static void test_hits_are_counted(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_reply reply;
        json_t *hits;

        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":502,\"count\":3,\"path\":\"info\"}"));
        assert_int_equal(post_status(f, "/info", "{\"type\":\"perpDexs\"}", 5000), 502);
        assert_int_equal(post_status(f, "/info", "{\"type\":\"perpDexs\"}", 5000), 502);
        reply = paper_fixture_http(f, "GET", "/paper/fault", "", 5000);
        hits = json_loads(reply.body, 0, NULL);
        assert_int_equal(json_integer_value(paper_fixture_at(hits, "waiting")), 1);
        assert_int_equal(json_integer_value(paper_fixture_at(hits, "hits.502")), 2);
        assert_int_equal(json_integer_value(paper_fixture_at(hits, "hits.429")), 0);
        json_decref(hits);
        paper_fixture_reply_fini(&reply);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void subscribe(struct paper_fixture *f, struct paper_socket *ws, const char *type,
                      const struct paper_wallet *w)
{
        char text[256];

        (void)snprintf(
                text, sizeof(text),
                "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"%s\",\"user\":\"%s\"}}",
                type, w->hex);
        paper_fixture_ws_send(f, ws, text);
        json_decref(paper_fixture_ws_next(f, ws, "subscriptionResponse", 5000));
}

static void buy(struct paper_fixture *f, const struct paper_wallet *w)
{
        json_t *answer = paper_fixture_act(
                f, w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"110000\",\"s\":\"0."
                "01\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}},"
                "\"c\":\"0x000102030405060708090a0b0c0d0e0f\"}],\"grouping\":\"na\"}");

        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
}

/* A fill's order update comes before the fill, unless that overtakes it. */
static void test_events_overtake(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_socket *ws = paper_fixture_ws(f);
        json_t *frame;

        paper_fixture_price(f, "BTC", "100000");
        subscribe(f, ws, "orderUpdates", &w);
        subscribe(f, ws, "userFills", &w);
        json_decref(paper_fixture_ws_next(f, ws, "userFills", 5000)); /* what there was before */
        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"reorderEvents\",\"count\":1}"));
        buy(f, &w);
        frame = paper_fixture_ws_next(f, ws, "userFills", 5000);
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.fills")), 1);
        json_decref(frame);
        frame = paper_fixture_ws_next(f, ws, "orderUpdates", 5000);
        assert_non_null(frame);
        expect_text(frame, "data.0.status", "filled");
        json_decref(frame);
        paper_fixture_ws_close(ws);
}

/* ---- The journal ----------------------------------------------------------------------------- */

static json_t *line_of(FILE *file)
{
        char line[4096];

        return fgets(line, sizeof(line), file) ? json_loads(line, 0, NULL) : NULL;
}

static void test_the_journal_has_every_action_and_fill(void **state)
{
        char name[] = "/tmp/perpgate-paper-XXXXXX";
        int fd = mkstemp(name);
        struct paper_options options = {
                .seed = 7, .is_mainnet = true, .is_still = true, .journal_file = name};
        struct paper_fixture f = {.loop = NULL};
        struct paper_wallet w;
        json_t *row;
        FILE *file;

        (void)state;
        assert_true(fd >= 0);
        (void)close(fd);
        paper_fixture_open(&f, &options);
        w = trader(&f, 1);
        paper_fixture_price(&f, "BTC", "100000");
        buy(&f, &w);
        json_decref(paper_fixture_act(&f, &w, NULL, "{\"type\":\"noop\"}"));
        file = fopen(name, "r"); /* while the venue runs */
        assert_non_null(file);
        row = line_of(file);
        expect_text(row, "user", w.hex);
        expect_text(row, "fill.cloid", "0x000102030405060708090a0b0c0d0e0f");
        expect_text(row, "fill.sz", "0.01");
        json_decref(row);
        row = line_of(file);
        assert_int_equal(json_integer_value(paper_fixture_at(row, "seq")), 1);
        expect_text(row, "type", "order");
        expect_text(row, "effect", "applied");
        json_decref(row);
        row = line_of(file);
        assert_int_equal(json_integer_value(paper_fixture_at(row, "seq")), 2);
        expect_text(row, "type", "noop");
        json_decref(row);
        assert_null(line_of(file));
        (void)fclose(file);
        paper_fixture_close(&f);
        (void)unlink(name);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ledger_pages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_late_request_outlives_its_sender, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_hits_are_counted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_events_overtake, setup, teardown),
                cmocka_unit_test(test_the_journal_has_every_action_and_fill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
