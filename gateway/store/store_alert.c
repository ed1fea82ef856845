#include "store/store_alert.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_op.h"

struct alert_op {
        struct store_op_write write; /* its done: delivered, retry */
        struct store_alert alert;    /* what is put; what is looked for */
        char hook[STORE_ALERT_HOOKS][STORE_ALERT_HOOK_MAX];
        unsigned n_hooks;
        store_alert_fn *kept;
        store_alerts_fn *found;
        int64_t when; /* due: now; retry: next_at */
        unsigned limit;
        size_t n;
        struct store_alert *row; /* owned; limit of them */
};

static struct alert_op *op_of(struct store_op *op)
{
        return (struct alert_op *)(void *)op;
}

static void bind_account(sqlite3_stmt *q, const struct store_alert *a)
{
        db_bind_text(q, 1, a->brand);
        db_bind_bytes(q, 2, a->account.b, sizeof a->account.b);
}

static void bind_hook(sqlite3_stmt *q, const struct alert_op *op)
{
        db_bind_text(q, 1, op->alert.brand);
        db_bind_text(q, 2, op->hook[0]);
}

/* --- put --- */

static enum errc is_new(struct db *db, const struct store_alert *a)
{
        sqlite3_stmt *q = db_query(db, "SELECT cause FROM alert WHERE brand = ?1 AND account = ?2"
                                       " AND topic = ?3 ORDER BY number DESC LIMIT 1");
        char last[sizeof a->cause];
        enum errc rc;

        bind_account(q, a);
        db_bind_text(q, 3, a->topic);
        rc = db_step(db, q);
        if (!rc)
                rc = db_get_text(db, q, 0, last, sizeof last);
        db_reset(q);
        if (rc)
                return rc == E_NOT_FOUND ? E_OK : rc;
        return strcmp(last, a->cause) == 0 ? E_EXISTS : E_OK;
}

static enum errc next_number(struct db *db, uint64_t *number)
{
        sqlite3_stmt *q = db_query(db, "SELECT max(number) FROM alert");
        enum errc rc = db_step(db, q);

        if (rc)
                return rc;
        *number = db_get_u64(q, 0) + 1;
        db_reset(q);
        return E_OK;
}

static enum errc insert_alert(struct db *db, const struct store_alert *a)
{
        sqlite3_stmt *q = db_query(db, "INSERT INTO alert (brand, account, number, cause, kind,"
                                       " symbol, at, detail, topic)"
                                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");

        bind_account(q, a);
        db_bind_int(q, 3, (int64_t)a->number);
        db_bind_text(q, 4, a->cause);
        db_bind_text(q, 5, a->kind);
        db_bind_text(q, 6, a->symbol);
        db_bind_int(q, 7, a->at);
        db_bind_text(q, 8, a->detail);
        db_bind_text(q, 9, a->topic);
        return db_run(db, q);
}

static enum errc insert_delivery(struct db *db, const struct store_alert *a, const char *hook)
{
        /* At once, whenever it happened: the venue's clock may be ahead. */
        sqlite3_stmt *q = db_query(db, "INSERT INTO alert_delivery (brand, hook, number, attempts,"
                                       " next_at) VALUES (?1, ?2, ?3, 0, 0)");

        db_bind_text(q, 1, a->brand);
        db_bind_text(q, 2, hook);
        db_bind_int(q, 3, (int64_t)a->number);
        return db_run(db, q);
}

#define TOO_OLD                                                                                    \
        "(SELECT number FROM alert WHERE brand = ?1 AND account = ?2"                              \
        " ORDER BY number DESC LIMIT 1 OFFSET ?3)"

/* One in, at most one out: an account never holds more than are kept. */
static enum errc drop_oldest(struct db *db, const struct store_alert *a)
{
        sqlite3_stmt *q = db_query(db, "DELETE FROM alert_delivery WHERE number = " TOO_OLD);
        enum errc rc;

        bind_account(q, a);
        db_bind_int(q, 3, STORE_ALERTS_KEPT);
        rc = db_run(db, q);
        if (rc)
                return rc;
        q = db_query(db, "DELETE FROM alert WHERE number = " TOO_OLD);
        bind_account(q, a);
        db_bind_int(q, 3, STORE_ALERTS_KEPT);
        return db_run(db, q);
}

static enum errc put_exec(struct store_op *op, struct db *db)
{
        struct alert_op *put = op_of(op);
        enum errc rc = is_new(db, &put->alert);

