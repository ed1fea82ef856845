/* The paper venue's state file: what comes back, bit for bit, and what is refused. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "paper_fixture.h"

struct rig {
        char folder[64], file[96];
        struct paper_options options;
        struct paper_fixture f;
        struct paper_wallet alice, bob, agent;
};

static int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/perpgate-state-XXXXXX");
        assert_non_null(mkdtemp(rig->folder));
        (void)snprintf(rig->file, sizeof(rig->file), "%s/state", rig->folder);
        rig->options = (struct paper_options){.seed = 7,
                                              .is_mainnet = true,
                                              .is_still = true,
                                              .is_ungated = true,
                                              .state_file = rig->file};
        *state = rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;
        char beside[128];

        (void)snprintf(beside, sizeof(beside), "%s.tmp", rig->file);
        (void)chmod(rig->folder, 0700);
        (void)rmdir(beside);
        (void)unlink(beside);
        (void)unlink(rig->file);
        (void)rmdir(rig->folder);
        free(rig);
        return 0;
}

static void open_venue(struct rig *rig)
{
        paper_fixture_open(&rig->f, &rig->options);
        rig->alice = paper_fixture_wallet(&rig->f, 1);
        rig->bob = paper_fixture_wallet(&rig->f, 2);
        rig->agent = paper_fixture_wallet(&rig->f, 3);
}

static char *read_file(const char *path, size_t *len)
{
        FILE *stream = fopen(path, "rb");
        char *data = malloc(16u << 20);

        assert_non_null(stream);
        *len = fread(data, 1, 16u << 20, stream);
        assert_int_equal(fclose(stream), 0);
        return data;
}

static void write_file(const char *path, const char *data, size_t len)
{
        FILE *stream = fopen(path, "wb");

        assert_non_null(stream);
        assert_int_equal(fwrite(data, 1, len, stream), len);
        assert_int_equal(fclose(stream), 0);
}

static void act(struct rig *rig, const struct paper_wallet *w, const char *action)
{
        json_t *answer = paper_fixture_act(&rig->f, w, NULL, "%s", action);

        if (!paper_fixture_is_ok(answer))
                fail_msg("%s: %s", action, paper_fixture_refusal(answer));
        json_decref(answer);
}

/* What accounts are to each other, and TWAPs: one done, one that waits. */
static void make_relations(struct rig *rig)
{
        act(rig, &rig->alice, "{\"type\":\"createSubAccount\",\"name\":\"hedge\"}");
        act(rig, &rig->alice, "{\"type\":\"registerReferrer\",\"code\":\"ALICE\"}");
        act(rig, &rig->alice, "{\"type\":\"agentSetAbstraction\",\"abstraction\":\"u\"}");
        act(rig, &rig->alice, "{\"type\":\"reserveRequestWeight\",\"weight\":2000}");
        act(rig, &rig->bob, "{\"type\":\"setReferrer\",\"code\":\"ALICE\"}");
        act(rig, &rig->alice,
            "{\"type\":\"twapOrder\",\"twap\":{\"a\":1,\"b\":true,\"s\":\"0.1\",\"r\":false,\"m\":"
            "5,"
            "\"t\":true}}");
        json_decref(paper_fixture_user_act(
                &rig->f, &rig->bob, "nonce",
                "\"type\":\"convertToMultiSigUser\",\"signers\":\"{\\\"authorizedUsers\\\":"
                "[\\\"%s\\\"],\\\"threshold\\\":1}\"",
                rig->alice.hex));
}

/* A bit of everything an account can have. */
static void make_history(struct rig *rig)
{
        paper_fixture_faucet(&rig->f, &rig->alice, "10000");
        paper_fixture_faucet(&rig->f, &rig->bob, "500");
        paper_fixture_price(&rig->f, "BTC", "60000");
        paper_fixture_price(&rig->f, "ETH", "3000");
        json_decref(paper_fixture_user_act(&rig->f, &rig->alice, "nonce",
                                           "\"type\":\"approveAgent\",\"agentAddress\":\"%s\","
                                           "\"agentName\":\"desk\"",
                                           rig->agent.hex));
        json_decref(
                paper_fixture_user_act(&rig->f, &rig->alice, "nonce",
                                       "\"type\":\"approveBuilderFee\",\"maxFeeRate\":\"0.05%%\","
                                       "\"builder\":\"%s\"",
                                       rig->bob.hex));
        act(rig, &rig->alice,
            "{\"type\":\"updateLeverage\",\"asset\":1,\"isCross\":false,\"leverage\":7}");
        act(rig, &rig->agent,
            "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"61000\",\"s\":\"0.01\","
            "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}}}],\"grouping\":\"na\"}");
        act(rig, &rig->alice,
            "{\"type\":\"order\",\"orders\":[{\"a\":1,\"b\":true,\"p\":\"3100\",\"s\":\"0.5\","
            "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}}},{\"a\":0,\"b\":true,\"p\":\"50000\","
            "\"s\":\"0.01\",\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}},"
            "\"c\":\"0x000000000000000000000000000000aa\"}],\"grouping\":\"na\"}");
        act(rig, &rig->alice,
            "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":false,\"p\":\"54000\",\"s\":\"0\","
            "\"r\":true,\"t\":{\"trigger\":{\"isMarket\":true,\"triggerPx\":\"55000\",\"tpsl\":"
            "\"sl\"}}}],\"grouping\":\"positionTpsl\"}");
        make_relations(rig);
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":3700000}"));
        act(rig, &rig->alice,
            "{\"type\":\"twapOrder\",\"twap\":{\"a\":1,\"b\":false,\"s\":\"0.1\",\"r\":false,\"m\":"
            "6,"
            "\"t\":false},\"details\":{\"t\":{\"p\":\"4000\",\"a\":true},\"s\":null}}");
}

