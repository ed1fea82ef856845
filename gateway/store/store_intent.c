#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_intent_names.h"
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

/* What opens risk waits for the database. */
static enum errc insert_reserve(struct store_op *op, struct db *reserve, struct db *main)
{
        const struct store_intent *in = &((struct intent_write *)(void *)op)->intent;
        enum errc rc;

        if (!in->reduces_risk)
                return E_STORE_DOWN;
        rc = store_intent_names_free(main, in);
        return rc ? rc : store_intent_rows_insert(reserve, in);
}

/* The outcome of whatever is under way: of an intent of the database the reserve keeps the whole record. */
static enum errc update_reserve(struct store_op *op, struct db *reserve, struct db *main)
{
        const struct store_intent *in = &((struct intent_write *)(void *)op)->intent;
        enum errc rc = store_intent_rows_update(reserve, in);
        int64_t number;

        if (rc != E_NOT_FOUND)
                return rc;
        rc = store_intent_names_by_cloid(main, in->brand, &in->account, &in->id, &number);
        return rc ? rc : store_intent_rows_insert(reserve, in);
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

static enum errc copy_letters(struct store_intent *out, const struct store_intent *in)
{
        if (!in->letters)
                return E_OK;
        if (in->letters_len > STORE_BLOB_MAX)
                return E_TOO_LARGE;
        void *copy = xmalloc(in->letters_len + 1);
        memcpy(copy, in->letters, in->letters_len);
        out->letters = copy;
        return E_OK;
}

static void write_intent(struct store *store, const struct store_intent *intent,
                         enum errc (*exec)(struct store_op *, struct db *),
                         enum errc (*exec_reserve)(struct store_op *, struct db *, struct db *),
                         store_done *done, void *cookie)
{
        struct intent_write *op = xcalloc(1, sizeof *op);
        struct store_op *base = &op->write.op;

        must(intent->n_steps <= INTENT_STEPS_MAX && intent->n_orders <= INTENT_ORDERS_MAX);
        op->intent = *intent;
        op->intent.request = NULL;
        op->intent.answer = NULL;
        op->intent.letters = NULL;
        base->rc = copy_blob(&op->intent.request, intent->request);
        if (!base->rc)
                base->rc = copy_blob(&op->intent.answer, intent->answer);
        if (!base->rc)
                base->rc = copy_letters(&op->intent, intent);
        op->write.done = done;
        op->write.cookie = cookie;
        base->writes = true;
        base->exec = exec;
        base->exec_reserve = exec_reserve;
        base->finish = write_finish;
        store_op_submit(store, base);
}

void store_intent_insert(struct store *store, const struct store_intent *intent, store_done *done,
                         void *cookie)
{
        write_intent(store, intent, insert_exec, insert_reserve, done, cookie);
}

void store_intent_update(struct store *store, const struct store_intent *intent, store_done *done,
                         void *cookie)
{
        write_intent(store, intent, update_exec, update_reserve, done, cookie);
}

/* --- lookups --- */

struct intent_get {
        struct store_op op;
        char brand[STORE_BRAND_MAX];
        struct addr account;
        bool by_cloid;
        struct cloid cloid;
        int64_t now; /* by a key that is not a day old then; 0: whenever it was used */
        enum store_intent_name_kind kind;
        char name[128]; /* client id or idempotency key */
        struct store_intent intent;
        store_intent_fn *done;
        void *cookie;
};

/* Older programs kept the gateway's own keys among the traders'. */
static enum errc number_by_key(struct intent_get *get, struct db *db, int64_t *number)
{
        enum errc rc;

        if (get->now)
                return store_intent_names_by_live_key(db, get->brand, &get->account, get->name,
                                                      get->now, number);
        rc = store_intent_names_by_name(db, get->brand, &get->account, NAME_OWN_KEY, get->name,
                                        number);
        return rc != E_NOT_FOUND ? rc
                                 : store_intent_names_by_name(db, get->brand, &get->account,
                                                              NAME_KEY, get->name, number);
}

static enum errc get_exec(struct store_op *op, struct db *db)
{
        struct intent_get *get = (struct intent_get *)(void *)op;
        int64_t number;
        enum errc rc;

