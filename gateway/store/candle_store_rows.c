#include <string.h>

#include "store/candle_store_impl.h"

/* The series' number; 0: there is none. */
static enum errc find_series(struct db *db, const struct candle_series *series, int64_t *id)
{
        sqlite3_stmt *q = db_query(db, "SELECT id FROM series WHERE symbol = ?1 AND interval = ?2");
        enum errc rc;

        db_bind_text(q, 1, series->symbol);
        db_bind_text(q, 2, series->interval);
        rc = db_step(db, q);
        if (!rc)
                *id = db_get_int(q, 0);
        else if (rc == E_NOT_FOUND)
                *id = 0;
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

/* --- reading --- */

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct candle_row *row)
{
        row->open_at = db_get_int(q, 0);
        row->close_at = db_get_int(q, 1);
        row->open.v = db_get_int(q, 2);
        row->high.v = db_get_int(q, 3);
        row->low.v = db_get_int(q, 4);
        row->close.v = db_get_int(q, 5);
        row->trades = db_get_u64(q, 7);
        return db_get_text(db, q, 6, row->volume, sizeof row->volume);
}

static void turn_round(struct candle_row *row, size_t n)
{
        for (size_t i = 0; i < n / 2; i++) {
                struct candle_row other = row[i];
                row[i] = row[n - 1 - i];
                row[n - 1 - i] = other;
        }
}

static enum errc read_rows(struct db *db, int64_t id, const struct candle_store_query *query,
                           struct candle_slice *slice)
{
        sqlite3_stmt *q = db_query(
                db, "SELECT open_at, close_at, open, high, low, close, volume, trades FROM candle"
                    " WHERE series = ?1 AND open_at >= ?2 AND open_at < ?3"
                    " ORDER BY open_at DESC LIMIT ?4");
        enum errc rc;

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, query->window.start);
        db_bind_int(q, 3, query->window.end);
        db_bind_int(q, 4, (int64_t)query->limit);
        rc = db_step(db, q);
        while (!rc && slice->n < query->limit) {
                rc = read_row(db, q, &query->row[slice->n]);
                if (!rc) {
                        slice->n++;
                        rc = db_step(db, q);
                }
        }
        db_reset(q);
        turn_round(query->row, slice->n);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc read_spans(struct db *db, int64_t id, const struct candle_span *window,
                            struct candle_slice *slice)
{
        sqlite3_stmt *q = db_query(db, "SELECT start, stop FROM span WHERE series = ?1"
                                       " AND stop >= ?2 AND start <= ?3 ORDER BY start");
        enum errc rc;

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, window->start);
        db_bind_int(q, 3, window->end);
        rc = db_step(db, q);
        while (!rc && slice->n_spans < CANDLE_STORE_SPANS_MAX) {
                slice->span[slice->n_spans++] =
                        (struct candle_span){db_get_int(q, 0), db_get_int(q, 1)};
                rc = db_step(db, q);
        }
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc read_before(struct db *db, int64_t id, int64_t start, int64_t *before)
{
        sqlite3_stmt *q = db_query(db, "SELECT open_at FROM candle WHERE series = ?1"
                                       " AND open_at < ?2 ORDER BY open_at DESC LIMIT 1");
        enum errc rc;

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, start);
        rc = db_step(db, q);
        if (!rc)
                *before = db_get_int(q, 0);
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

enum errc candle_store_impl_read(struct db *db, const struct candle_store_query *query,
                                 struct candle_slice *slice)
{
        int64_t id = 0;
        enum errc rc = find_series(db, &query->series, &id);

        if (rc || !id)
                return rc;
        rc = read_rows(db, id, query, slice);
        if (!rc)
                rc = read_spans(db, id, &query->window, slice);
        if (!rc)
                rc = read_before(db, id, query->window.start, &slice->before);
        return rc;
}

/* --- writing --- */

static enum errc touch_series(struct db *db, const struct candle_store_change *c, int64_t *id)
{
        sqlite3_stmt *q = db_query(db, "INSERT INTO series (symbol, interval, written_at)"
                                       " VALUES (?1, ?2, ?3) ON CONFLICT (symbol, interval)"
                                       " DO UPDATE SET written_at = excluded.written_at");
        enum errc rc;

        db_bind_text(q, 1, c->series.symbol);
        db_bind_text(q, 2, c->series.interval);
        db_bind_int(q, 3, c->now);
        rc = db_run(db, q);
        return rc ? rc : find_series(db, &c->series, id);
}

static enum errc put_row(struct db *db, int64_t id, const struct candle_row *row)
{
        sqlite3_stmt *q = db_query(db, "INSERT OR REPLACE INTO candle (series, open_at, close_at,"
                                       " open, high, low, close, volume, trades)"
                                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, row->open_at);
        db_bind_int(q, 3, row->close_at);
        db_bind_int(q, 4, row->open.v);
        db_bind_int(q, 5, row->high.v);
        db_bind_int(q, 6, row->low.v);
        db_bind_int(q, 7, row->close.v);
        db_bind_text(q, 8, row->volume);
        return db_bind_u64(q, 9, row->trades) ? E_RANGE : db_run(db, q);
}