        if (!rc)
                rc = next_number(db, &put->alert.number);
        if (!rc)
                rc = insert_alert(db, &put->alert);
        for (unsigned i = 0; i < put->n_hooks && !rc; i++)
                rc = insert_delivery(db, &put->alert, put->hook[i]);
        return rc ? rc : drop_oldest(db, &put->alert);
}

static void put_finish(struct store_op *op)
{
        struct alert_op *put = op_of(op);

        if (put->kept)
                put->kept(put->write.cookie, op->rc, op->rc ? 0 : put->alert.number);
}

static struct alert_op *new_op(enum errc (*exec)(struct store_op *op, struct db *db),
                               void (*finish)(struct store_op *op), void *cookie)
{
        struct alert_op *op = xcalloc(1, sizeof *op);

        op->write.cookie = cookie;
        op->write.op.exec = exec;
        op->write.op.finish = finish;
        return op;
}

static void set_brand(struct alert_op *op, const char *brand)
{
        if (!text_copy(op->alert.brand, sizeof op->alert.brand, brand))
                op->write.op.rc = E_NOT_FOUND;
}

static void set_hook(struct alert_op *op, unsigned i, const char *hook)
{
        if (!text_copy(op->hook[i], sizeof op->hook[i], hook))
                op->write.op.rc = E_INVALID;
}

void store_alert_put(struct store *store, const struct store_alert *alert, const char *const *hook,
                     unsigned n_hooks, store_alert_fn *done, void *cookie)
{
        struct alert_op *op = new_op(put_exec, put_finish, cookie);

        must(n_hooks <= STORE_ALERT_HOOKS);
        op->alert = *alert;
        if (!alert->topic[0])
                must(text_copy(op->alert.topic, sizeof op->alert.topic, alert->cause));
        op->kept = done;
        op->n_hooks = n_hooks;
        for (unsigned i = 0; i < n_hooks; i++)
                set_hook(op, i, hook[i]);
        op->write.op.writes = true;
        store_op_submit(store, &op->write.op);
}

/* --- reading --- */

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct store_alert *a)
{
        enum errc rc = db_get_text(db, q, 1, a->brand, sizeof a->brand);

        a->number = db_get_u64(q, 0);
        if (!rc)
                rc = db_get_bytes(db, q, 2, a->account.b, sizeof a->account.b);
        if (!rc)
                rc = db_get_text(db, q, 3, a->cause, sizeof a->cause);
        if (!rc)
                rc = db_get_text(db, q, 4, a->kind, sizeof a->kind);
        if (!rc)
                rc = db_get_text(db, q, 5, a->symbol, sizeof a->symbol);
        a->at = db_get_int(q, 6);
        if (!rc)
                rc = db_get_text(db, q, 7, a->detail, sizeof a->detail);
        a->attempts = (unsigned)db_get_u64(q, 8);
        return rc;
}

static enum errc read_rows(struct alert_op *op, struct db *db, sqlite3_stmt *q)
{
        enum errc rc = db_step(db, q);

        op->n = 0;
        while (!rc && op->n < op->limit) {
                rc = read_row(db, q, &op->row[op->n]);
                if (!rc) {
                        op->n++;
                        rc = db_step(db, q);
                }
        }
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc list_exec(struct store_op *op, struct db *db)
{
        struct alert_op *list = op_of(op);
        sqlite3_stmt *q = db_query(
                db, "SELECT number, brand, account, cause, kind, symbol, at, detail, 0 FROM alert"
                    " WHERE brand = ?1 AND account = ?2 AND number < ?3"
                    " AND (?4 = '' OR kind = ?4) ORDER BY number DESC LIMIT ?5");

        bind_account(q, &list->alert);
        db_bind_int(q, 3, (int64_t)list->alert.number);
        db_bind_text(q, 4, list->alert.kind);
        db_bind_int(q, 5, list->limit);
        return read_rows(list, db, q);
}

static enum errc due_exec(struct store_op *op, struct db *db)
{
        struct alert_op *due = op_of(op);
        sqlite3_stmt *q =
                db_query(db, "SELECT a.number, a.brand, a.account, a.cause, a.kind, a.symbol, a.at,"
                             " a.detail, d.attempts FROM alert_delivery d JOIN alert a"
                             " ON a.number = d.number WHERE d.brand = ?1 AND d.hook = ?2"
                             " AND d.next_at <= ?3 ORDER BY d.next_at, d.number LIMIT ?4");

