#include "store/store_guard.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/store_audit_acts.h"
#include "store/store_op.h"

struct guard_op {
        struct store_op_write write; /* put, update, delete */
        struct store_guard guard;
        int64_t now;
        store_guards_fn *found;
        size_t n, cap;
        struct store_guard *row; /* owned */
};

static struct guard_op *op_of(struct store_op *op)
{
        return (struct guard_op *)(void *)op;
}

/* ?1 to ?4 say which; the rest is what can change. */
static enum errc bind_all(sqlite3_stmt *q, const struct store_guard *g)
{
        db_bind_text(q, 1, g->brand);
        db_bind_bytes(q, 2, g->account.b, sizeof g->account.b);
        db_bind_text(q, 3, g->symbol);
        db_bind_bytes(q, 4, g->id, sizeof g->id);
        db_bind_int(q, 5, g->added.v);
        db_bind_int(q, 6, g->pending_amount.v);
        db_bind_int(q, 7, g->cash_before.v);
        db_bind_int(q, 8, g->pending_at);
        db_bind_int(q, 10, g->size_before.v);
        return db_bind_u64(q, 9, g->moves);
}

static enum errc put_exec(struct store_op *op, struct db *db)
{
        const struct store_guard *g = &op_of(op)->guard;
        sqlite3_stmt *q = db_query(
                db, "INSERT INTO guard (brand, account, symbol, id, added, pending_amount,"
                    " cash_before, pending_at, moves, size_before, wallet, is_long, min_distance,"
                    " top_up, max_total, take_back_above, created_at) VALUES (?1, ?2, ?3, ?4, ?5,"
                    " ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
                    " ON CONFLICT (brand, account, symbol) DO UPDATE SET id = ?4, added = ?5,"
                    " pending_amount = ?6, cash_before = ?7, pending_at = ?8, moves = ?9,"
                    " size_before = ?10, wallet = ?11, is_long = ?12, min_distance = ?13,"
                    " top_up = ?14, max_total = ?15, take_back_above = ?16, created_at = ?17");
        enum errc rc = bind_all(q, g);

        if (rc)
                return rc;
        db_bind_bytes(q, 11, g->wallet.b, sizeof g->wallet.b);
        db_bind_int(q, 12, g->is_long);
        db_bind_int(q, 13, g->min_distance.v);
        db_bind_int(q, 14, g->top_up.v);
        db_bind_int(q, 15, g->max_total.v);
        if (g->has_take_back)
                db_bind_int(q, 16, g->take_back_above.v);
        else
                db_bind_text(q, 16, NULL);
        db_bind_int(q, 17, g->created_at);
        rc = db_run(db, q);
        return rc ? rc : store_audit_acts_guard(db, "guard_set", g, g->created_at);
}

static enum errc update_exec(struct store_op *op, struct db *db)
{
        sqlite3_stmt *q = db_query(
                db,
                "UPDATE guard SET added = ?5, pending_amount = ?6, cash_before = ?7,"
                " pending_at = ?8, moves = ?9, size_before = ?10 WHERE brand = ?1 AND account = ?2"
                " AND symbol = ?3 AND id = ?4");
        enum errc rc = bind_all(q, &op_of(op)->guard);

        if (!rc)
                rc = db_run(db, q);
        return rc || db_changes(db) > 0 ? rc : E_NOT_FOUND;
}

static enum errc delete_exec(struct store_op *op, struct db *db)
{
        const struct store_guard *g = &op_of(op)->guard;
        sqlite3_stmt *q = db_query(db, "DELETE FROM guard WHERE brand = ?1 AND account = ?2"
                                       " AND symbol = ?3 AND id = ?4");
        enum errc rc;

        db_bind_text(q, 1, g->brand);
        db_bind_bytes(q, 2, g->account.b, sizeof g->account.b);
        db_bind_text(q, 3, g->symbol);
        db_bind_bytes(q, 4, g->id, sizeof g->id);
        rc = db_run(db, q);
        if (rc || db_changes(db) == 0)
                return rc;
        return store_audit_acts_guard(db, "guard_ended", g, op_of(op)->now);
}

