#include "store/store_api_key.h"

#include <string.h>

#include "base/mem.h"
#include "store/store_audit_acts.h"
#include "store/store_op.h"

#define ID_BYTES 16

struct key_op {
        struct store_op_write write; /* put, delete */
        struct store_api_key key;    /* what is put; what is looked for */
        store_api_keys_fn *found;    /* get, list */
        int64_t now;                 /* delete */
        unsigned n;
        struct store_api_key row[STORE_API_KEYS_MAX];
};

static struct key_op *op_of(struct store_op *op)
{
        return (struct key_op *)(void *)op;
}

static void bind_account(sqlite3_stmt *q, const struct store_api_key *k)
{
        db_bind_text(q, 1, k->brand);
        db_bind_bytes(q, 2, k->account.b, sizeof k->account.b);
}

/* --- put --- */

static enum errc has_room(struct db *db, const struct store_api_key *k)
{
        sqlite3_stmt *q;
        int64_t n;
        enum errc rc;

        q = db_query(db, "DELETE FROM api_key WHERE brand = ?1 AND account = ?2"
                         " AND expires_at <> 0 AND expires_at <= ?3");
        bind_account(q, k);
        db_bind_int(q, 3, k->created_at);
        rc = db_run(db, q);
        if (rc)
                return rc;
        q = db_query(db, "SELECT count(*) FROM api_key WHERE brand = ?1 AND account = ?2");
        bind_account(q, k);
        rc = db_step(db, q);
        if (rc)
                return rc;
        n = db_get_int(q, 0);
        db_reset(q);
        return n < STORE_API_KEYS_MAX ? E_OK : E_LIMIT;
}

static enum errc put_exec(struct store_op *op, struct db *db)
{
        const struct store_api_key *k = &op_of(op)->key;
        enum errc rc = has_room(db, k);
        sqlite3_stmt *q;

        if (rc)
                return rc;
        q = db_query(db, "INSERT INTO api_key (brand, account, id, name, kind, scopes, ip_allow,"
                         " material, created_at, expires_at, sub_account)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
        bind_account(q, k);
        db_bind_bytes(q, 3, k->id, ID_BYTES);
        db_bind_text(q, 4, k->name);
        db_bind_int(q, 5, k->kind);
        db_bind_int(q, 6, k->scopes);
        db_bind_text(q, 7, k->ip_allow);
        db_bind_bytes(q, 8, k->material, k->material_len);
        db_bind_int(q, 9, k->created_at);
        db_bind_int(q, 10, k->expires_at);
        if (k->has_sub_account)
                db_bind_bytes(q, 11, k->sub_account.b, sizeof k->sub_account.b);
        rc = db_run(db, q);
        return rc ? rc : store_audit_acts_api_key(db, "api_key_made", k, k->created_at);
}

static struct key_op *write_op(enum errc (*exec)(struct store_op *op, struct db *db),
                               store_done *done, void *cookie)
{
        struct key_op *op = xcalloc(1, sizeof *op);

        op->write.done = done;
        op->write.cookie = cookie;
        op->write.op.writes = true;
        op->write.op.exec = exec;
        op->write.op.finish = store_op_finish_write;
        return op;
}

void store_api_key_put(struct store *store, const struct store_api_key *key, store_done *done,
                       void *cookie)
{
        struct key_op *op = write_op(put_exec, done, cookie);

        op->key = *key;
        if (key->material_len > sizeof key->material)
                op->write.op.rc = E_INVALID;
        store_op_submit(store, &op->write.op);
}

/* --- delete --- */

static enum errc delete_exec(struct store_op *op, struct db *db)
{
        const struct store_api_key *k = &op_of(op)->key;
        sqlite3_stmt *q = db_query(db, "DELETE FROM api_key"
                                       " WHERE brand = ?1 AND account = ?2 AND id = ?3");
        enum errc rc;

