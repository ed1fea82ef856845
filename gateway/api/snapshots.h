/* snapshots: market data that many ask for and the venue is asked for once: a rendered answer per
 * market and kind, served while fresh, with callers waiting together for the next. */
#ifndef API_SNAPSHOTS_H
#define API_SNAPSHOTS_H

struct api;
struct call;
struct market;
struct snapshots;

enum snapshot_kind { SNAPSHOT_BOOK, SNAPSHOT_TRADES };

struct snapshots *snapshots_new(struct api *api);
void snapshots_free(struct snapshots *snapshots); /* accepts NULL */
/* Answers call with the book or the trades of market. */
void snapshots_answer(struct snapshots *snapshots, struct call *call, const struct market *market,
                      enum snapshot_kind kind);

#endif