static char *ask(struct rig *rig, const char *type)
{
        json_t *answer = paper_fixture_info(&rig->f, "{\"type\":\"%s\",\"user\":\"%s\"}", type,
                                            rig->alice.hex);
        char *text;

        if (json_is_object(answer))
                (void)json_object_del(answer, "time"); /* when it was asked */
        text = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
        json_decref(answer);
        return text;
}

static void test_goes_on_where_it_was(void **state)
{
        static const char *const types[] = {
                "clearinghouseState", "frontendOpenOrders",
                "historicalOrders",   "userFills",
                "extraAgents",        "userNonFundingLedgerUpdates",
                "userFunding",        "userFees",
                "userAbstraction",    "referral",
                "twapHistory",        "userTwapSliceFills",
                "userRateLimit",      "userToMultiSigSigners",
        };
        enum { N_TYPES = sizeof(types) / sizeof(types[0]) };
        struct rig *rig = *state;
        char *before[N_TYPES], *after[N_TYPES];
        struct paper_sending used = {0};
        json_t *answer, *status;

        open_venue(rig);
        make_history(rig);
        used.nonce = paper_fixture_nonce(&rig->f);
        json_decref(paper_fixture_act(&rig->f, &rig->alice, &used, "{\"type\":\"noop\"}"));
        for (size_t i = 0; i < N_TYPES; i++)
                before[i] = ask(rig, types[i]);
        assert_non_null(strstr(before[0], "\"coin\":\"ETH\""));
        assert_non_null(strstr(before[1], "Stop Market"));
        assert_non_null(strstr(before[4], "desk"));
        assert_non_null(strstr(before[6], "funding"));
        paper_fixture_close(&rig->f);
        open_venue(rig);
        for (size_t i = 0; i < N_TYPES; i++) {
                after[i] = ask(rig, types[i]);
                assert_string_equal(before[i], after[i]);
                free(before[i]);
                free(after[i]);
        }
        answer = paper_fixture_act(&rig->f, &rig->alice, &used, "{\"type\":\"noop\"}");
        assert_non_null(strstr(paper_fixture_refusal(answer), "duplicate nonce"));
        json_decref(answer);
        status = paper_fixture_info(&rig->f, "{\"type\":\"exchangeStatus\"}");
        assert_true(json_integer_value(json_object_get(status, "time")) >=
                    clock_wall_ms(loop_clock(rig->f.loop)) + 3600000);
        json_decref(status);
        act(rig, &rig->agent,
            "{\"type\":\"cancelByCloid\",\"cancels\":[{\"asset\":0,\"cloid\":"
            "\"0x000000000000000000000000000000aa\"}]}");
        paper_fixture_price(&rig->f, "BTC", "54500"); /* the stop still stands */
        answer = paper_fixture_info(&rig->f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\"}",
                                    rig->alice.hex);
        assert_string_equal(paper_fixture_text(answer, "assetPositions.0.position.coin"), "ETH");
        json_decref(answer);
        paper_fixture_close(&rig->f);
}

/* Also of a market that walks, with its random state. */
static void test_same_bytes(void **state)
{
        struct rig *rig = *state;
        char *first, *second;
        size_t n_first, n_second;

        for (int is_still = 0; is_still < 2; is_still++) {
                (void)unlink(rig->file);
                rig->options.is_still = is_still;
                open_venue(rig);
                make_history(rig);
                for (int i = 0; i < 10; i++)
                        loop_turn(rig->f.loop, 200);
                paper_fixture_close(&rig->f);
                first = read_file(rig->file, &n_first);
                open_venue(rig);
                paper_fixture_close(&rig->f);
                second = read_file(rig->file, &n_second);
                assert_true(n_first > 100000);
                assert_int_equal(n_first, n_second);
                assert_memory_equal(first, second, n_first);
                free(first);
                free(second);
        }
}