        bind_account(q, k);
        db_bind_bytes(q, 3, k->id, ID_BYTES);
        rc = db_run(db, q);
        if (!rc && db_changes(db) == 0)
                rc = E_NOT_FOUND;
        return rc ? rc : store_audit_acts_api_key(db, "api_key_deleted", k, op_of(op)->now);
}

void store_api_key_delete(struct store *store, const char *brand, const struct addr *account,
                          const uint8_t id[16], store_done *done, void *cookie)
{
        struct key_op *op = write_op(delete_exec, done, cookie);

        if (!text_copy(op->key.brand, sizeof op->key.brand, brand))
                op->write.op.rc = E_NOT_FOUND;
        op->now = clock_wall_ms(loop_clock(store_loop(store)));
        op->key.account = *account;
        memcpy(op->key.id, id, ID_BYTES);
        store_op_submit(store, &op->write.op);
}

/* --- reading --- */

#define COLUMNS                                                                                    \
        "SELECT id, brand, account, name, kind, scopes, ip_allow, material, created_at,"           \
        " expires_at, sub_account FROM api_key"

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct store_api_key *k)
{
        enum errc rc = db_get_bytes(db, q, 0, k->id, ID_BYTES);

        if (!rc)
                rc = db_get_text(db, q, 1, k->brand, sizeof k->brand);
        if (!rc)
                rc = db_get_bytes(db, q, 2, k->account.b, sizeof k->account.b);
        if (!rc)
                rc = db_get_text(db, q, 3, k->name, sizeof k->name);
        k->kind = db_get_int(q, 4) == API_KEY_HMAC ? API_KEY_HMAC : API_KEY_ED25519;
        k->scopes = (unsigned)db_get_u64(q, 5);
        if (!rc)
                rc = db_get_text(db, q, 6, k->ip_allow, sizeof k->ip_allow);
        k->material_len = (size_t)sqlite3_column_bytes(q, 7);
        if (!rc && (k->material_len == 0 || k->material_len > sizeof k->material))
                rc = E_STORE_DOWN; /* only a damaged database has that */
        if (!rc)
                rc = db_get_bytes(db, q, 7, k->material, k->material_len);
        k->created_at = db_get_int(q, 8);
        k->expires_at = db_get_int(q, 9);
        k->has_sub_account = sqlite3_column_type(q, 10) != SQLITE_NULL;
        if (!rc && k->has_sub_account)
                rc = db_get_bytes(db, q, 10, k->sub_account.b, sizeof k->sub_account.b);
        return rc;
}

static enum errc get_exec(struct store_op *op, struct db *db)
{
        struct key_op *get = op_of(op);
        sqlite3_stmt *q = db_query(db, COLUMNS " WHERE id = ?1");
        enum errc rc;

        get->n = 0;
        db_bind_bytes(q, 1, get->key.id, ID_BYTES);
        rc = db_step(db, q);
        if (!rc)
                rc = read_row(db, q, &get->row[get->n++]);
        db_reset(q);
        return rc;
}

static enum errc list_exec(struct store_op *op, struct db *db)
{
        struct key_op *list = op_of(op);
        sqlite3_stmt *q = db_query(db, COLUMNS " WHERE brand = ?1 AND account = ?2"
                                               " ORDER BY created_at, id LIMIT 20");
        enum errc rc;

        list->n = 0;
        bind_account(q, &list->key);
        rc = db_step(db, q);
        while (!rc && list->n < STORE_API_KEYS_MAX) {
                rc = read_row(db, q, &list->row[list->n++]);
                if (!rc)
                        rc = db_step(db, q);
        }
        db_reset(q);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static void found(struct store_op *op)
{
        struct key_op *get = op_of(op);

        get->found(get->write.cookie, op->rc, get->row, op->rc ? 0 : get->n);
}

static struct key_op *read_op(enum errc (*exec)(struct store_op *op, struct db *db),
                              store_api_keys_fn *done, void *cookie)
{
        struct key_op *op = xcalloc(1, sizeof *op);

        op->found = done;
        op->write.cookie = cookie;
        op->write.op.exec = exec;
        op->write.op.finish = found;
        return op;
}

void store_api_key_get(struct store *store, const uint8_t id[16], store_api_keys_fn *done,
                       void *cookie)
{
        struct key_op *op = read_op(get_exec, done, cookie);

        memcpy(op->key.id, id, ID_BYTES);
        store_op_submit(store, &op->write.op);
}

void store_api_key_list(struct store *store, const char *brand, const struct addr *account,
                        store_api_keys_fn *done, void *cookie)
{
        struct key_op *op = read_op(list_exec, done, cookie);

        if (!text_copy(op->key.brand, sizeof op->key.brand, brand))
                op->write.op.rc = E_NOT_FOUND;
        op->key.account = *account;
        store_op_submit(store, &op->write.op);
}
