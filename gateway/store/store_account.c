#include <string.h>

#include "base/mem.h"
#include "store/store_audit_acts.h"
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
                " builder_nonce, builder_fee_tenth_bp, builder)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                " ON CONFLICT (brand, address) DO UPDATE SET"
                " terms_version = excluded.terms_version, terms_at = excluded.terms_at,"
                " builder_nonce = excluded.builder_nonce,"
                " builder_fee_tenth_bp = excluded.builder_fee_tenth_bp, builder = excluded.builder";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_text(q, 1, a->brand);
        db_bind_bytes(q, 2, a->address.b, sizeof a->address.b);
        db_bind_text(q, 3, a->terms_version);
        db_bind_int(q, 4, a->terms_at);
        db_bind_int(q, 5, a->created_at);
        if (db_bind_u64(q, 6, a->builder_nonce))
                return E_RANGE;
        db_bind_int(q, 7, a->builder_fee_tenth_bp);
        db_bind_bytes(q, 8, a->builder.b, sizeof a->builder.b);
        return db_run(db, q);
}

static enum errc retire_other_agent(struct db *db, const struct store_account *a, int64_t now)
{
        static const char sql[] =
                "UPDATE agent SET retired_at = ?4, sealed = NULL"
                " WHERE brand = ?1 AND account = ?2 AND retired_at IS NULL AND agent <> ?3"
                " AND agent <> ?5";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_text(q, 1, a->brand);
        db_bind_bytes(q, 2, a->address.b, sizeof a->address.b);
        db_bind_bytes(q, 3, a->agent.b, a->has_agent ? sizeof a->agent.b : 0);
        db_bind_int(q, 4, now);
        db_bind_bytes(q, 5, a->next.address.b, a->has_next ? sizeof a->next.address.b : 0);
        return db_run(db, q);
}

static enum errc put_agent(struct db *db, const struct store_account *a,
                           const struct store_agent *agent, bool approved, bool is_next,
                           int64_t now)
{
        static const char sql[] =
                "INSERT INTO agent (agent, brand, account, name, sealed, approved, valid_until,"
                " nonce, created_at, is_next) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                " ON CONFLICT (agent) DO UPDATE SET name = excluded.name,"
                " sealed = excluded.sealed, approved = excluded.approved,"
                " valid_until = excluded.valid_until, nonce = excluded.nonce,"
                " is_next = excluded.is_next"
                " WHERE agent.brand = excluded.brand AND agent.account = excluded.account"
                " AND agent.retired_at IS NULL";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_bytes(q, 1, agent->address.b, sizeof agent->address.b);
        db_bind_text(q, 2, a->brand);
        db_bind_bytes(q, 3, a->address.b, sizeof a->address.b);
        db_bind_text(q, 4, agent->name);
        db_bind_bytes(q, 5, agent->sealed, agent->sealed_len);
        db_bind_int(q, 6, approved);
        db_bind_int(q, 7, agent->valid_until);
        if (db_bind_u64(q, 8, agent->nonce))
                return E_RANGE;
        db_bind_int(q, 9, now);
        db_bind_int(q, 10, is_next);
        rc = db_run(db, q);
        /* No row touched: the address is in the history, retired or another account's. */
        if (!rc && db_changes(db) == 0)
                rc = E_EXISTS;
        return rc;
}

static enum errc put_current(struct db *db, const struct store_account *a, int64_t now)
{
        struct store_agent agent = {.address = a->agent,
                                    .sealed_len = a->agent_sealed_len,
                                    .valid_until = a->agent_valid_until,
                                    .nonce = a->agent_nonce};

        memcpy(agent.name, a->agent_name, sizeof agent.name);
        memcpy(agent.sealed, a->agent_sealed, sizeof agent.sealed);
        return put_agent(db, a, &agent, a->agent_approved, false, now);
}

/* What the wallet is asked to sign has nonces of its own, beside those of intents. */
static enum errc raise_nonce(struct db *db, const struct store_account *a)
{
        uint64_t highest = a->builder_nonce;

        if (a->agent_nonce > highest)
                highest = a->agent_nonce;
        if (a->has_next && a->next.nonce > highest)
                highest = a->next.nonce;
        return highest ? store_nonce_raise(db, &a->address, highest) : E_OK;
}

static enum errc read_account(struct db *db, struct store_account *a);

/* What it was, so that the audit log tells what has changed; zeroed where it is new. */
static enum errc read_before(struct db *db, const struct store_account *a,
                             struct store_account *before)
{
        enum errc rc;

