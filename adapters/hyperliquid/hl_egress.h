/* hl_egress: the local addresses that requests leave from, and the request weight that the venue
 * grants each. Orders leave from where the most weight is left; reads from an address of their own
 * while it has weight, else from the next. An address that fails rests: the others come first. IPv6
 * addresses of one /64 share a budget. Loop thread only. */
#ifndef HL_EGRESS_H
#define HL_EGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/venue.h"
#include "base/buf.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#define HL_EGRESS_MAX VENUE_EGRESS_MAX

struct hl_egress;

struct hl_egress_options {
        unsigned n_addresses; /* 0: one, the system's choice */
        const char (*address)[VENUE_ADDRESS_MAX];
        const char *ca_file;                       /* or NULL */
        unsigned weight_per_minute, order_reserve; /* of each */
        unsigned max_in_flight;                    /* of each */
};

struct hl_egress *hl_egress_new(struct loop *loop, const struct hl_egress_options *options);
/* Ends what flies: the callbacks fire. Accepts NULL, as hl_egress_free does, which comes after it. */
void hl_egress_end(struct hl_egress *egress);
void hl_egress_free(struct hl_egress *egress);

enum hl_egress_use { HL_EGRESS_ORDER, HL_EGRESS_READ, HL_EGRESS_PAST };
struct hl_egress_ask {
        enum hl_egress_use use;
        unsigned weight;
        uint32_t hash;  /* of a read: equal ones prefer the same address */
        uint32_t tried; /* bits of addresses that it can't leave from */
};
/* Takes the weight from an address and tells which; false: from none now, perhaps after *wait_ms. */
MUST_USE bool hl_egress_take(struct hl_egress *egress, unsigned *address, int64_t *wait_ms,
                             const struct hl_egress_ask *ask);
struct http_client *hl_egress_client(const struct hl_egress *egress, unsigned address);
/* How a request from the address ended. */
void hl_egress_ended(struct hl_egress *egress, unsigned address, const struct http_answer *answer);
/* Weight that was spent without being asked for. */
void hl_egress_charge(struct hl_egress *egress, unsigned address, enum hl_egress_use use,
                      unsigned weight);
/* Is there an address that works, for all that is known, beside those tried? */
bool hl_egress_has_other(const struct hl_egress *egress, uint32_t tried);

/* Whether the venue may count the two addresses as one: it is not known to tell those of a /64 apart. */
bool hl_egress_share(const char *a, const char *b);

/* Of all addresses that don't rest. */
void hl_egress_budget(struct hl_egress *egress, struct venue_budget *out);
void hl_egress_metrics(struct hl_egress *egress, struct buf *out);

#endif
