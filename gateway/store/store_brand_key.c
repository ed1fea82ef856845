#include <string.h>

#include "store/store_op.h"

enum errc store_brand_key_load(struct store *store, const char *brand, uint8_t *blob, size_t cap,
                               size_t *len)
{
        struct db *db = store_op_lock(store);
        sqlite3_stmt *q = db_query(db, "SELECT wrapped FROM brand_key WHERE brand = ?1");
        enum errc rc;

        db_bind_text(q, 1, brand);
        rc = db_step(db, q);
        if (rc)
                goto done;
        *len = (size_t)sqlite3_column_bytes(q, 0);
        rc = *len > cap ? E_LIMIT : db_get_bytes(db, q, 0, blob, *len);
        db_reset(q);
done:
        store_op_unlock(store);
        return rc;
}

static enum errc put_one(struct db *db, const char *brand, const uint8_t *blob, size_t len)
{
        sqlite3_stmt *q =
                db_query(db, "INSERT INTO brand_key (brand, wrapped) VALUES (?1, ?2)"
                             " ON CONFLICT (brand) DO UPDATE SET wrapped = excluded.wrapped");

        db_bind_text(q, 1, brand);
        db_bind_bytes(q, 2, blob, len);
        return db_run(db, q);
}

/* What was begun is on disk whole, or not at all. */
static enum errc end(struct db *db, enum errc rc)
{
        if (!rc)
                rc = db_exec(db, "COMMIT");
        if (db_in_transaction(db) && db_exec(db, "ROLLBACK"))
                rc = E_STORE_DOWN;
        return rc;
}

enum errc store_brand_key_save(struct store *store, const char *brand, const uint8_t *blob,
                               size_t len)
{
        struct db *db = store_op_lock(store);
        int64_t now = clock_wall_ms(loop_clock(store_loop(store)));
        enum errc rc = db_exec(db, "BEGIN IMMEDIATE");

        if (!rc)
                rc = put_one(db, brand, blob, len);
        if (!rc)
                rc = store_audit_add(db, brand, "operator", "brand_key_made", "{}", now);
        rc = end(db, rc);
        store_op_unlock(store);
        return rc;
}

enum errc store_brand_key_list(struct store *store, char (*brand)[STORE_BRAND_MAX], unsigned cap,
                               unsigned *n)
{
        struct db *db = store_op_lock(store);
        sqlite3_stmt *q = db_query(db, "SELECT brand FROM brand_key ORDER BY brand");
        enum errc rc;

        *n = 0;
        for (rc = db_step(db, q); !rc; rc = db_step(db, q)) {
                rc = *n == cap ? E_LIMIT : db_get_text(db, q, 0, brand[*n], STORE_BRAND_MAX);
                if (rc)
                        break;
                (*n)++;
        }
        if (q)
                db_reset(q);
        store_op_unlock(store);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static enum errc replace_one(struct db *db, const char *brand, const uint8_t *blob, size_t len)
{
        sqlite3_stmt *q = db_query(db, "UPDATE brand_key SET wrapped = ?2 WHERE brand = ?1");
        enum errc rc;

        db_bind_text(q, 1, brand);
        db_bind_bytes(q, 2, blob, len);
        rc = db_run(db, q);
        return rc ? rc : db_changes(db) == 1 ? E_OK : E_NOT_FOUND;
}

enum errc store_brand_key_replace(struct store *store, const char (*brand)[STORE_BRAND_MAX],
                                  const uint8_t *blobs, size_t len, unsigned n)
{
        struct db *db = store_op_lock(store);
        enum errc rc = db_exec(db, "BEGIN IMMEDIATE");

        for (unsigned i = 0; !rc && i < n; i++)
                rc = replace_one(db, brand[i], blobs + i * len, len);
        rc = end(db, rc);
        store_op_unlock(store);
        return rc;
}
