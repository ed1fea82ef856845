#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_intent_rows.h"
#include "store/store_op.h"

#define OPEN_PAGE 64 /* open intents read in one operation, so that a long list blocks nobody */

/* --- insert, update --- */

struct intent_write {
        struct store_op_write write;
        struct store_intent intent; /* request and answer owned */
};

static enum errc insert_exec(struct store_op *op, struct db *db)
{
        return store_intent_rows_insert(db, &((struct intent_write *)(void *)op)->intent);
}

static enum errc update_exec(struct store_op *op, struct db *db)
{
        return store_intent_rows_update(db, &((struct intent_write *)(void *)op)->intent);
}

static void write_finish(struct store_op *op)
{
        store_op_finish_write(op);
        store_intent_rows_fini(&((struct intent_write *)(void *)op)->intent);
}

static enum errc copy_blob(const char **out, const char *text)
{
        if (!text)
                return E_OK;
        if (strnlen(text, STORE_BLOB_MAX + 1) > STORE_BLOB_MAX)
                return E_TOO_LARGE;
        *out = xstrdup(text);
        return E_OK;
}

static void write_intent(struct store *store, const struct store_intent *intent,
                         enum errc (*exec)(struct store_op *, struct db *), store_done *done,
                         void *cookie)
{
        struct intent_write *op = xcalloc(1, sizeof *op);
        struct store_op *base = &op->write.op;

        must(intent->n_steps <= INTENT_STEPS_MAX && intent->n_orders <= INTENT_ORDERS_MAX);
        op->intent = *intent;
        op->intent.request = NULL;
        op->intent.answer = NULL;
        base->rc = copy_blob(&op->intent.request, intent->request);
        if (!base->rc)
                base->rc = copy_blob(&op->intent.answer, intent->answer);
        op->write.done = done;
        op->write.cookie = cookie;
        base->writes = true;
        base->exec = exec;
        base->finish = write_finish;
        store_op_submit(store, base);
}

void store_intent_insert(struct store *store, const struct store_intent *intent, store_done *done,
                         void *cookie)
{
        write_intent(store, intent, insert_exec, done, cookie);
}

void store_intent_update(struct store *store, const struct store_intent *intent, store_done *done,
                         void *cookie)
{
        write_intent(store, intent, update_exec, done, cookie);
}

/* --- lookups --- */

struct intent_get {
        struct store_op op;
        const char *sql; /* finds the intent's id by brand, account and one key */
        char key[128];   /* idempotency key or client id */
        struct cloid cloid;
        bool by_cloid;
        struct addr account;
        struct store_intent intent;
        store_intent_fn *done;
        void *cookie;
};

static enum errc get_exec(struct store_op *op, struct db *db)
{
        struct intent_get *get = (struct intent_get *)(void *)op;
        sqlite3_stmt *q = db_query(db, get->sql);
        enum errc rc;

        db_bind_text(q, 1, get->intent.brand);
        db_bind_bytes(q, 2, get->account.b, sizeof get->account.b);
        if (get->by_cloid)
                db_bind_bytes(q, 3, get->cloid.b, sizeof get->cloid.b);
        else
                db_bind_text(q, 3, get->key);
        rc = db_step(db, q);
        if (rc)
                return rc;
        rc = db_get_bytes(db, q, 0, get->intent.id.b, sizeof get->intent.id.b);
        db_reset(q);
        return rc ? rc : store_intent_rows_load(db, &get->intent);
}

static void get_finish(struct store_op *op)
{
        struct intent_get *get = (struct intent_get *)(void *)op;

        get->done(get->cookie, op->rc, op->rc ? NULL : &get->intent);
        store_intent_rows_fini(&get->intent);
}

static struct intent_get *get_new(const char *sql, const char *brand, const struct addr *account,
                                  store_intent_fn *done, void *cookie)
{
        struct intent_get *get = xcalloc(1, sizeof *get);

        get->sql = sql;
        if (!text_copy(get->intent.brand, sizeof get->intent.brand, brand))
                get->op.rc = E_NOT_FOUND; /* what does not fit was never stored */
        get->account = *account;
        get->done = done;
        get->cookie = cookie;
        get->op.exec = get_exec;
        get->op.finish = get_finish;
        return get;
}

void store_intent_by_key(struct store *store, const char *brand, const struct addr *account,
                         const char *idempotency_key, store_intent_fn *done, void *cookie)
{
        static const char sql[] = "SELECT id FROM intent WHERE brand = ?1 AND account = ?2"
                                  " AND idempotency_key = ?3";
        struct intent_get *get = get_new(sql, brand, account, done, cookie);

        if (!text_copy(get->key, sizeof get->key, idempotency_key))
                get->op.rc = E_NOT_FOUND;
        store_op_submit(store, &get->op);
}

