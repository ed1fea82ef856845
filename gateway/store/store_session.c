#include <string.h>

#include "base/mem.h"
#include "store/store_audit_acts.h"
#include "store/store_op.h"

#define HASH_BYTES 32

struct session_op {
        struct store_op_write write; /* put, delete */
        struct store_session session;
        store_session_fn *found; /* get */
        int64_t now;             /* delete */
};

static enum errc put_exec(struct store_op *op, struct db *db)
{
        const struct store_session *s = &((struct session_op *)(void *)op)->session;
        sqlite3_stmt *q;
        enum errc rc;

        /* A few expired ones go with each new one, so that the table does not outgrow the living. */
        q = db_query(db, "DELETE FROM session WHERE token_hash IN"
                         " (SELECT token_hash FROM session WHERE expires_at < ?1 LIMIT 16)");
        db_bind_int(q, 1, s->created_at);
        rc = db_run(db, q);
        if (rc)
                return rc;
        q = db_query(db, "INSERT INTO session (token_hash, brand, address, created_at, expires_at)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)");
        db_bind_bytes(q, 1, s->token_hash, HASH_BYTES);
        db_bind_text(q, 2, s->brand);
        db_bind_bytes(q, 3, s->address.b, sizeof s->address.b);
        db_bind_int(q, 4, s->created_at);
        db_bind_int(q, 5, s->expires_at);
        rc = db_run(db, q);
        return rc ? rc : store_audit_acts_session(db, "session_began", s, s->created_at);
}

void store_session_put(struct store *store, const struct store_session *session, store_done *done,
                       void *cookie)
{
        struct session_op *op = xcalloc(1, sizeof *op);

        op->session = *session;
        op->write.done = done;
        op->write.cookie = cookie;
        op->write.op.writes = true;
        op->write.op.exec = put_exec;
        op->write.op.finish = store_op_finish_write;
        store_op_submit(store, &op->write.op);
}

static enum errc read_session(struct db *db, struct store_session *s)
{
        sqlite3_stmt *q;
        enum errc rc;

        q = db_query(db, "SELECT brand, address, created_at, expires_at FROM session"
                         " WHERE token_hash = ?1");
        db_bind_bytes(q, 1, s->token_hash, HASH_BYTES);
        rc = db_step(db, q);
        if (rc)
                return rc;
        rc = db_get_text(db, q, 0, s->brand, sizeof s->brand);
        if (!rc)
                rc = db_get_bytes(db, q, 1, s->address.b, sizeof s->address.b);
        s->created_at = db_get_int(q, 2);
        s->expires_at = db_get_int(q, 3);
        db_reset(q);
        return rc;
}

static enum errc get_exec(struct store_op *op, struct db *db)
{
        return read_session(db, &((struct session_op *)(void *)op)->session);
}

static void get_finish(struct store_op *op)
{
        struct session_op *get = (struct session_op *)(void *)op;

        get->found(get->write.cookie, op->rc, op->rc ? NULL : &get->session);
}

void store_session_get(struct store *store, const uint8_t token_hash[32], store_session_fn *done,
                       void *cookie)
{
        struct session_op *op = xcalloc(1, sizeof *op);

        memcpy(op->session.token_hash, token_hash, HASH_BYTES);
        op->found = done;
        op->write.cookie = cookie;
        op->write.op.exec = get_exec;
        op->write.op.finish = get_finish;
        store_op_submit(store, &op->write.op);
}

static enum errc delete_exec(struct store_op *op, struct db *db)
{
        struct session_op *end = (struct session_op *)(void *)op;
        struct store_session s = {.created_at = 0};
        sqlite3_stmt *q;
        enum errc rc;

        memcpy(s.token_hash, end->session.token_hash, HASH_BYTES);
        rc = read_session(db, &s);
        if (rc) /* it has ended already: nothing to tell */
                return rc == E_NOT_FOUND ? E_OK : rc;
        q = db_query(db, "DELETE FROM session WHERE token_hash = ?1");
        db_bind_bytes(q, 1, s.token_hash, HASH_BYTES);
        rc = db_run(db, q);
        return rc ? rc : store_audit_acts_session(db, "session_ended", &s, end->now);
}

void store_session_delete(struct store *store, const uint8_t token_hash[32], store_done *done,
                          void *cookie)
{
        struct session_op *op = xcalloc(1, sizeof *op);

        memcpy(op->session.token_hash, token_hash, HASH_BYTES);
        op->write.done = done;
        op->write.cookie = cookie;
        op->write.op.writes = true;
        op->now = clock_wall_ms(loop_clock(store_loop(store)));
        op->write.op.exec = delete_exec;
        op->write.op.finish = store_op_finish_write;
        store_op_submit(store, &op->write.op);
}
