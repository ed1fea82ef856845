#include "store/store_keys.h"

#include "base/mem.h"
#include "store/store_intent_names.h"
#include "store/store_op.h"
#include "store/store_past.h"

struct tend {
        struct store_op op;
        int64_t now;
        int64_t swept;
        struct store_keys out;
        store_keys_fn *done;
        void *cookie;
};

/* A store that has intents of an older program knows all keys; a new one knows those from now on. */
static enum errc begin_watch(struct tend *t, struct db *db)
{
        sqlite3_stmt *q = db_query(db, "SELECT number FROM intent LIMIT 1");
        enum errc rc = db_step(db, q);

        if (rc && rc != E_NOT_FOUND)
                return rc;
        if (!rc)
                db_reset(q);
        t->swept = 0;
        t->out.known_since = rc ? t->now : 0;
        q = db_query(db, "INSERT INTO key_watch (id, swept, known_since, seen_at)"
                         " VALUES (1, 0, ?1, ?2)");
        db_bind_int(q, 1, t->out.known_since);
        db_bind_int(q, 2, t->now);
        return db_run(db, q);
}

static enum errc read_watch(struct tend *t, struct db *db)
{
        sqlite3_stmt *q = db_query(db, "SELECT swept, known_since, seen_at FROM key_watch");
        enum errc rc = db_step(db, q);
        int64_t seen_at;

        if (rc == E_NOT_FOUND)
                return begin_watch(t, db);
        if (rc)
                return rc;
        t->swept = db_get_int(q, 0);
        t->out.known_since = db_get_int(q, 1);
        seen_at = db_get_int(q, 2);
        db_reset(q);
        if (seen_at < t->now - STORE_KEYS_GAP_MS)
                t->out.known_since = t->now;
        return E_OK;
}

static enum errc free_old(struct tend *t, struct db *db)
{
        static const char sql[] = "SELECT number, account, brand, idempotency_key, created_at"
                                  " FROM intent WHERE number > ?1 ORDER BY number LIMIT ?2";
        sqlite3_stmt *q = db_query(db, sql);
        unsigned n = 0;
        enum errc rc;

        db_bind_int(q, 1, t->swept);
        db_bind_int(q, 2, STORE_KEYS_AT_ONCE);
        for (rc = db_step(db, q); !rc; rc = db_step(db, q)) {
                struct store_intent in;

                if (db_get_int(q, 4) > t->now - STORE_KEY_KEPT_MS) {
                        db_reset(q);
                        return E_OK; /* those that follow are younger */
                }
                rc = db_get_bytes(db, q, 1, in.account.b, sizeof in.account.b);
                if (!rc)
                        rc = db_get_text(db, q, 2, in.brand, sizeof in.brand);
                if (!rc)
                        rc = db_get_text(db, q, 3, in.idempotency_key, sizeof in.idempotency_key);
                if (!rc && in.idempotency_key[0])
                        rc = store_intent_names_free_key(db, &in, db_get_int(q, 0),
                                                         &t->out.n_freed);
                if (rc) {
                        db_reset(q);
                        return rc;
                }
                t->swept = db_get_int(q, 0);
                t->out.is_more = ++n == STORE_KEYS_AT_ONCE;
        }
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc tend_exec(struct store_op *op, struct db *db)
{
        struct tend *t = (struct tend *)(void *)op;
        sqlite3_stmt *q;
        enum errc rc;

        t->out = (struct store_keys){.n_freed = 0};
        rc = read_watch(t, db);
        if (!rc)
                rc = free_old(t, db);
        if (!rc) /* a day later there are none that count */
                rc = store_past_forget(db, t->out.known_since > t->now - STORE_KEY_KEPT_MS
                                                   ? t->out.known_since
                                                   : INT64_MIN);
        if (rc)
                return rc;
        q = db_query(db, "UPDATE key_watch SET swept = ?1, known_since = ?2, seen_at = ?3");
        db_bind_int(q, 1, t->swept);
        db_bind_int(q, 2, t->out.known_since);
        db_bind_int(q, 3, t->now);
        return db_run(db, q);
}

static void tend_finish(struct store_op *op)
{
        struct tend *t = (struct tend *)(void *)op;

        t->done(t->cookie, op->rc, op->rc ? NULL : &t->out);
}

void store_keys_tend(struct store *store, int64_t now, store_keys_fn *done, void *cookie)
{
        struct tend *t = xcalloc(1, sizeof *t);

        t->now = now;
        t->done = done;
        t->cookie = cookie;
        t->op.writes = true;
        t->op.exec = tend_exec;
        t->op.finish = tend_finish;
        store_op_submit(store, &t->op);
}
