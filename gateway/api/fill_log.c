#include "api/fill_log.h"

#include <stdlib.h>
#include <string.h>

#include "api/out.h"
#include "base/map.h"
#include "base/mem.h"

#define PRUNE_AT  512
#define KNOWN_MAX 16384

/* What a fill is known by, as history_page has it. */
struct key {
        int64_t at;
        uint64_t number;
        char symbol[SYMBOL_MAX];
};

struct waiting {
        unsigned number; /* in order of expectation */
        uint64_t tid, oid;
        struct qty size;
};

struct fill_log {
        struct map *known;         /* of the floor and later -> struct key */
        struct venue_fill *newest; /* newest first; owned */
        size_t n, cap;
        bool has_more; /* older ones than those at hand */
        int64_t floor; /* all before it is settled */
        int64_t read_until;
        struct waiting waiting[FILL_LOG_WAITING];
        size_t n_waiting;
        unsigned next_number;
        unsigned any_number; /* of the newest unnamed expectation */
        bool is_any;
};

struct fill_log *fill_log_new(void)
{
        struct fill_log *log = xcalloc(1, sizeof *log);

        log->known = map_new();
        log->next_number = 1;
        return log;
}

void fill_log_free(struct fill_log *log)
{
        if (!log)
                return;
        map_free(log->known, free);
        free(log->newest);
        free(log);
}

static struct key key_of(const struct venue_fill *f)
{
        struct key key;

        memset(&key, 0, sizeof key);
        key.at = f->at;
        key.number = f->tid ? f->tid : f->oid;
        (void)text_copy(key.symbol, sizeof key.symbol, f->symbol);
        return key;
}

/* --- those that are shown --- */

static struct history_row row_of(const struct venue_fill *fill)
{
        struct history_row row;

        memset(&row, 0, sizeof row);
        row.u.fill = *fill;
        history_page_place(&row, HISTORY_FILLS);
        return row;
}

/* Whether a is shown before b. */
static bool is_before(const struct venue_fill *a, const struct venue_fill *b)
{
        struct history_row x, y;

        if (a->at != b->at)
                return a->at > b->at;
        x = row_of(a);
        y = row_of(b);
        return history_page_compare(&x.place, &y.place) < 0;
}

static void keep(struct fill_log *log, const struct venue_fill *fill)
{
        size_t at = 0;

        while (at < log->n && is_before(&log->newest[at], fill))
                at++;
        log->has_more |= log->n == FILL_LOG_NEWEST;
        if (at == FILL_LOG_NEWEST)
                return;
        log->n -= log->n == FILL_LOG_NEWEST;
        if (log->n == log->cap) {
                log->cap = log->cap ? log->cap * 2 : 4;
                log->newest = xrealloc(log->newest, log->cap * sizeof *log->newest);
        }
        memmove(&log->newest[at + 1], &log->newest[at], (log->n - at) * sizeof *log->newest);
        log->newest[at] = *fill;
        log->n++;
}

void fill_log_print(const struct fill_log *log, struct buf *out)
{
        struct history_row row;
        char cursor[HISTORY_CURSOR_MAX];

        buf_puts(out, "{\"data\":[");
        for (size_t i = 0; i < log->n; i++) {
                row = row_of(&log->newest[i]);
                if (i)
                        buf_putc(out, ',');
                history_page_json(out, HISTORY_FILLS, &row);
        }
        buf_puts(out, "],\"nextCursor\":");
        if (log->has_more && log->n) {
                history_page_print_cursor(cursor, HISTORY_FILLS, &row.place);
                buf_put_json(out, cursor, strlen(cursor));
        } else {
                buf_puts(out, "null");
        }
        buf_putc(out, '}');
}

void fill_log_note_older(struct fill_log *log)
{
        log->has_more = true;
}

size_t fill_log_count(const struct fill_log *log)
{
        return log->n;
}

/* --- what is expected --- */

static void drop_waiting(struct fill_log *log, size_t i)
{
        log->waiting[i] = log->waiting[--log->n_waiting];
}

/* The fill that was heard of, or a part of what its order was told to have filled. */
static void came(struct fill_log *log, const struct venue_fill *fill)
{
        for (size_t i = 0; i < log->n_waiting;) {
                struct waiting *w = &log->waiting[i];
                if (!w->tid && w->oid == fill->oid)
                        w->size.v -= fill->size.v;
                if (w->tid ? w->tid == fill->tid : w->size.v <= 0)
                        drop_waiting(log, i);
                else
                        i++;
        }
}

/* How much of it was told before it was expected. */
static void subtract_known(const struct fill_log *log, struct waiting *w)
{
        for (size_t i = 0; i < log->n; i++)
                if (log->newest[i].oid == w->oid)
                        w->size.v -= log->newest[i].size.v;
}

static bool is_known_tid(const struct fill_log *log, uint64_t tid)
{
        for (size_t i = 0; i < log->n; i++)
                if (log->newest[i].tid == tid)
                        return true;
        return false;
}

void fill_log_expect_any(struct fill_log *log)
{
        log->is_any = true;
        log->any_number = log->next_number++;
}

void fill_log_expect(struct fill_log *log, uint64_t tid, uint64_t oid, struct qty size)
{
        struct waiting w = {.tid = tid, .oid = oid, .size = size};

        if (tid ? is_known_tid(log, tid) : !oid)
                return;
        if (!tid)
                subtract_known(log, &w);
        if (!tid && w.size.v <= 0)
                return;
        if (log->n_waiting == FILL_LOG_WAITING) {
                fill_log_expect_any(log);
                return;
        }
        w.number = log->next_number++;
        log->waiting[log->n_waiting++] = w;
}

bool fill_log_is_expecting(const struct fill_log *log)
{
        return log->n_waiting > 0 || log->is_any;
}

unsigned fill_log_mark(const struct fill_log *log)
{
        return log->next_number;
}

void fill_log_expected_until(struct fill_log *log, unsigned named, unsigned any)
{
        if (log->is_any && log->any_number < any)
                log->is_any = false;
        for (size_t i = 0; i < log->n_waiting;)
                if (log->waiting[i].number < named)
                        drop_waiting(log, i);
                else
                        i++;
}

/* --- what comes --- */

bool fill_log_take(struct fill_log *log, const struct venue_fill *fill)
{
        struct key key = key_of(fill);
        struct key *kept;

        if (fill->at < log->floor || map_get(log->known, &key, sizeof key))
                return false;
        /* So many without a read in between: what is pushed in such numbers comes in order. */
        if (map_size(log->known) >= KNOWN_MAX)
                fill_log_read(log, fill->at);
        kept = xmalloc(sizeof *kept);
        *kept = key;
        map_put(log->known, &key, sizeof key, kept);
        keep(log, fill);
        came(log, fill);
        return true;
}

struct prune {
        struct map *map;
        int64_t floor;
};

static void prune_one(void *cookie, const void *key, size_t len, void *value)
{
        const struct prune *prune = cookie;

        if (((struct key *)value)->at >= prune->floor)
                return;
        (void)map_take(prune->map, key, len);
        free(value);
}

void fill_log_read(struct fill_log *log, int64_t until)
{
        struct prune prune = {log->known, until - FILL_LOG_OVERLAP};

        if (until <= log->read_until)
                return;
        log->read_until = until;
        log->floor = prune.floor;
        if (map_size(log->known) > PRUNE_AT)
                map_each(log->known, prune_one, &prune);
}

int64_t fill_log_from(const struct fill_log *log)
{
        return log->floor;
}