void store_intent_by_client_id(struct store *store, const char *brand, const struct addr *account,
                               const char *client_id, store_intent_fn *done, void *cookie)
{
        static const char sql[] = "SELECT id FROM intent WHERE brand = ?1 AND account = ?2"
                                  " AND client_id = ?3 AND kind = 'order'";
        struct intent_get *get = get_new(sql, brand, account, done, cookie);

        if (!text_copy(get->key, sizeof get->key, client_id))
                get->op.rc = E_NOT_FOUND;
        store_op_submit(store, &get->op);
}

void store_intent_by_cloid(struct store *store, const char *brand, const struct addr *account,
                           const struct cloid *cloid, store_intent_fn *done, void *cookie)
{
        static const char sql[] =
                "SELECT id FROM intent WHERE brand = ?1 AND account = ?2 AND id = ?3"
                " UNION SELECT intent FROM intent_order"
                " WHERE brand = ?1 AND account = ?2 AND cloid = ?3";
        struct intent_get *get = get_new(sql, brand, account, done, cookie);

        get->cloid = *cloid;
        get->by_cloid = true;
        store_op_submit(store, &get->op);
}

/* --- those not final, page by page --- */

struct intent_cursor { /* the last one read */
        int64_t created_at;
        char brand[STORE_BRAND_MAX];
        struct cloid id;
};

struct intent_open {
        struct store_op op;
        struct intent_cursor after;
        unsigned n;
        struct store_intent page[OPEN_PAGE];
        store_intent_fn *each;
        store_done *done;
        void *cookie;
};

static enum errc open_ids(struct intent_open *open, struct db *db)
{
        static const char sql[] = "SELECT created_at, brand, id FROM intent"
                                  " WHERE state IN ('reserved', 'sent', 'unknown')"
                                  " AND (created_at, brand, id) > (?1, ?2, ?3)"
                                  " ORDER BY created_at, brand, id LIMIT ?4";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_int(q, 1, open->after.created_at);
        db_bind_text(q, 2, open->after.brand);
        db_bind_bytes(q, 3, open->after.id.b, sizeof open->after.id.b);
        db_bind_int(q, 4, OPEN_PAGE);
        for (rc = db_step(db, q); !rc; rc = db_step(db, q)) {
                struct store_intent *in = &open->page[open->n];

                must(open->n < OPEN_PAGE);
                in->created_at = db_get_int(q, 0);
                if (db_get_text(db, q, 1, in->brand, sizeof in->brand) ||
                    db_get_bytes(db, q, 2, in->id.b, sizeof in->id.b)) {
                        db_reset(q);
                        return E_STORE_DOWN;
                }
                open->n++;
        }
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc open_exec(struct store_op *op, struct db *db)
{
        struct intent_open *open = (struct intent_open *)(void *)op;
        enum errc rc = open_ids(open, db);

        for (unsigned i = 0; !rc && i < open->n; i++)
                rc = store_intent_rows_load(db, &open->page[i]);
        return rc;
}

static void open_submit(struct store *store, const struct intent_cursor *after,
                        store_intent_fn *each, store_done *done, void *cookie);

static void open_finish(struct store_op *op)
{
        struct intent_open *open = (struct intent_open *)(void *)op;

        for (unsigned i = 0; i < open->n; i++) {
                if (!op->rc)
                        open->each(open->cookie, E_OK, &open->page[i]);
                store_intent_rows_fini(&open->page[i]);
        }
        if (op->rc || open->n < OPEN_PAGE) {
                open->done(open->cookie, op->rc);
                return;
        }
        const struct store_intent *last = &open->page[open->n - 1];
        struct intent_cursor after = {.created_at = last->created_at, .id = last->id};
        must(text_copy(after.brand, sizeof after.brand, last->brand));
        open_submit(op->store, &after, open->each, open->done, open->cookie);
}

static void open_submit(struct store *store, const struct intent_cursor *after,
                        store_intent_fn *each, store_done *done, void *cookie)
{
        struct intent_open *open = xcalloc(1, sizeof *open);

        open->after = *after;
        open->each = each;
        open->done = done;
        open->cookie = cookie;
        open->op.exec = open_exec;
        open->op.finish = open_finish;
        store_op_submit(store, &open->op);
}

void store_intent_open(struct store *store, store_intent_fn *each, store_done *done, void *cookie)
{
        struct intent_cursor start = {.created_at = INT64_MIN};

        open_submit(store, &start, each, done, cookie);
}
