/* brand: the markets that a brand offers; the countries and addresses that it does not serve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "brand/block_list.h"
#include "brand/brand_load.h"
#include "brand/config.h"
#include "brand/config_parse.h"

#define HEAD                                                                                       \
        "name: One\n"                                                                              \
        "hosts: [one.example]\n"                                                                   \
        "theme: {primary: \"#112233\", background: \"#000000\", text: \"#ffffff\", accent: "       \
        "\"#aabbcc\"}\n"

/* A brand of HEAD and text; NULL and what is wrong in problems, which the caller frees. */
static struct brand *load(const char *text, char **problems)
{
        struct brand_source source = {.file = "brand.yaml"};
        struct buf out;
        char all[2048];

        snprintf(all, sizeof all, "%s%s", HEAD, text);
        buf_init(&out, 65536);
        struct brand *brand = brand_load_text("one", all, strlen(all), &source, &out);
        *problems = strdup(buf_cstr(&out));
        buf_fini(&out);
        return brand;
}

static struct brand *load_good(const char *text)
{
        char *problems = NULL;
        struct brand *brand = load(text, &problems);

        assert_string_equal(problems, "");
        free(problems);
        assert_non_null(brand);
        return brand;
}

static void a_dex_is_offered_whole_or_by_market(void **state)
{
        static const struct {
                const char *markets;
                const char *offered[4], *others[7];
        } rows[] = {
                {"markets: [BTC, \"xyz:*\"]\n",
                 {"BTC", "xyz:GOLD", "xyz:A B?", "xyz:*"},
                 {"ETH", "abc:GOLD", "xy:GOLD", "xyzz:GOLD", "XYZ:GOLD", "xyz", "*"}},
                {"markets: [\"abc:*\", \"xyz:GOLD\"]\n",
                 {"xyz:GOLD", "abc:GOLD", "abc:", "abc:X"},
                 {"BTC", "xyz:TSLA", "xyz:*", "xyz:GOLDEN", "GOLD", "", ":"}},
                {"markets: all\n", {"BTC", "xyz:GOLD", "abc:X", "a"}, {NULL}},
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct brand *brand = load_good(rows[i].markets);

                for (size_t k = 0; k < 4; k++)
                        assert_true(brand_offers(brand, rows[i].offered[k]));
                for (size_t k = 0; k < 7 && rows[i].others[k]; k++)
                        assert_false(brand_offers(brand, rows[i].others[k]));
                /* Longer than any symbol: it is no pattern's. */
                assert_int_equal(brand_offers(brand, "anamethatislongerthananysymbolmaybe:X"),
                                 brand->all_markets);
                brand_free(brand);
        }
}

static void a_country_is_open_blocked_or_not_known(void **state)
{
        static const struct {
                const char *country;
                enum brand_region closed, open; /* by failClosed */
        } cases[] = {
                {"CH", BRAND_REGION_OPEN, BRAND_REGION_OPEN},
                {"US", BRAND_REGION_BLOCKED, BRAND_REGION_BLOCKED},
                {"us", BRAND_REGION_BLOCKED, BRAND_REGION_BLOCKED},
                {"NO", BRAND_REGION_BLOCKED, BRAND_REGION_BLOCKED},
                {"", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"XX", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"xx", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"T1", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"C", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"CHE", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"CH,US", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
                {"C\xc3", BRAND_REGION_UNKNOWN, BRAND_REGION_OPEN},
        };
        struct brand *closed = load_good("regions: {header: cf-ipcountry, blocked: [US, NO]}\n");
        struct brand *open =
                load_good("regions: {header: x-country, blocked: [US, NO], failClosed: false}\n");
        struct brand *none = load_good("");

        (void)state;
        assert_true(closed->region_fail_closed);
        assert_string_equal(open->region_header, "x-country");
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                assert_int_equal(brand_region_of(closed, cases[i].country), cases[i].closed);
                assert_int_equal(brand_region_of(open, cases[i].country), cases[i].open);
                assert_int_equal(brand_region_of(none, cases[i].country), BRAND_REGION_OPEN);
        }
        brand_free(closed);
        brand_free(open);
        brand_free(none);
}

