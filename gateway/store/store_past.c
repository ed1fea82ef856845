/* Each order is 24 bytes: its client order id, then the time it was placed at, highest byte first. */
#include "store/store_past.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_op.h"

#define CLOID_BYTES sizeof(struct cloid)
#define TIME_BYTES  8
#define ROW_BYTES   (CLOID_BYTES + TIME_BYTES)

static void pack(uint8_t *out, const struct store_past_order *order)
{
        memcpy(out, order->cloid.b, CLOID_BYTES);
        for (unsigned i = 0; i < TIME_BYTES; i++)
                out[CLOID_BYTES + i] = (uint8_t)((uint64_t)order->placed_at >> (56 - 8 * i));
}

static void unpack(struct store_past_order *out, const uint8_t *row)
{
        uint64_t at = 0;

        memcpy(out->cloid.b, row, CLOID_BYTES);
        for (unsigned i = 0; i < TIME_BYTES; i++)
                at = at << 8 | row[CLOID_BYTES + i];
        out->placed_at = at > INT64_MAX ? INT64_MAX : (int64_t)at;
}

/* --- put --- */

struct put {
        struct store_op_write write;
        struct addr account;
        int64_t known_since;
        bool is_partial;
        size_t len;
        uint8_t orders[STORE_PAST_MAX * ROW_BYTES];
};

static enum errc put_exec(struct store_op *op, struct db *db)
{
        struct put *put = (struct put *)(void *)op;
        sqlite3_stmt *q = db_query(db, "INSERT INTO past_order (account, known_since, is_partial,"
                                       " orders) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (account)"
                                       " DO UPDATE SET known_since = excluded.known_since,"
                                       " is_partial = excluded.is_partial,"
                                       " orders = excluded.orders");

        db_bind_bytes(q, 1, put->account.b, sizeof put->account.b);
        db_bind_int(q, 2, put->known_since);
        db_bind_int(q, 3, put->is_partial);
        db_bind_bytes(q, 4, put->orders, put->len);
        return db_run(db, q);
}

void store_past_put(struct store *store, const struct store_past *past, store_done *done,
                    void *cookie)
{
        struct put *put = xcalloc(1, sizeof *put);

        put->write.done = done;
        put->write.cookie = cookie;
        put->write.op.writes = true;
        put->write.op.exec = put_exec;
        put->write.op.finish = store_op_finish_write;
        put->account = past->account;
        put->known_since = past->known_since;
        put->is_partial = past->is_partial;
        if (past->n > STORE_PAST_MAX)
                put->write.op.rc = E_TOO_LARGE;
        for (size_t i = 0; i < past->n && !put->write.op.rc; i++) {
                pack(put->orders + put->len, &past->order[i]);
                put->len += ROW_BYTES;
        }
        store_op_submit(store, &put->write.op);
}

/* --- get --- */

struct get {
        struct store_op op;
        struct store_past past;
        struct store_past_order *order; /* owned */
        store_past_fn *done;
        void *cookie;
};

static enum errc get_exec(struct store_op *op, struct db *db)
{
        struct get *get = (struct get *)(void *)op;
        sqlite3_stmt *q = db_query(db, "SELECT is_partial, orders FROM past_order"
                                       " WHERE account = ?1 AND known_since = ?2");
        const uint8_t *rows;
        size_t len;
        enum errc rc;

        db_bind_bytes(q, 1, get->past.account.b, sizeof get->past.account.b);
        db_bind_int(q, 2, get->past.known_since);
        rc = db_step(db, q);
        if (rc)
                return rc;
        get->past.is_partial = db_get_int(q, 0) != 0;
        rows = sqlite3_column_blob(q, 1);
        len = (size_t)sqlite3_column_bytes(q, 1);
        if (len % ROW_BYTES || len > STORE_PAST_MAX * ROW_BYTES)
                rc = E_NOT_FOUND; /* damaged: whoever asks puts it anew */
        get->past.n = rc ? 0 : len / ROW_BYTES;
        free(get->order);
        get->order = xcalloc(get->past.n + 1, sizeof *get->order);
        for (size_t i = 0; i < get->past.n; i++)
                unpack(&get->order[i], rows + i * ROW_BYTES);
        db_reset(q);
        return rc;
}

static void get_finish(struct store_op *op)
{
        struct get *get = (struct get *)(void *)op;

        get->past.order = get->order;
        get->done(get->cookie, op->rc, op->rc ? NULL : &get->past);
        free(get->order);
}

void store_past_get(struct store *store, const struct addr *account, int64_t known_since,
                    store_past_fn *done, void *cookie)
{
        struct get *get = xcalloc(1, sizeof *get);

        get->past.account = *account;
        get->past.known_since = known_since;
        get->done = done;
        get->cookie = cookie;
        get->op.exec = get_exec;
        get->op.finish = get_finish;
        store_op_submit(store, &get->op);
}

/* --- forget --- */

enum errc store_past_forget(struct db *db, int64_t known_since)
{
        sqlite3_stmt *q = db_query(db, "DELETE FROM past_order WHERE account IN (SELECT account"
                                       " FROM past_order WHERE known_since <> ?1 LIMIT ?2)");

        db_bind_int(q, 1, known_since);
        db_bind_int(q, 2, STORE_PAST_AT_ONCE);
        return db_run(db, q);
}
