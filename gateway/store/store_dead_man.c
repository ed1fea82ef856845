#include "store/store_dead_man.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_audit_acts.h"
#include "store/store_op.h"

#define KEY_BYTES 16

/* --- writing --- */

struct put_op {
        struct store_op_write write;
        struct store_dead_man row;
        char action[32]; /* "" none */
        int64_t at;
};

static void bind_which(sqlite3_stmt *q, const struct store_dead_man *row)
{
        db_bind_text(q, 1, row->brand);
        db_bind_bytes(q, 2, row->account.b, sizeof row->account.b);
        db_bind_bytes(q, 3, row->key, row->has_key ? KEY_BYTES : 0);
}

static enum errc put_row(struct db *db, const struct store_dead_man *row)
{
        sqlite3_stmt *q = db_query(
                db, "INSERT INTO dead_man (brand, account, key, wallet, timeout_ms, armed_at,"
                    " deadline, fired_at, cancelled, may_be_set) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                    " ?7, ?8, ?9, ?10) ON CONFLICT (brand, account, key) DO UPDATE SET wallet = ?4,"
                    " timeout_ms = ?5, armed_at = ?6, deadline = ?7, fired_at = ?8,"
                    " cancelled = ?9, may_be_set = ?10");

        bind_which(q, row);
        db_bind_bytes(q, 4, row->wallet.b, sizeof row->wallet.b);
        db_bind_int(q, 5, row->timeout_ms);
        db_bind_int(q, 6, row->armed_at);
        db_bind_int(q, 7, row->deadline);
        db_bind_int(q, 8, row->fired_at);
        db_bind_int(q, 9, row->cancelled);
        db_bind_int(q, 10, row->may_be_set);
        return db_run(db, q);
}

static enum errc remove_row(struct db *db, const struct store_dead_man *row)
{
        sqlite3_stmt *q =
                db_query(db, "DELETE FROM dead_man WHERE brand = ?1 AND account = ?2 AND key = ?3");

        bind_which(q, row);
        return db_run(db, q);
}

static enum errc put_exec(struct store_op *op, struct db *db)
{
        const struct put_op *put = (const struct put_op *)(const void *)op;
        const struct store_dead_man *row = &put->row;
        bool is_spent = !row->deadline && !row->may_be_set && !row->fired_at;
        enum errc rc = is_spent ? remove_row(db, row) : put_row(db, row);

        if (!rc && put->action[0])
                rc = store_audit_acts_dead_man(db, put->action, row, put->at);
        return rc;
}

void store_dead_man_put(struct store *store, const struct store_dead_man *row, const char *action,
                        int64_t at, store_done *done, void *cookie)
{
        struct put_op *put = xcalloc(1, sizeof *put);

        put->row = *row;
        put->at = at;
        must(text_copy(put->action, sizeof put->action, action ? action : ""));
        put->write.done = done;
        put->write.cookie = cookie;
        put->write.op.writes = true;
        put->write.op.exec = put_exec;
        put->write.op.finish = store_op_finish_write;
        store_op_submit(store, &put->write.op);
}

/* --- reading --- */

struct all_op {
        struct store_op op;
        struct store_dead_man *row; /* owned */
        size_t n, cap;
        store_dead_men_fn *done;
        void *cookie;
};

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct store_dead_man *row)
{
        enum errc rc = db_get_text(db, q, 0, row->brand, sizeof row->brand);

        if (!rc)
                rc = db_get_bytes(db, q, 1, row->account.b, sizeof row->account.b);
        row->has_key = sqlite3_column_bytes(q, 2) != 0;
        if (!rc && row->has_key)
                rc = db_get_bytes(db, q, 2, row->key, KEY_BYTES);
        if (!rc)
                rc = db_get_bytes(db, q, 3, row->wallet.b, sizeof row->wallet.b);
        row->timeout_ms = db_get_int(q, 4);
        row->armed_at = db_get_int(q, 5);
        row->deadline = db_get_int(q, 6);
        row->fired_at = db_get_int(q, 7);
        row->cancelled = db_get_int(q, 8);
        row->may_be_set = db_get_int(q, 9) != 0;
        return rc;
}

