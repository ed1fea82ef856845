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

enum errc store_brand_key_save(struct store *store, const char *brand, const uint8_t *blob,
                               size_t len)
{
        struct db *db = store_op_lock(store);
        sqlite3_stmt *q =
                db_query(db, "INSERT INTO brand_key (brand, wrapped) VALUES (?1, ?2)"
                             " ON CONFLICT (brand) DO UPDATE SET wrapped = excluded.wrapped");

        db_bind_text(q, 1, brand);
        db_bind_bytes(q, 2, blob, len);
        enum errc rc = db_run(db, q);
        store_op_unlock(store);
        return rc;
}
