#include <string.h>

#include "base/mem.h"
#include "store/store_op.h"

struct account_op {
        struct store_op_write write; /* put */
        struct store_account account;
        int64_t now;
        store_account_fn *found; /* get */
};

static enum errc put_account(struct db *db, const struct store_account *a)
{
        static const char sql[] =
                "INSERT INTO account (brand, address, terms_version, terms_at, created_at,"
                " builder_nonce, builder_fee_tenth_bp) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                " ON CONFLICT (brand, address) DO UPDATE SET"
                " terms_version = excluded.terms_version, terms_at = excluded.terms_at,"
                " builder_nonce = excluded.builder_nonce,"
                " builder_fee_tenth_bp = excluded.builder_fee_tenth_bp";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_text(q, 1, a->brand);
        db_bind_bytes(q, 2, a->address.b, sizeof a->address.b);
        db_bind_text(q, 3, a->terms_version);
        db_bind_int(q, 4, a->terms_at);
        db_bind_int(q, 5, a->created_at);
        if (db_bind_u64(q, 6, a->builder_nonce))
                return E_RANGE;
        db_bind_int(q, 7, a->builder_fee_tenth_bp);
        return db_run(db, q);
}

static enum errc retire_other_agent(struct db *db, const struct store_account *a, int64_t now)
{
        static const char sql[] =
                "UPDATE agent SET retired_at = ?4, sealed = NULL"
                " WHERE brand = ?1 AND account = ?2 AND retired_at IS NULL AND agent <> ?3";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_text(q, 1, a->brand);
        db_bind_bytes(q, 2, a->address.b, sizeof a->address.b);
        db_bind_bytes(q, 3, a->agent.b, a->has_agent ? sizeof a->agent.b : 0);
        db_bind_int(q, 4, now);
        return db_run(db, q);
}

static enum errc put_agent(struct db *db, const struct store_account *a, int64_t now)
{
        static const char sql[] =
                "INSERT INTO agent (agent, brand, account, name, sealed, approved, valid_until,"
                " nonce, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                " ON CONFLICT (agent) DO UPDATE SET name = excluded.name,"
                " sealed = excluded.sealed, approved = excluded.approved,"
                " valid_until = excluded.valid_until, nonce = excluded.nonce"
                " WHERE agent.brand = excluded.brand AND agent.account = excluded.account"
                " AND agent.retired_at IS NULL";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_bytes(q, 1, a->agent.b, sizeof a->agent.b);
        db_bind_text(q, 2, a->brand);
        db_bind_bytes(q, 3, a->address.b, sizeof a->address.b);
        db_bind_text(q, 4, a->agent_name);
        db_bind_bytes(q, 5, a->agent_sealed, a->agent_sealed_len);
        db_bind_int(q, 6, a->agent_approved);
        db_bind_int(q, 7, a->agent_valid_until);
        if (db_bind_u64(q, 8, a->agent_nonce))
                return E_RANGE;
        db_bind_int(q, 9, now);
        rc = db_run(db, q);
        /* No row touched: the address is in the history, retired or another account's. */
        if (!rc && db_changes(db) == 0)
                rc = E_EXISTS;
        return rc;
}

static enum errc put_exec(struct store_op *op, struct db *db)
{
        const struct account_op *put = (const struct account_op *)(const void *)op;
        const struct store_account *a = &put->account;
        enum errc rc;

        rc = put_account(db, a);
        if (!rc)
                rc = retire_other_agent(db, a, put->now);
        if (!rc && a->has_agent)
                rc = put_agent(db, a, put->now);
        return rc;
}

void store_account_put(struct store *store, const struct store_account *account, store_done *done,
                       void *cookie)
{
        struct account_op *op = xcalloc(1, sizeof *op);

        op->account = *account;
        if (account->has_agent && account->agent_sealed_len > sizeof account->agent_sealed)
                op->write.op.rc = E_INVALID;
        op->now = clock_wall_ms(loop_clock(store_loop(store)));
        op->write.done = done;
        op->write.cookie = cookie;
        op->write.op.writes = true;
        op->write.op.exec = put_exec;
        op->write.op.finish = store_op_finish_write;
        store_op_submit(store, &op->write.op);
}

static enum errc read_agent(struct db *db, sqlite3_stmt *q, struct store_account *a)
{
        enum errc rc;

        if (sqlite3_column_type(q, 5) == SQLITE_NULL)
                return E_OK;
        a->has_agent = true;
        rc = db_get_bytes(db, q, 5, a->agent.b, sizeof a->agent.b);
        if (!rc)
                rc = db_get_text(db, q, 6, a->agent_name, sizeof a->agent_name);
        a->agent_sealed_len = (size_t)sqlite3_column_bytes(q, 7);
        if (!rc && a->agent_sealed_len > sizeof a->agent_sealed)
                rc = E_STORE_DOWN;
        if (!rc && a->agent_sealed_len > 0)
                rc = db_get_bytes(db, q, 7, a->agent_sealed, a->agent_sealed_len);
        a->agent_approved = db_get_int(q, 8) != 0;
        a->agent_valid_until = db_get_int(q, 9);
        a->agent_nonce = db_get_u64(q, 10);
        return rc;
}

static enum errc get_exec(struct store_op *op, struct db *db)
{
        static const char sql[] =
                "SELECT a.terms_version, a.terms_at, a.created_at, a.builder_nonce,"
                " a.builder_fee_tenth_bp, g.agent, g.name, g.sealed, g.approved, g.valid_until,"
                " g.nonce FROM account a LEFT JOIN agent g"
                " ON g.brand = a.brand AND g.account = a.address AND g.retired_at IS NULL"
                " WHERE a.brand = ?1 AND a.address = ?2";
        struct store_account *a = &((struct account_op *)(void *)op)->account;
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_text(q, 1, a->brand);
        db_bind_bytes(q, 2, a->address.b, sizeof a->address.b);
        rc = db_step(db, q);
        if (rc)
                return rc;
        rc = db_get_text(db, q, 0, a->terms_version, sizeof a->terms_version);
        a->terms_at = db_get_int(q, 1);
        a->created_at = db_get_int(q, 2);
        a->builder_nonce = db_get_u64(q, 3);
        a->builder_fee_tenth_bp = (unsigned)db_get_u64(q, 4);
        if (!rc)
                rc = read_agent(db, q, a);
        db_reset(q);
        return rc;
}

static void get_finish(struct store_op *op)
{
        struct account_op *get = (struct account_op *)(void *)op;

        get->found(get->write.cookie, op->rc, op->rc ? NULL : &get->account);
}

void store_account_get(struct store *store, const char *brand, const struct addr *address,
                       store_account_fn *done, void *cookie)
{
        struct account_op *op = xcalloc(1, sizeof *op);

        if (!text_copy(op->account.brand, sizeof op->account.brand, brand))
                op->write.op.rc = E_NOT_FOUND; /* no brand has so long a name */
        op->account.address = *address;
        op->found = done;
        op->write.cookie = cookie;
        op->write.op.exec = get_exec;
        op->write.op.finish = get_finish;
        store_op_submit(store, &op->write.op);
}