static void distances_that_alert_have_defaults(void **state)
{
        struct brand *plain = load_good("");
        struct brand *none = load_good("alerts: {liquidationDistances: []}\n");
        struct brand *own =
                load_good("alerts: {liquidationDistances: [\"0.5\", \"0.02\"], drift: \"0.01\"}\n");

        (void)state;
        assert_int_equal(plain->n_bands, 3);
        assert_int_equal(plain->band[0].v, NUM_RATE_SCALE / 5);
        assert_int_equal(plain->band[2].v, NUM_RATE_SCALE / 20);
        assert_int_equal(plain->drift_threshold.v, NUM_RATE_SCALE / 1000);
        assert_int_equal(none->n_bands, 0);
        assert_int_equal(own->n_bands, 2);
        assert_int_equal(own->band[1].v, NUM_RATE_SCALE / 50);
        assert_int_equal(own->drift_threshold.v, NUM_RATE_SCALE / 100);
        brand_free(plain);
        brand_free(none);
        brand_free(own);
}

static void a_wrong_region_is_told(void **state)
{
        static const struct {
                const char *text, *expected;
        } cases[] = {
                {"regions: {header: cf-ipcountry, blocked: [us]}\n",
                 "brand.yaml:4: regions.blocked[0]"},
                {"regions: {header: cf-ipcountry, blocked: [USA]}\n",
                 "brand.yaml:4: regions.blocked[0]"},
                {"regions: {header: cf-ipcountry, blocked: [XX]}\n", "two capital letters"},
                {"regions: {header: cf-ipcountry, blocked: US}\n", "expected a list"},
                {"regions: {header: cf-ipcountry}\n", "expected countries in regions.blocked"},
                {"regions: {header: cf-ipcountry, blocked: []}\n", "expected countries in"},
                {"regions:\n  blocked: [US]\n",
                 "brand.yaml:5: regions.blocked: expected regions.header"},
                {"regions: {header: x-forwarded-for, blocked: [US]}\n",
                 "cf-ipcountry or x-country"},
                {"regions: {header: x-country, blocked: [US], failClosed: maybe}\n",
                 "true or false"},
                {"regions: {blocke: [US]}\n", "expected one of these keys"},
                {"addresses: {blockedFile: no-such-file}\n",
                 "brand.yaml:4: addresses.blockedFile: expected a readable file"},
                {"addresses: {blocked: [a]}\n", "expected one of these keys"},
                {"alerts: {liquidationDistances: [\"0.1\", \"0.2\"]}\n",
                 "brand.yaml:4: alerts.liquidationDistances[1]: expected less than"},
                {"alerts: {liquidationDistances: [\"0.1\", \"0\"]}\n",
                 "alerts.liquidationDistances[1]"},
                {"alerts: {liquidationDistances: [\"5\"]}\n", "alerts.liquidationDistances[0]"},
                {"alerts: {webhooks: [{url: \"ftp://a.example\", secretFile: a}]}\n",
                 "alerts.webhooks[0].url"},
                {"alerts: {webhooks: [{url: \"https://a.example\"}]}\n", "secretFile"},
                {"alerts: {webhooks: [{url: \"https://a.example\", secretFile: no-such-file}]}\n",
                 "brand.yaml:4: alerts.webhooks[0].secretFile: "},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char *problems = NULL;
                assert_null(load(cases[i].text, &problems));
                if (!strstr(problems, cases[i].expected))
                        fail_msg("expected \"%s\", got:\n%s", cases[i].expected, problems);
                free(problems);
        }
}

static struct addr address(const char *text)
{
        struct addr a;

        assert_int_equal(hex_parse_addr(&a, text, strlen(text)), E_OK);
        return a;
}

#define A "0x00000000000000000000000000000000000000aA"
#define B "0xffffffffffffffffffffffffffffffffffffffff"
#define C "0x8000000000000000000000000000000000000001"