        if (get->by_cloid)
                rc = store_intent_names_by_cloid(db, get->brand, &get->account, &get->cloid,
                                                 &number);
        else if (get->kind == NAME_KEY)
                rc = number_by_key(get, db, &number);
        else
                rc = store_intent_names_by_name(db, get->brand, &get->account, get->kind, get->name,
                                                &number);
        return rc ? rc : store_intent_rows_load(db, number, &get->intent);
}

static void get_finish(struct store_op *op)
{
        struct intent_get *get = (struct intent_get *)(void *)op;

        get->done(get->cookie, op->rc, op->rc ? NULL : &get->intent);
        store_intent_rows_fini(&get->intent);
}

static struct intent_get *get_new(const char *brand, const struct addr *account,
                                  store_intent_fn *done, void *cookie)
{
        struct intent_get *get = xcalloc(1, sizeof *get);

        if (!text_copy(get->brand, sizeof get->brand, brand))
                get->op.rc = E_NOT_FOUND; /* what does not fit was never stored */
        get->account = *account;
        get->done = done;
        get->cookie = cookie;
        get->op.exec = get_exec;
        get->op.reads_reserve = true;
        get->op.finish = get_finish;
        return get;
}

static void get_by_name(struct store *store, struct intent_get *get,
                        enum store_intent_name_kind kind, const char *name)
{
        get->kind = kind;
        if (!text_copy(get->name, sizeof get->name, name))
                get->op.rc = E_NOT_FOUND;
        store_op_submit(store, &get->op);
}

void store_intent_by_key(struct store *store, const char *brand, const struct addr *account,
                         const char *idempotency_key, store_intent_fn *done, void *cookie)
{
        get_by_name(store, get_new(brand, account, done, cookie), NAME_KEY, idempotency_key);
}

void store_intent_by_live_key(struct store *store, const char *brand, const struct addr *account,
                              const char *idempotency_key, int64_t now, store_intent_fn *done,
                              void *cookie)
{
        struct intent_get *get = get_new(brand, account, done, cookie);

        get->now = now;
        get_by_name(store, get, NAME_KEY, idempotency_key);
}

void store_intent_by_client_id(struct store *store, const char *brand, const struct addr *account,
                               const char *client_id, store_intent_fn *done, void *cookie)
{
        get_by_name(store, get_new(brand, account, done, cookie), NAME_CLIENT, client_id);
}

void store_intent_by_cloid(struct store *store, const char *brand, const struct addr *account,
                           const struct cloid *cloid, store_intent_fn *done, void *cookie)
{
        struct intent_get *get = get_new(brand, account, done, cookie);

        get->by_cloid = true;
        get->cloid = *cloid;
        store_op_submit(store, &get->op);
}

/* --- those not final, page by page --- */

struct intent_cursor {
        int64_t created_at;
        int64_t number;
};

struct intent_open {
        struct store_op op;
        struct intent_cursor after; /* in: the last one read before; out: the last one read */
        unsigned n;
        int64_t number[OPEN_PAGE];
        struct store_intent page[OPEN_PAGE];
        store_intent_fn *each;
        store_done *done;
        void *cookie;
};

static enum errc open_numbers(struct intent_open *open, struct db *db)
{
        static const char sql[] = "SELECT created_at, number FROM intent_open"
                                  " WHERE (created_at, number) > (?1, ?2)"
                                  " ORDER BY created_at, number LIMIT ?3";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_int(q, 1, open->after.created_at);
        db_bind_int(q, 2, open->after.number);
        db_bind_int(q, 3, OPEN_PAGE);
        for (rc = db_step(db, q); !rc; rc = db_step(db, q)) {
                must(open->n < OPEN_PAGE);
                open->after.created_at = db_get_int(q, 0);
                open->after.number = db_get_int(q, 1);
                open->number[open->n++] = open->after.number;
        }
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc open_exec(struct store_op *op, struct db *db)
{
        struct intent_open *open = (struct intent_open *)(void *)op;
        enum errc rc = open_numbers(open, db);

        for (unsigned i = 0; !rc && i < open->n; i++) {
                rc = store_intent_rows_load(db, open->number[i], &open->page[i]);
                if (rc == E_NOT_FOUND)
                        rc = E_STORE_DOWN; /* the list names an intent that is not there */
        }
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
        open_submit(op->store, &open->after, open->each, open->done, open->cookie);
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
        struct intent_cursor start = {.created_at = INT64_MIN, .number = INT64_MIN};

        open_submit(store, &start, each, done, cookie);
}
