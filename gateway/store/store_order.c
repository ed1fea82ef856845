/* What the journal knows of orders: by their names, and whose they are. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_intent_names.h"
#include "store/store_intent_parts.h"
#include "store/store_op.h"

#define LATELY 20000 /* intents looked through for accounts */

/* --- by their names --- */

struct order_op {
        struct store_op op;
        char brand[STORE_BRAND_MAX];
        struct addr account;
        size_t n;
        struct cloid *cloid;       /* owned */
        struct store_order *order; /* owned */
        struct store_intent intent;
        store_order_fn *done;
        void *cookie;
};

static enum errc load(struct order_op *look, struct db *db, const struct cloid *cloid,
                      struct store_order *out)
{
        static const char sql[] = "SELECT client_id, orders FROM intent WHERE number = ?1";
        struct store_intent *in = &look->intent;
        sqlite3_stmt *q;
        int64_t number;
        enum errc rc;

        if (out->is_known)
                return E_OK; /* to the reserve */
        rc = store_intent_names_by_cloid(db, look->brand, &look->account, cloid, &number);
        if (rc)
                return rc == E_NOT_FOUND ? E_OK : rc;
        q = db_query(db, sql);
        db_bind_int(q, 1, number);
        rc = db_step(db, q);
        if (rc)
                return rc == E_NOT_FOUND ? E_STORE_DOWN : rc;
        rc = db_get_text(db, q, 0, out->client_id, sizeof out->client_id);
        if (!rc)
                rc = store_intent_parts_orders(in, sqlite3_column_blob(q, 1),
                                               (size_t)sqlite3_column_bytes(q, 1));
        db_reset(q);
        for (unsigned i = 0; !rc && i < in->n_orders; i++) {
                if (!hex_cloid_equal(&in->order[i].cloid, cloid))
                        continue;
                out->is_known = true;
                out->first = in->order[0].cloid;
                (void)text_copy(out->role, sizeof out->role, in->order[i].role);
        }
        return rc;
}

static enum errc lookup_exec(struct store_op *op, struct db *db)
{
        struct order_op *look = (struct order_op *)(void *)op;
        enum errc rc = E_OK;

        for (size_t i = 0; !rc && i < look->n; i++)
                rc = load(look, db, &look->cloid[i], &look->order[i]);
        return rc;
}

static void lookup_finish(struct store_op *op)
{
        struct order_op *look = (struct order_op *)(void *)op;

        look->done(look->cookie, op->rc, op->rc ? NULL : look->order, op->rc ? 0 : look->n);
        free(look->cloid);
        free(look->order);
}

void store_order_lookup(struct store *store, const char *brand, const struct addr *account,
                        const struct cloid *cloids, size_t n, store_order_fn *done, void *cookie)
{
        struct order_op *look = xcalloc(1, sizeof *look);

        if (!text_copy(look->brand, sizeof look->brand, brand))
                look->op.rc = E_NOT_FOUND;
        look->account = *account;
        look->n = n;
        look->cloid = xcalloc(n + 1, sizeof *look->cloid);
        if (n)
                memcpy(look->cloid, cloids, n * sizeof *cloids);
        look->order = xcalloc(n + 1, sizeof *look->order);
        look->done = done;
        look->cookie = cookie;
        look->op.exec = lookup_exec;
        look->op.reads_reserve = look->op.reads_both = true;
        look->op.finish = lookup_finish;
        store_op_submit(store, &look->op);
}

/* --- whose they are --- */

struct owners_op {
        struct store_op op;
        size_t n, cap;
        struct store_owner *owner; /* owned */
        store_owner_fn *each;
        store_done *done;
        void *cookie;
};

static enum errc owners_exec(struct store_op *op, struct db *db)
{
        /* Numbers grow with time: the latest lie together at the end. */
        static const char sql[] =
                "SELECT DISTINCT brand, account, coalesce(master, account) FROM intent WHERE "
                "number > ?1"
                " + (SELECT coalesce(max(number), 0) FROM intent) AND length(orders) > 0";
        struct owners_op *owners = (struct owners_op *)(void *)op;
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_int(q, 1, -LATELY);
        for (rc = db_step(db, q); !rc; rc = db_step(db, q)) {
                struct store_owner *owner;

                if (owners->n == owners->cap) {
                        owners->cap = owners->cap ? owners->cap * 2 : 16;
                        owners->owner =
                                xrealloc(owners->owner, owners->cap * sizeof *owners->owner);
                }
                owner = &owners->owner[owners->n];
                *owner = (struct store_owner){.brand = ""};
                rc = db_get_text(db, q, 0, owner->brand, sizeof owner->brand);
                if (!rc)
                        rc = db_get_bytes(db, q, 1, owner->account.b, sizeof owner->account.b);
                if (!rc)
                        rc = db_get_bytes(db, q, 2, owner->wallet.b, sizeof owner->wallet.b);
                if (rc)
                        break;
                owners->n++;
        }
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static void owners_finish(struct store_op *op)
{
        struct owners_op *owners = (struct owners_op *)(void *)op;

        for (size_t i = 0; !op->rc && i < owners->n; i++)
                owners->each(owners->cookie, &owners->owner[i]);
        owners->done(owners->cookie, op->rc);
        free(owners->owner);
}

void store_order_owners(struct store *store, store_owner_fn *each, store_done *done, void *cookie)
{
        struct owners_op *owners = xcalloc(1, sizeof *owners);

        owners->each = each;
        owners->done = done;
        owners->cookie = cookie;
        owners->op.exec = owners_exec;
        owners->op.finish = owners_finish;
        store_op_submit(store, &owners->op);
}
