/* config and brands: what ships loads, defaults, look-ups and policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "brand/config.h"
#include "brand/config_parse.h"

/* Loads a shipped file and fails with its problems printed. */
static struct config *load_shipped(const char *name)
{
        char path[512];
        struct buf problems;

        buf_init(&problems, 65536);
        snprintf(path, sizeof path, "%s/config/%s", SOURCE_DIR, name);
        struct config *config = config_load(path, &problems);
        assert_string_equal(buf_cstr(&problems), "");
        assert_non_null(config);
        buf_fini(&problems);
        return config;
}

static void shipped_files_load(void **state)
{
        static const char *const names[] = {"gateway.yaml", "dev.yaml", "testnet.yaml",
                                            "../deploy/docker.yaml", "production.yaml"};
        (void)state;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                struct config *config = load_shipped(names[i]);
                assert_int_equal(config->brands->n, 2);
                config_free(config);
        }
}

static void production_is_for_mainnet(void **state)
{
        (void)state;
        struct config *c = load_shipped("production.yaml");

        assert_string_equal(c->venue.base_url, "https://api.hyperliquid.xyz");
        assert_string_equal(c->venue.network, "mainnet");
        assert_false(c->paper.enabled);
        assert_string_equal(c->data_dir, "/var/lib/perpgate");
        assert_int_equal(c->n_trusted_proxies, 1);
        assert_string_equal(c->trusted_proxy[0], "127.0.0.1");
        assert_string_equal(c->admin_listener.address, "127.0.0.1");
        config_free(c);
}

/* gateway.yaml shows the defaults: leaving every key out must give the same values. */
static void documented_defaults_hold(void **state)
{
        static const char text[] = "paper: {enabled: true}\n"
                                   "store: {dataDir: ../data}\n"
                                   "brands: [../branding/meridian, ../branding/harbor]\n";
        char file[512];
        struct buf problems;
        (void)state;

        buf_init(&problems, 65536);
        snprintf(file, sizeof file, "%s/config/gateway.yaml", SOURCE_DIR);
        struct config *shown = load_shipped("gateway.yaml");
        struct config *bare = config_parse(file, text, sizeof text - 1, &problems);
        assert_string_equal(buf_cstr(&problems), "");
        assert_non_null(bare);
        struct brand_set *a = shown->brands, *b = bare->brands;
        shown->brands = bare->brands = NULL;
        assert_memory_equal(shown, bare, sizeof *shown);
        assert_int_equal(bare->max_body_bytes, 65536);
        assert_int_equal(bare->venue.weight_per_minute, 1200);
        assert_int_equal(bare->session_ms, 12 * 3600 * 1000);
        assert_string_equal(bare->venue.base_url, "http://127.0.0.1:8090");
        shown->brands = a;
        bare->brands = b;
        config_free(shown);
        config_free(bare);
        buf_fini(&problems);
}

static void paths_are_relative_to_the_file(void **state)
{
        char expected[512];
        (void)state;
        struct config *c = load_shipped("dev.yaml");

        snprintf(expected, sizeof expected, "%s/config/../data/dev/master.key", SOURCE_DIR);
        assert_string_equal(c->master_key_file, expected);
        config_free(c);
}

static void brands_by_host_and_id(void **state)
{
        (void)state;
        struct config *c = load_shipped("gateway.yaml");
        const struct brand *meridian = brand_by_host(c->brands, "meridian.localhost");
        const struct brand *harbor = brand_by_host(c->brands, "harbor.localhost");

        assert_non_null(meridian);
        assert_non_null(harbor);
        assert_string_equal(meridian->id, "meridian");
        assert_string_equal(harbor->id, "harbor");
        assert_ptr_equal(brand_by_id(c->brands, "harbor"), harbor);
        assert_null(brand_by_host(c->brands, "localhost"));
        assert_null(brand_by_host(c->brands, ""));
        assert_null(brand_by_host(c->brands, "MERIDIAN.localhost"));
        assert_null(brand_by_id(c->brands, "Harbor"));
        config_free(c);
}

