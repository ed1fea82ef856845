/* ticks: which positions and accounts a new mark can have changed, at a cost that grows with how many
 * those are and not with how many there are.
 * An isolated position's thresholds (liquidation price, and the marks at which its liquidation
 * distance crosses each band) don't depend on the mark: each market keeps them in order, and a cursor
 * moves over those that the mark passes. A cross account is looked at again only when a mark leaves the
 * band [low, high] that its last look computed for that market.
 * Pure bookkeeping: it knows no money rules, asks and tells through callbacks. Marks and thresholds
 * are px. Accounts and markets are small integers that the caller hands out. */
#ifndef MIRROR_TICKS_H
#define MIRROR_TICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/num.h"

struct ticks;

/* A threshold of one position: told when the mark comes to it or beyond, and when it goes back. */
struct ticks_threshold {
        struct px price;
        bool from_above; /* reached when mark <= price (a long's), else when mark >= price */
        uint8_t level;   /* the caller's: which band, or liquidation */
};
#define TICKS_LEVELS_MAX 8

struct ticks_hooks {
        /* A threshold was passed: reached, or left again. Several levels of one position passed by one
         * mark are told in the order in which the mark passes them. */
        void (*crossed)(void *cookie, uint32_t account, uint32_t market, uint8_t level,
                        bool reached);
        /* A mark left the account's band: look at it again, then call ticks_set_band for each market
         * that it holds in cross. Told once per call of ticks_mark, however many bands it left. */
        void (*look)(void *cookie, uint32_t account);
        void *cookie;
};

struct ticks *ticks_new(unsigned markets_max, const struct ticks_hooks *hooks);
void ticks_free(struct ticks *ticks); /* accepts NULL */

/* Puts these thresholds in the place of what the position had (n 0: none any more). State relative to
 * the present mark is taken as it is, without telling: the caller knows it. E_INVALID above
 * TICKS_LEVELS_MAX. */
MUST_USE enum errc ticks_set_position(struct ticks *ticks, uint32_t account, uint32_t market,
                                      const struct ticks_threshold *threshold, size_t n);
/* The marks between which nothing that matters of the account changes by this market alone; low 0 and
 * high INT64_MAX: any. has false: the account does not hold the market in cross any more. */
void ticks_set_band(struct ticks *ticks, uint32_t account, uint32_t market, bool has, struct px low,
                    struct px high);
void ticks_drop_account(struct ticks *ticks, uint32_t account);
/* A new mark. Hooks may call ticks_set_* for the account they are told of. */
void ticks_mark(struct ticks *ticks, uint32_t market, struct px mark);

struct ticks_stats {
        uint64_t marks, crossed, looks;
        size_t thresholds, bands, bytes;
};
void ticks_stats(const struct ticks *ticks, struct ticks_stats *out);

#endif