/* Takes in what the span touches, so that spans never do. */
static enum errc widen(struct db *db, int64_t id, struct candle_span *span)
{
        sqlite3_stmt *q = db_query(db, "SELECT min(start), max(stop), count(*) FROM span"
                                       " WHERE series = ?1 AND stop >= ?2 AND start <= ?3");
        struct candle_span found = *span;
        enum errc rc;

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, span->start);
        db_bind_int(q, 3, span->end);
        rc = db_step(db, q);
        if (!rc && db_get_int(q, 2)) {
                found.start = db_get_int(q, 0) < span->start ? db_get_int(q, 0) : span->start;
                found.end = db_get_int(q, 1) > span->end ? db_get_int(q, 1) : span->end;
        }
        db_reset(q);
        if (rc)
                return rc;
        q = db_query(db, "DELETE FROM span WHERE series = ?1 AND stop >= ?2 AND start <= ?3");
        db_bind_int(q, 1, id);
        db_bind_int(q, 2, span->start);
        db_bind_int(q, 3, span->end);
        rc = db_run(db, q);
        *span = found;
        return rc;
}

static enum errc put_span(struct db *db, int64_t id, const struct candle_span *added)
{
        struct candle_span span = *added;
        sqlite3_stmt *q;
        enum errc rc = widen(db, id, &span);

        if (rc)
                return rc;
        q = db_query(db, "INSERT INTO span (series, start, stop) VALUES (?1, ?2, ?3)");
        db_bind_int(q, 1, id);
        db_bind_int(q, 2, span.start);
        db_bind_int(q, 3, span.end);
        rc = db_run(db, q);
        if (rc)
                return rc;
        q = db_query(db, "DELETE FROM span WHERE series = ?1 AND start <= (SELECT start FROM span"
                         " WHERE series = ?1 ORDER BY start DESC LIMIT 1 OFFSET ?2)");
        db_bind_int(q, 1, id);
        db_bind_int(q, 2, CANDLE_STORE_SPANS_MAX);
        return db_run(db, q);
}

/* --- bounds --- */

/* The open_at of the newest row that is too many; 0: none is. */
static enum errc find_excess(struct db *db, int64_t id, int64_t *at)
{
        sqlite3_stmt *q = db_query(db, "SELECT open_at FROM candle WHERE series = ?1"
                                       " ORDER BY open_at DESC LIMIT 1 OFFSET ?2");
        enum errc rc;

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, CANDLE_STORE_SERIES_MAX);
        rc = db_step(db, q);
        *at = rc ? 0 : db_get_int(q, 0);
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc run_at(struct db *db, const char *sql, int64_t id, int64_t at)
{
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, at);
        return db_run(db, q);
}

static enum errc trim_series(struct db *db, int64_t id)
{
        int64_t at = 0;
        enum errc rc = find_excess(db, id, &at);

        if (rc || !at)
                return rc;
        rc = run_at(db, "DELETE FROM candle WHERE series = ?1 AND open_at <= ?2", id, at);
        if (!rc)
                rc = run_at(db, "DELETE FROM span WHERE series = ?1 AND stop <= ?2 + 1", id, at);
        if (!rc)
                rc = run_at(db, "UPDATE span SET start = ?2 + 1 WHERE series = ?1 AND start <= ?2",
                            id, at);
        return rc;
}

static enum errc run_of(struct db *db, const char *sql, int64_t id)
{
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, id);
        return db_run(db, q);
}

static enum errc drop_series(struct db *db, int64_t id)
{
        enum errc rc = run_of(db, "DELETE FROM candle WHERE series = ?1", id);

        if (!rc)
                rc = run_of(db, "DELETE FROM span WHERE series = ?1", id);
        return rc ? rc : run_of(db, "DELETE FROM series WHERE id = ?1", id);
}

/* One series that gives way to the one just written; 0: there is room for all. */
static enum errc find_victim(struct db *db, int64_t id, size_t max_rows, int64_t *victim)
{
        sqlite3_stmt *q = db_query(db, "SELECT id FROM series WHERE id <> ?1"
                                       " AND (SELECT sum(rows) FROM series) > ?2"
                                       " ORDER BY written_at, id LIMIT 1");
        enum errc rc;

        db_bind_int(q, 1, id);
        db_bind_int(q, 2, (int64_t)max_rows);
        rc = db_step(db, q);
        *victim = rc ? 0 : db_get_int(q, 0);
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc make_room(struct db *db, int64_t id, size_t max_rows)
{
        int64_t victim = 0;
        enum errc rc;

        rc = run_of(db,
                    "UPDATE series SET rows = (SELECT count(*) FROM candle WHERE series = ?1)"
                    " WHERE id = ?1",
                    id);
        do {
                if (!rc)
                        rc = find_victim(db, id, max_rows, &victim);
                if (!rc && victim)
                        rc = drop_series(db, victim);
        } while (!rc && victim);
        return rc;
}

static enum errc write_all(struct db *db, const struct candle_store_change *c)
{
        int64_t id = 0;
        enum errc rc = touch_series(db, c, &id);

        for (size_t i = 0; i < c->n && !rc; i++)
                rc = put_row(db, id, &c->row[i]);
        if (!rc)
                rc = put_span(db, id, &c->span);
        if (!rc)
                rc = trim_series(db, id);
        return rc ? rc : make_room(db, id, c->max_rows);
}

enum errc candle_store_impl_write(struct db *db, const struct candle_store_change *c)
{
        enum errc rc = db_exec(db, "BEGIN IMMEDIATE");

        if (!rc)
                rc = write_all(db, c);
        if (!rc)
                rc = db_exec(db, "COMMIT");
        if (!rc)
                db_say_works(db);
        else if (db_in_transaction(db))
                (void)!db_exec(db, "ROLLBACK");
        return rc;
}
