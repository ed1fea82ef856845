#include "store/store_trader.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/store_op.h"

struct trader_op {
        struct store_op op;
        store_traders_fn *done;
        void *cookie;
        size_t n, cap;
        struct store_trader *row; /* owned */
};

static struct trader_op *op_of(struct store_op *op)
{
        return (struct trader_op *)(void *)op;
}

static struct store_trader *spare_row(struct trader_op *op)
{
        if (op->n == op->cap) {
                op->cap = op->cap ? op->cap * 2 : 256;
                op->row = xrealloc(op->row, op->cap * sizeof *op->row);
        }
        op->row[op->n] = (struct store_trader){.valid_until = 0};
        return &op->row[op->n];
}

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct store_trader *t)
{
        enum errc rc = db_get_text(db, q, 0, t->brand, sizeof t->brand);

        if (!rc)
                rc = db_get_bytes(db, q, 1, t->account.b, sizeof t->account.b);
        if (!rc)
                rc = db_get_bytes(db, q, 2, t->agent.b, sizeof t->agent.b);
        t->valid_until = db_get_int(q, 3);
        return rc;
}

static enum errc all_exec(struct store_op *op, struct db *db)
{
        struct trader_op *all = op_of(op);
        sqlite3_stmt *q =
                db_query(db, "SELECT brand, account, agent, valid_until FROM agent"
                             " WHERE retired_at IS NULL AND is_next = 0 AND approved = 1");
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
        struct trader_op *all = op_of(op);

        all->done(all->cookie, op->rc, all->row, op->rc ? 0 : all->n);
        free(all->row);
}

void store_trader_all(struct store *store, store_traders_fn *done, void *cookie)
{
        struct trader_op *op = xcalloc(1, sizeof *op);

        op->done = done;
        op->cookie = cookie;
        op->op.exec = all_exec;
        op->op.finish = all_finish;
        store_op_submit(store, &op->op);
}
