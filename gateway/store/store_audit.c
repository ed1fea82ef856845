/* The chain: migrations/001_initial.sql says what is hashed. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_op.h"

struct audit_op {
        struct store_op_write write;
        char brand[STORE_BRAND_MAX];
        char *actor, *action, *detail; /* owned */
        int64_t at;
};

static void hash_u64(crypto_generichash_state *state, uint64_t v)
{
        uint8_t be[8];

        for (int i = 0; i < 8; i++)
                be[i] = (uint8_t)(v >> (56 - 8 * i));
        crypto_generichash_update(state, be, sizeof be);
}

static void hash_text(crypto_generichash_state *state, const char *text)
{
        size_t len = strlen(text);

        hash_u64(state, len);
        crypto_generichash_update(state, (const unsigned char *)text, len);
}

static void hash_entry(struct hash32 *out, const struct audit_op *audit, int64_t seq,
                       const struct hash32 *prev)
{
        crypto_generichash_state state;

        crypto_generichash_init(&state, NULL, 0, sizeof out->b);
        crypto_generichash_update(&state, prev->b, sizeof prev->b);
        hash_text(&state, audit->brand);
        hash_u64(&state, (uint64_t)seq);
        hash_u64(&state, (uint64_t)audit->at);
        hash_text(&state, audit->actor);
        hash_text(&state, audit->action);
        hash_text(&state, audit->detail);
        crypto_generichash_final(&state, out->b, sizeof out->b);
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

static enum errc audit_exec(struct store_op *op, struct db *db)
{
        const struct audit_op *audit = (const struct audit_op *)(const void *)op;
        struct hash32 prev = {{0}}, hash;
        int64_t seq = 0;
        enum errc rc = read_last(db, audit->brand, &seq, &prev);

        if (rc)
                return rc;
        hash_entry(&hash, audit, seq + 1, &prev);
        sqlite3_stmt *q = db_query(
                db, "INSERT INTO audit (brand, seq, at, actor, action, detail, prev_hash, hash)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        db_bind_text(q, 1, audit->brand);
        db_bind_int(q, 2, seq + 1);
        db_bind_int(q, 3, audit->at);
        db_bind_text(q, 4, audit->actor);
        db_bind_text(q, 5, audit->action);
        db_bind_text(q, 6, audit->detail);
        db_bind_bytes(q, 7, prev.b, sizeof prev.b);
        db_bind_bytes(q, 8, hash.b, sizeof hash.b);
        return db_run(db, q);
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