static void meridian_is_what_its_file_says(void **state)
{
        (void)state;
        struct config *c = load_shipped("gateway.yaml");
        const struct brand *b = brand_by_id(c->brands, "meridian");
        struct addr expected;

        assert_int_equal(
                hex_parse_addr(&expected, "0x4d6572696469616e4275696c64657246656573aa", 42), 0);
        assert_string_equal(b->name, "Meridian");
        assert_int_equal(b->default_margin_mode, MARGIN_ISOLATED);
        assert_true(brand_allows_mode(b, MARGIN_ISOLATED));
        assert_true(brand_allows_mode(b, MARGIN_CROSS));
        assert_true(b->has_min_liquidation_distance);
        assert_int_equal(b->min_liquidation_distance.v, NUM_RATE_SCALE / 100);
        assert_int_equal(b->on_liquidation_too_close, RULE_REFUSE);
        assert_int_equal(b->on_insufficient_margin, RULE_REFUSE);
        assert_int_equal(b->on_margin_not_removable, RULE_REFUSE);
        assert_true(b->has_builder);
        assert_true(hex_addr_equal(&b->builder, &expected));
        assert_int_equal(b->builder_fee_tenth_bp, 25);
        assert_string_equal(b->terms_version, "2026-01");
        assert_true(b->terms_required);
        assert_string_equal(b->theme.primary, "#e3b23c");
        assert_string_equal(b->theme.mode, "dark");
        assert_string_equal(b->logo_type, "image/svg+xml");
        assert_true(b->logo_len > 100);
        assert_int_equal(b->default_slippage.v, NUM_RATE_SCALE / 100);
        assert_int_equal(b->n_links, 2);
        assert_string_equal(b->link[1].label, "Status");
        config_free(c);
}

static void harbor_charges_nothing(void **state)
{
        (void)state;
        struct config *c = load_shipped("gateway.yaml");
        const struct brand *b = brand_by_id(c->brands, "harbor");

        assert_int_equal(b->default_margin_mode, MARGIN_CROSS);
        assert_false(b->has_builder);
        assert_int_equal(b->builder_fee_tenth_bp, 0);
        assert_false(b->has_min_liquidation_distance);
        assert_int_equal(b->on_liquidation_too_close, RULE_WARN);
        assert_int_equal(b->on_stop_beyond_liquidation, RULE_REFUSE);
        assert_false(b->terms_required);
        config_free(c);
}

static void policy_of_markets_and_leverage(void **state)
{
        (void)state;
        struct config *c = load_shipped("gateway.yaml");
        const struct brand *meridian = brand_by_id(c->brands, "meridian");
        const struct brand *harbor = brand_by_id(c->brands, "harbor");

        static const char *const offered[] = {"BTC",  "ETH", "SOL",  "HYPE", "XRP",
                                              "DOGE", "BNB", "AVAX", "LINK", "SUI"};
        for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
                assert_true(brand_offers(meridian, offered[i]));
        assert_false(brand_offers(meridian, "kPEPE"));
        assert_false(brand_offers(meridian, "btc"));
        assert_false(brand_offers(meridian, ""));
        assert_true(brand_offers(harbor, "kPEPE"));
        /* A symbol's cap stands in place of the general one; the market's own holds always. */
        assert_int_equal(brand_max_leverage(meridian, "BTC", 40), 40);
        assert_int_equal(brand_max_leverage(meridian, "BTC", 50), 40);
        assert_int_equal(brand_max_leverage(meridian, "DOGE", 10), 5);
        assert_int_equal(brand_max_leverage(meridian, "DOGE", 3), 3);
        assert_int_equal(brand_max_leverage(meridian, "SOL", 25), 20);
        assert_int_equal(brand_max_leverage(harbor, "SOL", 25), 25);
        config_free(c);
}

