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
        uint64_t below; /* 0: no bound */
        uint64_t highest, next;
        store_nonce_fn *done;
        void *cookie;
};

static enum errc read_number(struct nonce_op *get, struct db *db, const char *sql, uint64_t *out)
{
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_bytes(q, 1, get->signer.b, sizeof get->signer.b);
        if (db_bind_u64(q, 2, get->below))
                return E_RANGE;
        rc = db_step(db, q);
        if (rc)
                return rc == E_NOT_FOUND ? E_STORE_DOWN : rc;
        *out = db_get_u64(q, 0); /* NULL reads as 0 */
        db_reset(q);
        return E_OK;
}

/* What was reserved while a clock was far ahead is passed over: the venue never took it. Rare, so that
 * it may look at many rows. An approval's nonce is not among its signer's: its record has it. */
static enum errc read_around(struct nonce_op *get, struct db *db)
{
        static const char highest[] =
                "SELECT max(n) FROM ("
                "SELECT max(nonce) AS n FROM signer_nonce WHERE nonce < ?2 AND signer = ?1"
                " UNION ALL SELECT max(nonce) FROM agent WHERE account = ?1 AND nonce < ?2"
                " UNION ALL SELECT max(builder_nonce) FROM account"
                " WHERE address = ?1 AND builder_nonce < ?2) AS reserved";
        static const char next[] =
                "SELECT min(n) FROM ("
                "SELECT min(nonce) AS n FROM signer_nonce WHERE nonce >= ?2 AND signer = ?1"
                " UNION ALL SELECT min(nonce) FROM agent WHERE account = ?1 AND nonce >= ?2"
                " UNION ALL SELECT min(builder_nonce) FROM account"
                " WHERE address = ?1 AND builder_nonce >= ?2) AS reserved";
        enum errc rc = read_number(get, db, highest, &get->highest);

        return rc ? rc : read_number(get, db, next, &get->next);
}

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
        if (get->below && get->highest >= get->below)
                return read_around(get, db);
        return E_OK;
}

static void get_finish(struct store_op *op)
{
        struct nonce_op *get = (struct nonce_op *)(void *)op;

        get->done(get->cookie, op->rc, op->rc ? 0 : get->highest, op->rc ? 0 : get->next);
}

void store_nonce_get(struct store *store, const struct addr *signer, uint64_t below,
                     store_nonce_fn *done, void *cookie)
{
        struct nonce_op *get = xcalloc(1, sizeof *get);

        get->signer = *signer;
        get->below = below;
        get->done = done;
        get->cookie = cookie;
        get->op.exec = get_exec;
        get->op.reads_reserve = get->op.reads_both = true;
        get->op.finish = get_finish;
        store_op_submit(store, &get->op);
}
