/* Adding to the chain: migrations/001_initial.sql says what is hashed, audit_chain.c does it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/audit_chain.h"
#include "store/store_audit.h"
#include "store/store_op.h"

struct audit_op {
        struct store_op_write write;
        char brand[STORE_BRAND_MAX];
        char *actor, *action, *detail; /* owned */
        int64_t at;
};

static struct audit_text text_of(const char *s)
{
        return (struct audit_text){s, strlen(s)};
}

static enum errc read_last(struct db *db, const char *brand, int64_t *seq, struct hash32 *hash)
{
        sqlite3_stmt *q = db_query(db, "SELECT seq, hash FROM audit WHERE brand = ?1"
                                       " ORDER BY seq DESC LIMIT 1");
        enum errc rc;

        db_bind_text(q, 1, brand);
        rc = db_step(db, q);
        if (rc == E_NOT_FOUND)
                return E_OK; /* the brand's first entry */
        if (rc)
                return rc;
        *seq = db_get_int(q, 0);
        rc = db_get_bytes(db, q, 1, hash->b, sizeof hash->b);
        db_reset(q);
        return rc;
}

enum errc store_audit_add(struct db *db, const char *brand, const char *actor, const char *action,
                          const char *detail, int64_t at)
{
        struct audit_record record = {.brand = text_of(brand),
                                      .at = at,
                                      .actor = text_of(actor),
                                      .action = text_of(action),
                                      .detail = text_of(detail)};
        enum errc rc = read_last(db, brand, &record.seq, &record.prev);

        if (rc)
                return rc;
        record.seq++;
        audit_chain_hash(&record.hash, &record);
        sqlite3_stmt *q = db_query(
                db, "INSERT INTO audit (brand, seq, at, actor, action, detail, prev_hash, hash)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        db_bind_text(q, 1, brand);
        db_bind_int(q, 2, record.seq);
        db_bind_int(q, 3, at);
        db_bind_text(q, 4, actor);
        db_bind_text(q, 5, action);
        db_bind_text(q, 6, detail);
        db_bind_bytes(q, 7, record.prev.b, sizeof record.prev.b);
        db_bind_bytes(q, 8, record.hash.b, sizeof record.hash.b);
        return db_run(db, q);
}

static enum errc audit_exec(struct store_op *op, struct db *db)
{
        const struct audit_op *audit = (const struct audit_op *)(const void *)op;

        return store_audit_add(db, audit->brand, audit->actor, audit->action, audit->detail,
                               audit->at);
}

static void audit_finish(struct store_op *op)
{
        struct audit_op *audit = (struct audit_op *)(void *)op;

        store_op_finish_write(op);
        free(audit->actor);
        free(audit->action);
        free(audit->detail);
}

void store_audit(struct store *store, const char *brand, const char *actor, const char *action,
                 const char *detail, int64_t at, store_done *done, void *cookie)
{
        struct audit_op *audit = xcalloc(1, sizeof *audit);

        if (!text_copy(audit->brand, sizeof audit->brand, brand))
                audit->write.op.rc = E_INVALID;
        if (strlen(detail) > STORE_BLOB_MAX)
                audit->write.op.rc = E_TOO_LARGE;
        audit->actor = xstrdup(actor);
        audit->action = xstrdup(action);
        audit->detail = xstrdup(detail);
        audit->at = at;
        audit->write.done = done;
        audit->write.cookie = cookie;
        audit->write.op.writes = true;
        audit->write.op.exec = audit_exec;
        audit->write.op.finish = audit_finish;
        store_op_submit(store, &audit->write.op);
}

/* --- where the chains end --- */

struct heads_op {
        struct store_op op;
        struct audit_head *head; /* owned */
        size_t n;
        store_audit_heads_fn *done;
        void *cookie;
};

static enum errc heads_exec(struct store_op *op, struct db *db)
{
        /* A brand after the other, by the index: no record but the last of each is read. */
        static const char next[] = "SELECT min(brand) FROM audit WHERE brand > ?1";
        static const char last[] =
                "SELECT seq, at, hash FROM audit WHERE brand = ?1 ORDER BY seq DESC LIMIT 1";
        struct heads_op *heads = (struct heads_op *)(void *)op;
        struct audit_head head = {.seq = 0};
        enum errc rc;

        for (;;) {
                sqlite3_stmt *q = db_query(db, next);
                char brand[STORE_BRAND_MAX];

                db_bind_text(q, 1, head.brand);
                rc = db_step(db, q);
                if (rc)
                        break;
                bool is_last = sqlite3_column_type(q, 0) == SQLITE_NULL;
                rc = db_get_text(db, q, 0, brand, sizeof brand);
                db_reset(q);
                if (is_last)
                        break;
                if (rc)
                        break;
                memcpy(head.brand, brand, sizeof head.brand);
                q = db_query(db, last);
                db_bind_text(q, 1, brand);
                rc = db_step(db, q);
                if (rc)
                        break;
                head.seq = db_get_int(q, 0);
                head.at = db_get_int(q, 1);
                rc = db_get_bytes(db, q, 2, head.hash.b, sizeof head.hash.b);
                db_reset(q);
                if (rc)
                        break;
                heads->head = xrealloc(heads->head, (heads->n + 1) * sizeof *heads->head);
                heads->head[heads->n++] = head;
        }
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static void heads_finish(struct store_op *op)
{
        struct heads_op *heads = (struct heads_op *)(void *)op;

        heads->done(heads->cookie, op->rc, heads->head, op->rc ? 0 : heads->n);
        free(heads->head);
}

void store_audit_heads(struct store *store, store_audit_heads_fn *done, void *cookie)
{
        struct heads_op *heads = xcalloc(1, sizeof *heads);

        _Static_assert(sizeof((struct audit_head){0}.brand) == STORE_BRAND_MAX, "a brand fits");
        heads->done = done;
        heads->cookie = cookie;
        heads->op.exec = heads_exec;
        heads->op.finish = heads_finish;
        store_op_submit(store, &heads->op);
}
