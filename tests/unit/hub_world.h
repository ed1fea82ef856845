/* hub_world: a hub with peers whose queues are real bounds and whose readers believe what
 * deploy/docs/streams.md promises, and nothing else. */
#ifndef HUB_WORLD_H
#define HUB_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stream/hub.h"

#define WORLD_CLIENTS  12
#define WORLD_CHANNELS 6 /* the even ones are STATE, the odd ones EVENTS */
#define WORLD_CELLS    8 /* of a STATE: an update tells one of them */
#define WORLD_QUEUE    8192
#define WORLD_WAITING  4096

/* What a client knows of one channel. */
struct world_view {
        bool subscribed; /* the gateway said so, on this socket */
        bool wanted;
        bool has_place; /* epoch and seq are known */
        bool has_base, is_stale;
        char epoch[17];
        uint64_t seq;
        uint64_t cell[WORLD_CELLS]; /* STATE */
        uint64_t last;              /* EVENTS: the number of the newest */
        unsigned updates, snapshots, gaps, resumed;
};

struct world_client {
        struct world *world;
        struct handle peer;
        struct hub_reader *reader;
        struct httpd_frame *queue[WORLD_WAITING];
        size_t n, bytes;
        bool owes_drained; /* above half its bound, or refused: as the edge has it */
        uint16_t closed;
        unsigned closes;
        struct world_view view[WORLD_CHANNELS];
};

struct world_feed {
        struct world *world;
        struct stream_channel *channel; /* NULL: not open */
        bool can_print;
        uint64_t cell[WORLD_CELLS];
        uint64_t last;
        unsigned opened, closed;
        size_t padding; /* of its snapshots */
};

struct world {
        struct clock_manual clock;
        struct stream_hub *hub;
        struct world_client client[WORLD_CLIENTS];
        struct world_feed feed[WORLD_CHANNELS];
        unsigned frames; /* alive */
        uint64_t dice;
};

void world_open(struct world *w, const struct hub_options *bounds, uint64_t seed);
void world_close(struct world *w); /* nothing of it may be left */
unsigned world_roll(struct world *w, unsigned below);

void world_connect(struct world_client *c);
void world_leave(struct world_client *c);
enum errc world_subscribe(struct world_client *c, unsigned channel);
/* Reads up to n frames, checking each against the promise. */
void world_read(struct world_client *c, size_t n);
const char *world_peek(const struct world_client *c, size_t i); /* "" where there is none */

void world_change(struct world *w, unsigned channel);
void world_lose(struct world *w, unsigned channel); /* changes that nobody tells, then a gap */
void world_mend(struct world *w, unsigned channel);
/* Whether the client knows what the source knows. */
bool world_agrees(const struct world_client *c, unsigned channel);

#endif
