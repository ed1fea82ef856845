#include "base/mem.h"
#include "store/store_op.h"

enum errc store_nonce_raise(struct db *db, const struct addr *signer, uint64_t nonce)
{
        static const char sql[] = "INSERT INTO signer_highest (signer, nonce) VALUES (?1, ?2)"
                                  " ON CONFLICT (signer) DO UPDATE SET nonce = excluded.nonce"
                                  " WHERE excluded.nonce > signer_highest.nonce";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_bytes(q, 1, signer->b, sizeof signer->b);
        if (db_bind_u64(q, 2, nonce))
                return E_RANGE;
        return db_run(db, q);
}

struct nonce_op {
        struct store_op op;
        struct addr signer;
        uint64_t highest;
        store_nonce_fn *done;
        void *cookie;
};

static enum errc get_exec(struct store_op *op, struct db *db)
{
        struct nonce_op *get = (struct nonce_op *)(void *)op;
        sqlite3_stmt *q = db_query(db, "SELECT nonce FROM signer_highest WHERE signer = ?1");
        enum errc rc;

        db_bind_bytes(q, 1, get->signer.b, sizeof get->signer.b);
        rc = db_step(db, q);
        if (rc == E_NOT_FOUND)
                return E_OK;
        if (rc)
                return rc;
        if (db_get_u64(q, 0) > get->highest)
                get->highest = db_get_u64(q, 0);
        db_reset(q);
        return E_OK;
}

static void get_finish(struct store_op *op)
{
        struct nonce_op *get = (struct nonce_op *)(void *)op;

        get->done(get->cookie, op->rc, op->rc ? 0 : get->highest);
}

void store_nonce_get(struct store *store, const struct addr *signer, store_nonce_fn *done,
                     void *cookie)
{
        struct nonce_op *get = xcalloc(1, sizeof *get);

        get->signer = *signer;
        get->done = done;
        get->cookie = cookie;
        get->op.exec = get_exec;
        get->op.reads_reserve = get->op.reads_both = true;
        get->op.finish = get_finish;
        store_op_submit(store, &get->op);
}
