#include "store/store_intent_names.h"

#include <string.h>

#include "store/store_keys.h"
#include "store/store_op.h"

static enum errc take_name(struct db *db, const struct store_intent *in,
                           enum store_intent_name_kind kind, const char *name, int64_t number)
{
        static const char sql[] = "INSERT INTO intent_name (account, brand, kind, name, number)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5)";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_bytes(q, 1, in->account.b, sizeof in->account.b);
        db_bind_text(q, 2, in->brand);
        db_bind_int(q, 3, kind);
        db_bind_text(q, 4, name);
        db_bind_int(q, 5, number);
        return db_run(db, q);
}

/* One that is a day old may be taken again, swept or not. */
static enum errc take_key(struct db *db, const struct store_intent *in, int64_t number)
{
        static const char sql[] =
                "DELETE FROM intent_name WHERE account = ?1 AND brand = ?2 AND kind = ?3"
                " AND name = ?4 AND EXISTS (SELECT 1 FROM intent i"
                " WHERE i.number = intent_name.number AND i.created_at <= ?5)";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        if (in->is_own_key)
                return take_name(db, in, NAME_OWN_KEY, in->idempotency_key, number);
        db_bind_bytes(q, 1, in->account.b, sizeof in->account.b);
        db_bind_text(q, 2, in->brand);
        db_bind_int(q, 3, NAME_KEY);
        db_bind_text(q, 4, in->idempotency_key);
        db_bind_int(q, 5, in->created_at - STORE_KEY_KEPT_MS);
        rc = db_run(db, q);
        return rc ? rc : take_name(db, in, NAME_KEY, in->idempotency_key, number);
}

enum errc store_intent_names_free_key(struct db *db, const struct store_intent *in, int64_t number,
                                      unsigned *n_freed)
{
        static const char sql[] =
                "DELETE FROM intent_name WHERE account = ?1 AND brand = ?2 AND kind = ?3"
                " AND name = ?4 AND number = ?5";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_bytes(q, 1, in->account.b, sizeof in->account.b);
        db_bind_text(q, 2, in->brand);
        db_bind_int(q, 3, NAME_KEY);
        db_bind_text(q, 4, in->idempotency_key);
        db_bind_int(q, 5, number);
        rc = db_run(db, q);
        *n_freed += !rc && db_changes(db) > 0;
        return rc;
}

static enum errc take_cloid(struct db *db, const struct store_intent *in, const struct cloid *cloid,
                            int64_t number)
{
        static const char sql[] = "INSERT INTO intent_cloid (cloid, account, brand, number)"
                                  " VALUES (?1, ?2, ?3, ?4)";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_bytes(q, 1, cloid->b, sizeof cloid->b);
        db_bind_bytes(q, 2, in->account.b, sizeof in->account.b);
        db_bind_text(q, 3, in->brand);
        db_bind_int(q, 4, number);
        return db_run(db, q);
}

static enum errc take_nonce(struct db *db, const struct store_intent *in, uint64_t nonce,
                            int64_t number)
{
        static const char sql[] = "INSERT INTO signer_nonce (nonce, signer, number)"
                                  " VALUES (?1, ?2, ?3)";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        if (db_bind_u64(q, 1, nonce))
                return E_RANGE;
        db_bind_bytes(q, 2, in->signer.b, sizeof in->signer.b);
        db_bind_int(q, 3, number);
        rc = db_run(db, q);
        return rc == E_EXISTS ? E_INTERNAL : rc;
}

static bool has_cloid(const struct store_intent *in, const struct cloid *cloid)
{
        if (hex_cloid_equal(&in->id, cloid))
                return true;
        for (unsigned i = 0; i < in->n_orders; i++) {
                if (hex_cloid_equal(&in->order[i].cloid, cloid))
                        return true;
        }
        return false;
}

static bool has_nonce(const struct store_intent *in, uint64_t nonce)
{
        for (unsigned i = 0; i < in->n_steps; i++) {
                if (in->step[i].nonce == nonce)
                        return true;
        }
        return false;
}

enum errc store_intent_names_add(struct db *db, const struct store_intent *in,
                                 const struct store_intent *before, int64_t number)
{
        uint64_t highest = 0;
        enum errc rc = E_OK;

        for (unsigned i = 0; !rc && i < in->n_orders; i++) {
                if (!has_cloid(before, &in->order[i].cloid))
                        rc = take_cloid(db, in, &in->order[i].cloid, number);
        }
        for (unsigned i = 0; !rc && i < in->n_steps; i++) {
                uint64_t nonce = in->step[i].nonce;

                if (!nonce || has_nonce(before, nonce))
                        continue;
                rc = take_nonce(db, in, nonce, number);
                if (nonce > highest)
                        highest = nonce;
        }
        if (!rc && highest)
                rc = store_nonce_raise(db, &in->signer, highest);
        return rc;
}

