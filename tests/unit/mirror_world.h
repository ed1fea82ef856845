/* mirror_world: the paper venue's engine as the venue, a mirror that hears of it over lines that may be
 * slow, repeat, reorder and lose, and a driver that reads what the mirror asks for. */
#ifndef UNIT_MIRROR_WORLD_H
#define UNIT_MIRROR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/paper/engine.h"
#include "dice.h"
#include "mirror/mirror.h"

#define WORLD_USERS   24
#define WORLD_MARKETS 4
#define WORLD_QUEUE   65536

enum world_event_kind { WORLD_TRADE, WORLD_FILL, WORLD_PAYMENT, WORLD_CONTEXT, WORLD_STATUS };
struct world_event {
        int64_t due_at;
        enum world_event_kind kind;
        struct addr user;
        union {
                struct feed_trade trade;
                struct venue_fill fill;
                struct venue_payment payment;
                struct feed_context context;
                struct venue_order_status status;
        } u;
};
/* A reading that was sent and is on its way back. */
struct world_reading {
        bool is_used;
        int64_t asked_at, due_at;
        unsigned user, parts;
        struct venue_account state;
        size_t n_orders;
        struct venue_open_order order[64];
};
/* An action whose outcome is on its way. */
struct world_outcome {
        bool is_used;
        int64_t due_at;
        uint64_t ticket;
        struct venue_outcome outcome;
};
struct world_faults {
        unsigned late_ms;    /* an event may be late by so much: they come in any order */
        unsigned twice;      /* percent that come twice */
        unsigned lost;       /* percent that never come, nobody being told */
        unsigned reads_lost; /* percent of readings without an answer */
        unsigned unknown;    /* percent of outcomes that are not told */
        bool gaps;           /* markets fall silent, and that is told */
        bool elsewhere; /* margin and leverage are changed elsewhere too, money comes and goes */
};
#define WORLD_READINGS 64
#define WORLD_OUTCOMES 64
struct world {
        struct engine *engine;
        struct mirror *mirror;
        struct dice dice;
        struct world_faults faults;
        int64_t now, hour_at;
        struct engine_market_spec spec[WORLD_MARKETS];
        bool silent[WORLD_MARKETS];
        size_t n_events;
        struct world_event *event;
        struct world_reading reading[WORLD_READINGS];
        struct world_outcome outcome[WORLD_OUTCOMES];
        size_t n_reads, n_fills_told, n_fundings_told, n_drift_told, n_crossed;
};

void world_open(struct world *world, const struct world_faults *faults, struct dice dice);
void world_close(struct world *world);
void world_run(struct world *world, unsigned steps); /* random trading, faults and readings */
void world_settle(struct world *world); /* what is under way arrives; everybody is read twice */
struct addr world_user(unsigned n);     /* 0: the house */
/* Fails the test where the mirror's view is not what the venue says. */
void world_compare(struct world *world, unsigned user);
const char *world_symbol(uint32_t asset);

/* ---- shared by its two files ---- */
bool world_chance(struct world *world, unsigned percent);
bool world_is_ours(unsigned user); /* trades through the gateway */
void world_price(struct world *world, uint32_t asset, int64_t price);
void world_topic(struct world *world, uint32_t asset, bool is_live);
void world_ask(struct world *world, unsigned user, unsigned parts); /* its answer comes later */
void world_deliver(struct world *world);                            /* all that is due */
void world_read_due(struct world *world); /* asks for what the mirror needs */

#endif
