#include "hl_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct loop *loop;
struct venue *venue;
struct secp *secp;
const uint8_t key[32] = {[31] = 9};
struct addr signer;

struct venue_options hl_fixture_options(char *url, size_t cap)
{
        (void)snprintf(url, cap, "http://127.0.0.1:%u", hl_server.port);
        return (struct venue_options){
                .kind = "hyperliquid",
                .base_url = url,
                .weight_per_minute = 100000,
                .order_reserve = 100,
                .order_deadline_ms = 5000,
                .read_deadline_ms = 5000,
                .contexts_every_ms = 20,
                .markets_every_ms = 1,
                .max_in_flight = 4,
        };
}

void hl_fixture_open(const struct venue_options *o)
{
        struct err err = {0};

        venue = venue_open(loop, o, &err);
        if (!venue)
                fail_msg("%s", err.detail);
}

bool hl_fixture_turn_until(bool (*done)(void))
{
        for (unsigned i = 0; i < 20000; i++) {
                if (done())
                        return true;
                loop_turn(loop, 5);
        }
        return false;
}

enum venue_health hl_fixture_health(void)
{
        struct venue_status status;

        venue->ops->status(venue, &status);
        return status.health;
}

bool hl_fixture_is_up(void)
{
        return hl_fixture_health() == VENUE_UP;
}

int hl_fixture_setup(void **state)
{
        char url[64];
        struct venue_options o;

        (void)state;
        hl_server_start();
        loop = loop_new();
        secp = secp_new();
        assert_int_equal(secp_address(secp, &signer, key), 0);
        o = hl_fixture_options(url, sizeof url);
        hl_fixture_open(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        return 0;
}

int hl_fixture_teardown(void **state)
{
        (void)state;
        if (venue)
                venue->ops->close(venue);
        venue = NULL;
        loop_free(loop);
        secp_free(secp);
        hl_server_stop();
        return 0;
}

void hl_fixture_reopen(const struct venue_options *o)
{
        venue->ops->close(venue);
        hl_fixture_open(o);
}