        *before = (struct store_account){.address = a->address};
        memcpy(before->brand, a->brand, sizeof before->brand);
        rc = read_account(db, before);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc put_exec(struct store_op *op, struct db *db)
{
        const struct account_op *put = (const struct account_op *)(const void *)op;
        const struct store_account *a = &put->account;
        struct store_account before;
        enum errc rc;

        rc = read_before(db, a, &before);
        if (!rc)
                rc = put_account(db, a);
        if (!rc)
                rc = retire_other_agent(db, a, put->now);
        if (!rc && a->has_agent)
                rc = put_current(db, a, put->now);
        if (!rc && a->has_next)
                rc = put_agent(db, a, &a->next, false, true, put->now);
        if (!rc)
                rc = raise_nonce(db, a);
        if (!rc)
                rc = store_audit_acts_account(db, &before, a, put->now);
        return rc;
}

void store_account_put(struct store *store, const struct store_account *account, store_done *done,
                       void *cookie)
{
        struct account_op *op = xcalloc(1, sizeof *op);

        op->account = *account;
        if ((account->has_agent && account->agent_sealed_len > sizeof account->agent_sealed) ||
            (account->has_next && account->next.sealed_len > sizeof account->next.sealed))
                op->write.op.rc = E_INVALID;
        op->now = clock_wall_ms(loop_clock(store_loop(store)));
        op->write.done = done;
        op->write.cookie = cookie;
        op->write.op.writes = true;
        op->write.op.exec = put_exec;
        op->write.op.finish = store_op_finish_write;
        store_op_submit(store, &op->write.op);
}

/* An agent's columns from i on: address, name, sealed key, valid until, nonce. */
static enum errc read_agent(struct db *db, sqlite3_stmt *q, int i, bool *has,
                            struct store_agent *agent)
{
        enum errc rc;

        *has = sqlite3_column_type(q, i) != SQLITE_NULL;
        if (!*has)
                return E_OK;
        rc = db_get_bytes(db, q, i, agent->address.b, sizeof agent->address.b);
        if (!rc)
                rc = db_get_text(db, q, i + 1, agent->name, sizeof agent->name);
        agent->sealed_len = (size_t)sqlite3_column_bytes(q, i + 2);
        if (!rc && agent->sealed_len > sizeof agent->sealed)
                rc = E_STORE_DOWN;
        if (!rc && agent->sealed_len > 0)
                rc = db_get_bytes(db, q, i + 2, agent->sealed, agent->sealed_len);
        agent->valid_until = db_get_int(q, i + 3);
        agent->nonce = db_get_u64(q, i + 4);
        return rc;
}

static enum errc read_current(struct db *db, sqlite3_stmt *q, struct store_account *a)
{
        struct store_agent agent = {.nonce = 0};
        enum errc rc = read_agent(db, q, 5, &a->has_agent, &agent);

        a->agent = agent.address;
        memcpy(a->agent_name, agent.name, sizeof a->agent_name);
        memcpy(a->agent_sealed, agent.sealed, sizeof a->agent_sealed);
        a->agent_sealed_len = agent.sealed_len;
        a->agent_valid_until = agent.valid_until;
        a->agent_nonce = agent.nonce;
        a->agent_approved = a->has_agent && db_get_int(q, 10) != 0;
        return rc;
}

static enum errc read_account(struct db *db, struct store_account *a)
{
        static const char sql[] =
                "SELECT a.terms_version, a.terms_at, a.created_at, a.builder_nonce,"
                " a.builder_fee_tenth_bp, g.agent, g.name, g.sealed, g.valid_until, g.nonce,"
                " g.approved, n.agent, n.name, n.sealed, n.valid_until, n.nonce, a.builder"
                " FROM account a LEFT JOIN agent g ON g.brand = a.brand AND g.account = a.address"
                " AND g.retired_at IS NULL AND g.is_next = 0"
                " LEFT JOIN agent n ON n.brand = a.brand AND n.account = a.address"
                " AND n.retired_at IS NULL AND n.is_next = 1"
                " WHERE a.brand = ?1 AND a.address = ?2";
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
                rc = read_current(db, q, a);
        if (!rc)
                rc = read_agent(db, q, 11, &a->has_next, &a->next);
        if (!rc && sqlite3_column_type(q, 16) != SQLITE_NULL)
                rc = db_get_bytes(db, q, 16, a->builder.b, sizeof a->builder.b);
        db_reset(q);
        return rc;
}

static enum errc get_exec(struct store_op *op, struct db *db)
{
        return read_account(db, &((struct account_op *)(void *)op)->account);
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