static void a_file_of_addresses_is_read(void **state)
{
        static const char list[] = "# not served\n\n  " B "\t# since March\r\n" A "\n" C "\n" A;
        static const char bad[] = A "\n0x12\n" B " " C "\n";
        char file[] = P_tmpdir "/test_brand_policy_XXXXXX";
        char text[128];
        int fd = mkstemp(file);
        const struct addr a = address(A), b = address(B), c = address(C);
        const struct addr other = address("0x00000000000000000000000000000000000000ab");

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, list, sizeof list - 1), (ssize_t)sizeof list - 1);
        snprintf(text, sizeof text, "addresses: {blockedFile: %s}\n", file);
        struct brand *brand = load_good(text);
        assert_int_equal(brand->n_blocked, 4);
        assert_true(brand_blocks_address(brand, &a));
        assert_true(brand_blocks_address(brand, &b));
        assert_true(brand_blocks_address(brand, &c));
        assert_false(brand_blocks_address(brand, &other));
        brand_free(brand);

        /* Every line that is none, with its number and the file's name. */
        char *problems = NULL, first[160], second[160];
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bad, sizeof bad - 1, 0), (ssize_t)sizeof bad - 1);
        assert_null(load(text, &problems));
        snprintf(first, sizeof first, "%s:2: expected an address", file);
        snprintf(second, sizeof second, "%s:3: expected an address", file);
        assert_non_null(strstr(problems, first));
        assert_non_null(strstr(problems, second));
        free(problems);

        /* An empty file blocks nobody. */
        assert_int_equal(ftruncate(fd, 0), 0);
        brand = load_good(text);
        assert_false(brand_blocks_address(brand, &a));
        brand_free(brand);
        close(fd);
        unlink(file);
}

static void a_list_is_bounded(void **state)
{
        static const char line[] = A "\n";
        const size_t n_lines = BLOCK_LIST_MAX + 1;
        char *text = xmalloc(n_lines * (sizeof line - 1));
        struct buf out;
        size_t n = 0;

        (void)state;
        buf_init(&out, 65536);
        for (size_t i = 0; i < n_lines; i++)
                memcpy(text + i * (sizeof line - 1), line, sizeof line - 1);
        struct problem_sink sink = {.file = "list", .out = &out};
        free(block_list_parse(&sink, text, BLOCK_LIST_MAX * (sizeof line - 1), &n));
        assert_int_equal(n, BLOCK_LIST_MAX);
        assert_int_equal(sink.n, 0);
        free(block_list_parse(&sink, text, n_lines * (sizeof line - 1), &n));
        assert_int_equal(sink.n, 1);
        assert_string_equal(buf_cstr(&out), "list:65537: expected at most 65536 addresses\n");
        buf_fini(&out);
        free(text);
}

/* Nobody may name the country: that is a slip, not a policy. */
static void a_region_policy_needs_a_trusted_proxy(void **state)
{
        char root[] = P_tmpdir "/test_brand_policy_XXXXXX";
        char file[128], folder[128], brand_file[160];

        (void)state;
        assert_non_null(mkdtemp(root));
        snprintf(folder, sizeof folder, "%s/one", root);
        assert_int_equal(mkdir(folder, 0700), 0);
        snprintf(brand_file, sizeof brand_file, "%s/brand.yaml", folder);
        FILE *f = fopen(brand_file, "w");
        assert_non_null(f);
        fputs(HEAD "regions: {header: cf-ipcountry, blocked: [US]}\n", f);
        fclose(f);
        snprintf(file, sizeof file, "%s/gateway.yaml", root);
        for (int trusted = 0; trusted < 2; trusted++) {
                char text[256];
                struct buf out;
                buf_init(&out, 65536);
                snprintf(text, sizeof text,
                         "paper: {enabled: true}\nstore: {dataDir: data}\nbrands: [one]\n"
                         "listen: {trustedProxies: [%s]}\n",
                         trusted ? "127.0.0.1" : "");
                struct config *c = config_parse(file, text, strlen(text), &out);
                assert_int_equal(c != NULL, trusted);
                if (!trusted)
                        assert_non_null(strstr(buf_cstr(&out), "gateway.yaml:4: "
                                                               "listen.trustedProxies: expected "
                                                               "the proxy that sets cf-ipcountry"));
                config_free(c);
                buf_fini(&out);
        }
        unlink(brand_file);
        rmdir(folder);
        rmdir(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_dex_is_offered_whole_or_by_market),
                cmocka_unit_test(a_country_is_open_blocked_or_not_known),
                cmocka_unit_test(distances_that_alert_have_defaults),
                cmocka_unit_test(a_wrong_region_is_told),
                cmocka_unit_test(a_file_of_addresses_is_read),
                cmocka_unit_test(a_list_is_bounded),
                cmocka_unit_test(a_region_policy_needs_a_trusted_proxy),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