static enum errc all_exec(struct store_op *op, struct db *db)
{
        struct all_op *all = (struct all_op *)(void *)op;
        sqlite3_stmt *q = db_query(
                db, "SELECT brand, account, key, wallet, timeout_ms, armed_at, deadline, fired_at,"
                    " cancelled, may_be_set FROM dead_man ORDER BY deadline, brand, account, key");
        enum errc rc = db_step(db, q);

        all->n = 0;
        while (!rc) {
                if (all->n == all->cap) {
                        all->cap = all->cap ? all->cap * 2 : 64;
                        all->row = xrealloc(all->row, all->cap * sizeof *all->row);
                }
                all->row[all->n] = (struct store_dead_man){.deadline = 0};
                rc = read_row(db, q, &all->row[all->n]);
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
        struct all_op *all = (struct all_op *)(void *)op;

        all->done(all->cookie, op->rc, all->row, op->rc ? 0 : all->n);
        free(all->row);
}

void store_dead_man_all(struct store *store, store_dead_men_fn *done, void *cookie)
{
        struct all_op *all = xcalloc(1, sizeof *all);

        all->done = done;
        all->cookie = cookie;
        all->op.exec = all_exec;
        all->op.finish = all_finish;
        store_op_submit(store, &all->op);
}

/* --- whose orders --- */

struct mine_op {
        struct store_op op;
        char brand[STORE_BRAND_MAX];
        struct addr account;
        bool has_key;
        uint8_t key[KEY_BYTES];
        int64_t at;
        struct cloid *cloid; /* owned */
        bool *mine;          /* owned */
        size_t n;
        store_dead_man_mine_fn *done;
        void *cookie;
};

static enum errc mine_exec(struct store_op *op, struct db *db)
{
        struct mine_op *mine = (struct mine_op *)(void *)op;
        enum errc rc = E_OK;

        for (size_t i = 0; i < mine->n && !rc; i++) {
                sqlite3_stmt *q = db_query(
                        db, "SELECT 1 FROM intent_cloid c JOIN intent i ON i.number = c.number"
                            " LEFT JOIN intent_key k ON k.number = c.number"
                            " WHERE c.cloid = ?1 AND c.account = ?2 AND c.brand = ?3"
                            " AND i.created_at <= ?5 AND (?4 IS NULL OR k.key = ?4)");

                db_bind_bytes(q, 1, mine->cloid[i].b, sizeof mine->cloid[i].b);
                db_bind_bytes(q, 2, mine->account.b, sizeof mine->account.b);
                db_bind_text(q, 3, mine->brand);
                if (mine->has_key)
                        db_bind_bytes(q, 4, mine->key, KEY_BYTES);
                db_bind_int(q, 5, mine->at);
                rc = db_step(db, q);
                mine->mine[i] = !rc;
                if (!rc)
                        db_reset(q);
                if (rc == E_NOT_FOUND)
                        rc = E_OK;
        }
        return rc;
}

static void mine_finish(struct store_op *op)
{
        struct mine_op *mine = (struct mine_op *)(void *)op;

        mine->done(mine->cookie, op->rc, mine->mine, op->rc ? 0 : mine->n);
        free(mine->cloid);
        free(mine->mine);
}

void store_dead_man_mine(struct store *store, const char *brand, const struct addr *account,
                         const uint8_t *key, int64_t at, const struct cloid *cloids, size_t n,
                         store_dead_man_mine_fn *done, void *cookie)
{
        struct mine_op *mine = xcalloc(1, sizeof *mine);

        must(text_copy(mine->brand, sizeof mine->brand, brand));
        mine->account = *account;
        mine->has_key = key != NULL;
        if (key)
                memcpy(mine->key, key, KEY_BYTES);
        mine->at = at;
        mine->cloid = xcalloc(n + 1, sizeof *mine->cloid);
        mine->mine = xcalloc(n + 1, sizeof *mine->mine);
        if (n)
                memcpy(mine->cloid, cloids, n * sizeof *cloids);
        mine->n = n;
        mine->done = done;
        mine->cookie = cookie;
        mine->op.exec = mine_exec;
        mine->op.finish = mine_finish;
        store_op_submit(store, &mine->op);
}