static void submit(struct store *store, enum errc (*exec)(struct store_op *op, struct db *db),
                   const struct store_guard *guard, store_done *done, void *cookie)
{
        struct guard_op *op = xcalloc(1, sizeof *op);

        op->guard = *guard;
        op->now = clock_wall_ms(loop_clock(store_loop(store)));
        op->write.done = done;
        op->write.cookie = cookie;
        op->write.op.writes = true;
        op->write.op.exec = exec;
        op->write.op.finish = store_op_finish_write;
        store_op_submit(store, &op->write.op);
}

void store_guard_put(struct store *store, const struct store_guard *guard, store_done *done,
                     void *cookie)
{
        submit(store, put_exec, guard, done, cookie);
}

void store_guard_update(struct store *store, const struct store_guard *guard, store_done *done,
                        void *cookie)
{
        submit(store, update_exec, guard, done, cookie);
}

void store_guard_delete(struct store *store, const struct store_guard *guard, store_done *done,
                        void *cookie)
{
        submit(store, delete_exec, guard, done, cookie);
}

/* --- reading --- */

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct store_guard *g)
{
        enum errc rc = db_get_text(db, q, 0, g->brand, sizeof g->brand);

        if (!rc)
                rc = db_get_bytes(db, q, 1, g->account.b, sizeof g->account.b);
        if (!rc)
                rc = db_get_text(db, q, 2, g->symbol, sizeof g->symbol);
        if (!rc)
                rc = db_get_bytes(db, q, 3, g->wallet.b, sizeof g->wallet.b);
        if (!rc)
                rc = db_get_bytes(db, q, 4, g->id, sizeof g->id);
        g->is_long = db_get_int(q, 5) != 0;
        g->min_distance.v = db_get_int(q, 6);
        g->top_up.v = db_get_int(q, 7);
        g->max_total.v = db_get_int(q, 8);
        g->has_take_back = sqlite3_column_type(q, 9) != SQLITE_NULL;
        g->take_back_above.v = db_get_int(q, 9);
        g->added.v = db_get_int(q, 10);
        g->moves = db_get_u64(q, 11);
        g->pending_amount.v = db_get_int(q, 12);
        g->cash_before.v = db_get_int(q, 13);
        g->pending_at = db_get_int(q, 14);
        g->created_at = db_get_int(q, 15);
        g->size_before.v = db_get_int(q, 16);
        return rc;
}

static struct store_guard *spare_row(struct guard_op *op)
{
        if (op->n == op->cap) {
                op->cap = op->cap ? op->cap * 2 : 64;
                op->row = xrealloc(op->row, op->cap * sizeof *op->row);
        }
        op->row[op->n] = (struct store_guard){.created_at = 0};
        return &op->row[op->n];
}

static enum errc all_exec(struct store_op *op, struct db *db)
{
        struct guard_op *all = op_of(op);
        sqlite3_stmt *q = db_query(
                db, "SELECT brand, account, symbol, wallet, id, is_long, min_distance, top_up,"
                    " max_total, take_back_above, added, moves, pending_amount, cash_before,"
                    " pending_at, created_at, size_before FROM guard ORDER BY created_at, brand, "
                    "account,"
                    " symbol");
        enum errc rc = db_step(db, q);

        all->n = 0;
        while (!rc) {
                rc = read_row(db, q, spare_row(all));
                if (!rc) {
                        all->n++;
                        rc = db_step(db, q);
                }
        }
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static void all_finish(struct store_op *op)
{
        struct guard_op *all = op_of(op);

        all->found(all->write.cookie, op->rc, all->row, op->rc ? 0 : all->n);
        free(all->row);
}

void store_guard_all(struct store *store, store_guards_fn *done, void *cookie)
{
        struct guard_op *op = xcalloc(1, sizeof *op);

        op->found = done;
        op->write.cookie = cookie;
        op->write.op.exec = all_exec;
        op->write.op.finish = all_finish;
        store_op_submit(store, &op->write.op);
}