static void test_saves_when_asked(void **state)
{
        struct rig *rig = *state;
        char *first, *second, tail[HASH_STR_MAX];
        struct hash32 sum;
        size_t n_first, n_second;
        json_t *answer;
        struct stat st;

        open_venue(rig);
        assert_int_equal(stat(rig->file, &st), -1);
        make_history(rig);
        answer = paper_fixture_post(&rig->f, "/paper/state/save", 200, "{}");
        first = read_file(rig->file, &n_first);
        assert_int_equal(json_integer_value(json_object_get(answer, "bytes")), n_first);
        memcpy(sum.b, first + n_first - 32, 32);
        assert_string_equal(paper_fixture_text(answer, "checksum"), hex_print_hash(tail, &sum));
        json_decref(answer);
        assert_int_equal(stat(rig->file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        paper_fixture_faucet(&rig->f, &rig->bob, "1");
        json_decref(paper_fixture_post(&rig->f, "/paper/state/save", 200, "{}"));
        second = read_file(rig->file, &n_second);
        assert_true(n_second > n_first); /* one ledger row more */
        free(first);
        free(second);
        paper_fixture_close(&rig->f);
}

static void test_nothing_kept(void **state)
{
        struct rig *rig = *state;
        json_t *answer;

        rig->options.state_file = NULL;
        open_venue(rig);
        answer = paper_fixture_post(&rig->f, "/paper/state/save", 400, "{}");
        assert_non_null(strstr(paper_fixture_text(answer, "error"), "--state"));
        json_decref(answer);
        paper_fixture_close(&rig->f);
}

/* Refused with a sentence that names the file; the file stays as it is. */
static void refused(struct rig *rig, const char *why)
{
        struct err err = {.code = E_OK};
        struct loop *loop = loop_new();
        struct httpd *httpd = httpd_new(loop);
        struct paper *paper = paper_open(loop, httpd, &rig->options, &err);

        assert_null(paper);
        assert_int_equal(err.code, E_CONFIG);
        assert_non_null(strstr(err.detail, rig->file));
        if (!strstr(err.detail, why))
                fail_msg("%s, not %s", err.detail, why);
        httpd_free(httpd);
        loop_free(loop);
}

static void test_damaged(void **state)
{
        struct rig *rig = *state;
        char *good, *now;
        size_t len, n_now;

        open_venue(rig);
        make_history(rig);
        paper_fixture_close(&rig->f);
        good = read_file(rig->file, &len);
        for (size_t i = 30; i < len; i += len / 37) {
                good[i] = (char)(good[i] ^ 1);
                write_file(rig->file, good, len);
                refused(rig, "damaged");
                now = read_file(rig->file, &n_now);
                assert_memory_equal(now, good, len);
                free(now);
                good[i] = (char)(good[i] ^ 1);
        }
        write_file(rig->file, good, len - 1);
        refused(rig, "damaged");
        write_file(rig->file, good, 40);
        refused(rig, "too short");
        write_file(rig->file, "", 0);
        refused(rig, "too short");
        good[21] = '2';
        write_file(rig->file, good, len);
        refused(rig, "no state of this version");
        good[21] = '3';
        write_file(rig->file, good, len);
        rig->options.is_mainnet = false;
        refused(rig, "the other network");
        rig->options.is_mainnet = true;
        open_venue(rig); /* and whole it is still good */
        paper_fixture_close(&rig->f);
        free(good);
}

static void test_other_universe(void **state)
{
        static const char meta[] = "{\"universe\":[{\"name\":\"BTC\",\"szDecimals\":5,"
                                   "\"maxLeverage\":40}]}";
        struct rig *rig = *state;
        char path[128];

        open_venue(rig);
        paper_fixture_close(&rig->f);
        (void)snprintf(path, sizeof(path), "%s.tmp", rig->file);
        write_file(path, meta, sizeof(meta) - 1);
        rig->options.meta_file = path;
        refused(rig, "other markets");
}

/* Where the new file can't be made, the old one stays, and both the route and the end say so. */
static void test_unwritable(void **state)
{
        struct rig *rig = *state;
        char beside[128], *first, *second;
        size_t n_first, n_second;
        json_t *answer;

        open_venue(rig);
        json_decref(paper_fixture_post(&rig->f, "/paper/state/save", 200, "{}"));
        first = read_file(rig->file, &n_first);
        (void)snprintf(beside, sizeof(beside), "%s.tmp", rig->file);
        assert_int_equal(mkdir(beside, 0700), 0); /* stands in the way */
        paper_fixture_faucet(&rig->f, &rig->bob, "1");
        answer = paper_fixture_post(&rig->f, "/paper/state/save", 500, "{}");
        assert_non_null(strstr(paper_fixture_text(answer, "error"), beside));
        json_decref(answer);
        paper_stop(rig->f.paper);
        assert_false(paper_is_saved(rig->f.paper));
        paper_fixture_close(&rig->f);
        second = read_file(rig->file, &n_second);
        assert_int_equal(n_first, n_second);
        assert_memory_equal(first, second, n_first);
        free(first);
        free(second);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_goes_on_where_it_was), T(test_same_bytes), T(test_saves_when_asked),
                T(test_nothing_kept),         T(test_damaged),    T(test_other_universe),
                T(test_unwritable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