enum errc store_intent_names_take(struct db *db, const struct store_intent *in, int64_t number)
{
        struct store_intent nothing;
        enum errc rc = E_OK;

        if (in->client_id[0] && strcmp(in->kind, "order") == 0)
                rc = take_name(db, in, NAME_CLIENT, in->client_id, number);
        if (!rc && in->idempotency_key[0])
                rc = take_key(db, in, number);
        if (!rc)
                rc = take_cloid(db, in, &in->id, number);
        nothing.id = in->id;
        nothing.n_steps = nothing.n_orders = 0;
        return rc ? rc : store_intent_names_add(db, in, &nothing, number);
}

/* Found is taken, not found is free. */
static enum errc free_if(enum errc found)
{
        return found == E_OK ? E_EXISTS : found == E_NOT_FOUND ? E_OK : found;
}

enum errc store_intent_names_free(struct db *db, const struct store_intent *in)
{
        enum errc rc = E_OK;
        int64_t number;

        if (in->client_id[0] && strcmp(in->kind, "order") == 0)
                rc = free_if(store_intent_names_by_name(db, in->brand, &in->account, NAME_CLIENT,
                                                        in->client_id, &number));
        if (!rc && in->idempotency_key[0])
                rc = free_if(in->is_own_key
                                     ? store_intent_names_by_name(db, in->brand, &in->account,
                                                                  NAME_OWN_KEY, in->idempotency_key,
                                                                  &number)
                                     : store_intent_names_by_live_key(db, in->brand, &in->account,
                                                                      in->idempotency_key,
                                                                      in->created_at, &number));
        if (!rc)
                rc = free_if(
                        store_intent_names_by_cloid(db, in->brand, &in->account, &in->id, &number));
        for (unsigned i = 0; !rc && i < in->n_orders; i++)
                rc = free_if(store_intent_names_by_cloid(db, in->brand, &in->account,
                                                         &in->order[i].cloid, &number));
        return rc;
}

static enum errc read_number(struct db *db, sqlite3_stmt *q, int64_t *number)
{
        enum errc rc = db_step(db, q);

        if (rc)
                return rc;
        *number = db_get_int(q, 0);
        db_reset(q);
        return E_OK;
}

enum errc store_intent_names_by_cloid(struct db *db, const char *brand, const struct addr *account,
                                      const struct cloid *cloid, int64_t *number)
{
        static const char sql[] = "SELECT number FROM intent_cloid"
                                  " WHERE cloid = ?1 AND account = ?2 AND brand = ?3";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_bytes(q, 1, cloid->b, sizeof cloid->b);
        db_bind_bytes(q, 2, account->b, sizeof account->b);
        db_bind_text(q, 3, brand);
        return read_number(db, q, number);
}

enum errc store_intent_names_by_name(struct db *db, const char *brand, const struct addr *account,
                                     enum store_intent_name_kind kind, const char *name,
                                     int64_t *number)
{
        static const char sql[] = "SELECT number FROM intent_name WHERE account = ?1 AND brand = ?2"
                                  " AND kind = ?3 AND name = ?4";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_bytes(q, 1, account->b, sizeof account->b);
        db_bind_text(q, 2, brand);
        db_bind_int(q, 3, kind);
        db_bind_text(q, 4, name);
        return read_number(db, q, number);
}

enum errc store_intent_names_by_live_key(struct db *db, const char *brand,
                                         const struct addr *account, const char *key, int64_t now,
                                         int64_t *number)
{
        static const char sql[] =
                "SELECT n.number FROM intent_name n CROSS JOIN intent i ON i.number = n.number"
                " WHERE n.account = ?1 AND n.brand = ?2 AND n.kind = ?3 AND n.name = ?4"
                " AND i.created_at > ?5";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_bytes(q, 1, account->b, sizeof account->b);
        db_bind_text(q, 2, brand);
        db_bind_int(q, 3, NAME_KEY);
        db_bind_text(q, 4, key);
        db_bind_int(q, 5, now - STORE_KEY_KEPT_MS);
        return read_number(db, q, number);
}