static void policy_of_origins_and_chains(void **state)
{
        (void)state;
        struct config *c = load_shipped("gateway.yaml");
        const struct brand *meridian = brand_by_id(c->brands, "meridian");
        const struct brand *harbor = brand_by_id(c->brands, "harbor");

        assert_true(brand_allows_origin(meridian, "https://app.meridian.example"));
        assert_true(brand_allows_origin(meridian, "http://localhost:5173"));
        assert_false(brand_allows_origin(meridian, "http://app.meridian.example"));
        assert_false(brand_allows_origin(meridian, "https://app.meridian.example:443"));
        assert_false(brand_allows_origin(meridian, "https://app.meridian.example.evil.example"));
        assert_false(brand_allows_origin(meridian, "null"));
        assert_false(brand_allows_origin(harbor, "https://app.meridian.example"));
        assert_int_equal(meridian->chain[0], 42161);
        assert_true(brand_allows_chain(meridian, 1));
        assert_false(brand_allows_chain(meridian, 137));
        assert_false(brand_allows_chain(harbor, 42161));
        config_free(c);
}

static void set_outlives_its_config(void **state)
{
        (void)state;
        struct config *c = load_shipped("gateway.yaml");
        struct brand_set *set = brand_set_ref(c->brands);

        config_free(c);
        assert_string_equal(brand_by_id(set, "harbor")->name, "Harbor");
        brand_set_unref(set);
        brand_set_unref(NULL);
        brand_free(NULL);
        config_free(NULL);
}

static void demo_has_both_brands(void **state)
{
        struct buf problems;
        (void)state;

        buf_init(&problems, 65536);
        unsetenv("PERPGATE_SHARE");
        struct config *c = config_demo("/var/tmp/demo", 0, 8123, 42, &problems);
        assert_string_equal(buf_cstr(&problems), "");
        assert_non_null(c);
        assert_int_equal(c->brands->n, 2);
        assert_true(c->paper.enabled);
        assert_int_equal(c->paper.seed, 42);
        assert_int_equal(c->paper.port, 8123);
        assert_string_equal(c->venue.base_url, "http://127.0.0.1:8123");
        assert_string_equal(c->venue.network, "testnet");
        assert_int_equal(c->public_listener.port, 0);
        assert_int_equal(c->admin_listener.port, 0);
        assert_string_equal(c->data_dir, "/var/tmp/demo");
        assert_string_equal(c->master_key_file, "/var/tmp/demo/master.key");
        config_free(c);
        /* A free port is known later; until then there is no URL. */
        c = config_demo("d", 8080, 0, 0, &problems);
        assert_non_null(c);
        assert_string_equal(c->venue.base_url, "");
        config_free(c);
        buf_fini(&problems);
}

static void demo_without_brands_says_where_it_looked(void **state)
{
        struct buf problems;
        (void)state;

        buf_init(&problems, 65536);
        setenv("PERPGATE_SHARE", "/nonexistent/share", 1);
        assert_null(config_demo("d", 0, 0, 1, &problems));
        assert_non_null(strstr(buf_cstr(&problems),
                               "/nonexistent/share/branding/meridian/brand.yaml: expected"));
        assert_non_null(strstr(buf_cstr(&problems), "/branding/harbor/brand.yaml: expected"));
        setenv("PERPGATE_SHARE", SOURCE_DIR, 1);
        buf_reset(&problems);
        struct config *c = config_demo("d", 0, 0, 1, &problems);
        assert_non_null(c);
        config_free(c);
        unsetenv("PERPGATE_SHARE");
        buf_fini(&problems);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shipped_files_load),
                cmocka_unit_test(production_is_for_mainnet),
                cmocka_unit_test(documented_defaults_hold),
                cmocka_unit_test(paths_are_relative_to_the_file),
                cmocka_unit_test(brands_by_host_and_id),
                cmocka_unit_test(meridian_is_what_its_file_says),
                cmocka_unit_test(harbor_charges_nothing),
                cmocka_unit_test(policy_of_markets_and_leverage),
                cmocka_unit_test(policy_of_origins_and_chains),
                cmocka_unit_test(set_outlives_its_config),
                cmocka_unit_test(demo_has_both_brands),
                cmocka_unit_test(demo_without_brands_says_where_it_looked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
