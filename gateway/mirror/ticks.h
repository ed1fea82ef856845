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
#define TICKS_LEVELS_MAX   8
#define TICKS_ACCOUNTS_MAX (1u << 24) /* account ids are below; market ids below markets_max */

struct ticks_hooks {
        /* A threshold was passed: reached, or left again. Several levels of one position passed by one
         * mark are told in the order in which the mark passes them. */
        void (*crossed)(void *cookie, uint32_t account, uint32_t market, uint8_t level,
                        bool reached);
        /* A mark left the account's band: look at it again, then set the band of each market that it
         * holds in cross. Told once per call, however many bands were left, if the look does that. */
        void (*look)(void *cookie, uint32_t account);
        /* Or NULL. The account's turn comes soon: what step finds there may be prefetched for the next
         * one, and is worth it since accounts lie anywhere in memory. Changes nothing. */
        void (*fetch)(void *cookie, uint32_t account, unsigned step); /* 0 .. TICKS_FETCHES - 1 */
        void *cookie;
};
#define TICKS_FETCHES 3u

struct ticks *ticks_new(unsigned markets_max, const struct ticks_hooks *hooks);
void ticks_free(struct ticks *ticks); /* accepts NULL */

/* Puts these thresholds in the place of what the position had (n 0: none any more). State relative to
 * the present mark is taken as it is, without telling: the caller knows it. E_INVALID above
 * TICKS_LEVELS_MAX or with a price below 0. */
MUST_USE enum errc ticks_set_position(struct ticks *ticks, uint32_t account, uint32_t market,
                                      const struct ticks_threshold *threshold, size_t n);
/* The marks between which nothing that matters of the account changes by this market alone; low 0 and
 * high INT64_MAX: any. has false: the account does not hold the market in cross any more. */
void ticks_set_band(struct ticks *ticks, uint32_t account, uint32_t market, bool has, struct px low,
                    struct px high);
/* The same for several markets, at less cost than one after another. */
struct ticks_band {
        uint32_t market;
        struct px low, high;
};
void ticks_set_bands(struct ticks *ticks, uint32_t account, const struct ticks_band *band,
                     size_t n);
void ticks_drop_account(struct ticks *ticks, uint32_t account);
/* The market is delisted: all its thresholds and bands go, and its mark; nobody is told. */
void ticks_drop_market(struct ticks *ticks, uint32_t market);
/* A new mark; 0 or below is none and ignored. Nothing is told before ticks_tell, so that all marks which
 * come together stand before anybody is looked at. What is set counts from the new marks on. */
void ticks_put(struct ticks *ticks, uint32_t market, struct px mark);
/* Tells what the marks put since the last call have changed; of a market put twice, the last counts.
 * Hooks may call ticks_set_* and ticks_drop_*, for any account, but not put or tell. First all crossings
 * are told, market by market, in the order in which each mark passes them; then the looks. Thresholds that
 * a hook replaces are not told any more, a band that it sets around the mark needs no look. An account
 * whose band does not hold the mark after its look is told of again with the next mark, even the same
 * one. Before a market's first mark nothing is reached: the first mark tells what it reaches. */
void ticks_tell(struct ticks *ticks);
void ticks_mark(struct ticks *ticks, uint32_t market, struct px mark); /* both, for one */

struct ticks_stats {
        uint64_t marks, crossed, looks;
        size_t thresholds, bands, bytes;
};
void ticks_stats(const struct ticks *ticks, struct ticks_stats *out);

#endif