        bind_hook(q, due);
        db_bind_int(q, 3, due->when);
        db_bind_int(q, 4, due->limit);
        return read_rows(due, db, q);
}

static void found(struct store_op *op)
{
        struct alert_op *read = op_of(op);

        read->found(read->write.cookie, op->rc, read->row, op->rc ? 0 : read->n);
        free(read->row);
}

static struct alert_op *read_op(enum errc (*exec)(struct store_op *op, struct db *db),
                                unsigned limit, store_alerts_fn *done, void *cookie)
{
        struct alert_op *op = new_op(exec, found, cookie);

        must(limit > 0 && limit <= STORE_ALERTS_PAGE);
        op->found = done;
        op->limit = limit;
        op->row = xcalloc(limit, sizeof *op->row);
        return op;
}

void store_alert_list(struct store *store, const char *brand, const struct addr *account,
                      const char *kind, uint64_t before, unsigned limit, store_alerts_fn *done,
                      void *cookie)
{
        struct alert_op *op = read_op(list_exec, limit, done, cookie);

        set_brand(op, brand);
        op->alert.account = *account;
        op->alert.number = before && before <= INT64_MAX ? before : INT64_MAX;
        if (!text_copy(op->alert.kind, sizeof op->alert.kind, kind))
                op->write.op.rc = E_INVALID;
        store_op_submit(store, &op->write.op);
}

void store_alert_due(struct store *store, const char *brand, const char *hook, int64_t now,
                     unsigned limit, store_alerts_fn *done, void *cookie)
{
        struct alert_op *op = read_op(due_exec, limit, done, cookie);

        set_brand(op, brand);
        set_hook(op, 0, hook);
        op->when = now;
        store_op_submit(store, &op->write.op);
}

/* --- deliveries --- */

static enum errc delivered_exec(struct store_op *op, struct db *db)
{
        sqlite3_stmt *q = db_query(db, "DELETE FROM alert_delivery"
                                       " WHERE brand = ?1 AND hook = ?2 AND number = ?3");

        bind_hook(q, op_of(op));
        db_bind_int(q, 3, (int64_t)op_of(op)->alert.number);
        return db_run(db, q);
}

static enum errc retry_exec(struct store_op *op, struct db *db)
{
        sqlite3_stmt *q = db_query(db, "UPDATE alert_delivery SET attempts = attempts + 1,"
                                       " next_at = ?4 WHERE brand = ?1 AND hook = ?2"
                                       " AND number = ?3");

        bind_hook(q, op_of(op));
        db_bind_int(q, 3, (int64_t)op_of(op)->alert.number);
        db_bind_int(q, 4, op_of(op)->when);
        return db_run(db, q);
}

static void submit_delivery(struct store *store,
                            enum errc (*exec)(struct store_op *op, struct db *db),
                            const struct alert_op *what, store_done *done, void *cookie)
{
        struct alert_op *op = new_op(exec, store_op_finish_write, cookie);

        op->write.done = done;
        op->write.op.writes = true;
        op->write.op.rc = what->write.op.rc;
        op->alert = what->alert;
        memcpy(op->hook[0], what->hook[0], sizeof op->hook[0]);
        op->when = what->when;
        store_op_submit(store, &op->write.op);
}

void store_alert_delivered(struct store *store, const char *brand, const char *hook,
                           uint64_t number, store_done *done, void *cookie)
{
        struct alert_op what = {.alert.number = number};

        set_brand(&what, brand);
        set_hook(&what, 0, hook);
        submit_delivery(store, delivered_exec, &what, done, cookie);
}

void store_alert_retry(struct store *store, const char *brand, const char *hook, uint64_t number,
                       int64_t next_at, store_done *done, void *cookie)
{
        struct alert_op what = {.alert.number = number, .when = next_at};

        set_brand(&what, brand);
        set_hook(&what, 0, hook);
        submit_delivery(store, retry_exec, &what, done, cookie);
}
