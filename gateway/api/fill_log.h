/* fill_log: an account's fills, each told once, however often and from wherever it is heard. What the venue's
 * list has shown whole up to some time is settled; fills since then are known one by one.
 * Pure: no I/O; times of fills are the venue's. */
#ifndef API_FILL_LOG_H
#define API_FILL_LOG_H

#include "api/history_page.h"

struct fill_log;

#define FILL_LOG_NEWEST  100   /* rows that are kept to be shown */
#define FILL_LOG_WAITING 64    /* fills that were heard of and not seen */
#define FILL_LOG_OVERLAP 60000 /* ms that are read once more: the venue's list may lag */

struct fill_log *fill_log_new(void);
void fill_log_free(struct fill_log *log); /* accepts NULL */

/* True where it is news: it is kept then. Rows of before all that was read are none. */
bool fill_log_take(struct fill_log *log, const struct venue_fill *fill);
/* The list was read: all fills of before `until` that there are have been taken. */
void fill_log_read(struct fill_log *log, int64_t until);
/* Where the next read must begin. */
int64_t fill_log_from(const struct fill_log *log);

/* Somebody heard of a fill that the owner's list will have: by its number, or so much of an order. */
void fill_log_expect(struct fill_log *log, uint64_t tid, uint64_t oid, struct qty size);
/* Something may have happened that nobody named: a read is due all the same. */
void fill_log_expect_any(struct fill_log *log);
bool fill_log_is_expecting(const struct fill_log *log);
/* A read is over. What had a name and was expected before `named` is given up, and what had none before `any`:
 * the venue's list may lag behind what is heard elsewhere, so that names are looked for twice. */
unsigned fill_log_mark(const struct fill_log *log); /* of what will be expected next */
void fill_log_expected_until(struct fill_log *log, unsigned named, unsigned any);

/* The newest, as GET /v1/fills lists them: data and nextCursor as members. */
void fill_log_print(const struct fill_log *log, struct buf *out);
void fill_log_note_older(struct fill_log *log);    /* there are older ones than those at hand */
size_t fill_log_count(const struct fill_log *log); /* rows at hand */

#endif
