#include "store/store_intent_rows.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "store/store_audit_acts.h"
#include "store/store_intent_names.h"
#include "store/store_intent_parts.h"

static bool is_open(enum intent_state state)
{
        switch (state) {
        case INTENT_RESERVED:
        case INTENT_SENT:
        case INTENT_UNKNOWN: return true;
        case INTENT_DONE:
        case INTENT_REJECTED: return false;
        }
        never("intent state");
}

/* --- writing --- */

/* What an update replaces: the same columns, in the same order, in intent and intent_outcome. */
#define CHANGING " updated_at, state, owner, epoch, steps, orders"

static enum errc bind_changing(sqlite3_stmt *q, int i, const struct store_intent *in,
                               const struct store_intent_parts *parts)
{
        db_bind_int(q, i, in->updated_at);
        db_bind_int(q, i + 1, in->state);
        db_bind_text(q, i + 2, in->owner);
        db_bind_bytes(q, i + 4, parts->steps, parts->steps_len);
        db_bind_bytes(q, i + 5, parts->orders, parts->orders_len);
        return db_bind_u64(q, i + 3, in->epoch);
}

static enum errc put_key(struct db *db, const struct store_intent *in, int64_t number)
{
        sqlite3_stmt *q = db_query(db, "INSERT INTO intent_key (number, key) VALUES (?1, ?2)");

        db_bind_int(q, 1, number);
        db_bind_bytes(q, 2, in->key, sizeof in->key);
        return db_run(db, q);
}

static enum errc put_intent(struct db *db, const struct store_intent *in,
                            const struct store_intent_parts *parts, int64_t number)
{
        static const char sql[] =
                "INSERT INTO intent (number, brand, account, id, signer, kind, symbol, client_id,"
                " idempotency_key, request_digest, created_at, request," CHANGING ", master)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                " ?17, ?18, ?19)";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, number);
        db_bind_text(q, 2, in->brand);
        db_bind_bytes(q, 3, in->account.b, sizeof in->account.b);
        db_bind_bytes(q, 4, in->id.b, sizeof in->id.b);
        db_bind_bytes(q, 5, in->signer.b, sizeof in->signer.b);
        db_bind_text(q, 6, in->kind);
        db_bind_text(q, 7, in->symbol);
        db_bind_text(q, 8, in->client_id);
        db_bind_text(q, 9, in->idempotency_key);
        db_bind_bytes(q, 10, in->request_digest, sizeof in->request_digest);
        db_bind_int(q, 11, in->created_at);
        db_bind_text(q, 12, in->request);
        if (in->has_master)
                db_bind_bytes(q, 19, in->master.b, sizeof in->master.b);
        if (bind_changing(q, 13, in, parts))
                return E_RANGE;
        return db_run(db, q);
}

static enum errc put_outcome(struct db *db, const struct store_intent *in,
                             const struct store_intent_parts *parts, int64_t number)
{
        static const char sql[] =
                "INSERT INTO intent_outcome (number, answer, answer_status," CHANGING ")"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                " ON CONFLICT (number) DO UPDATE SET updated_at = excluded.updated_at,"
                " state = excluded.state, owner = excluded.owner, epoch = excluded.epoch,"
                " steps = excluded.steps, orders = excluded.orders,"
                " answer = coalesce(excluded.answer, answer),"
                " answer_status = CASE WHEN excluded.answer IS NULL THEN answer_status"
                " ELSE excluded.answer_status END";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, number);
        db_bind_text(q, 2, in->answer);
        db_bind_int(q, 3, in->answer_status);
        if (bind_changing(q, 4, in, parts))
                return E_RANGE;
        return db_run(db, q);
}

static void bind_letters(sqlite3_stmt *q, int i, const struct store_intent *in)
{
        if (in->letters)
                db_bind_bytes(q, i, in->letters, in->letters_len);
}

static enum errc add_open(struct db *db, const struct store_intent *in, int64_t created_at,
                          int64_t number)
{
        static const char sql[] =
                "INSERT INTO intent_open (created_at, number, letters) VALUES (?1, ?2, ?3)";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, created_at);
        db_bind_int(q, 2, number);
        bind_letters(q, 3, in);
        return db_run(db, q);
}

/* The row is overwritten on disk, and the signatures with it. */
static enum errc drop_open(struct db *db, int64_t created_at, int64_t number)
{
        static const char sql[] = "DELETE FROM intent_open WHERE created_at = ?1 AND number = ?2";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, created_at);
        db_bind_int(q, 2, number);
        return db_run(db, q);
}

static enum errc put_letters(struct db *db, const struct store_intent *in, int64_t created_at,
                             int64_t number)
{
        static const char sql[] =
                "UPDATE intent_open SET letters = ?3 WHERE created_at = ?1 AND number = ?2";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_int(q, 1, created_at);
        db_bind_int(q, 2, number);
        bind_letters(q, 3, in);
        return db_run(db, q);
}

static enum errc next_number(struct db *db, int64_t *number)
{
        sqlite3_stmt *q = db_query(db, "SELECT max(number) FROM intent");
        enum errc rc = db_step(db, q);

        if (rc)
                return rc == E_NOT_FOUND ? E_STORE_DOWN : rc;
        *number = db_get_int(q, 0) + 1; /* NULL reads as 0 */
        db_reset(q);
        return E_OK;
}

enum errc store_intent_rows_insert(struct db *db, const struct store_intent *in)
{
        struct store_intent_parts parts;
        int64_t number;
        enum errc rc;

        if (in->epoch > INT64_MAX || store_intent_parts_pack(&parts, in))
                return E_RANGE;
        rc = next_number(db, &number);
        if (!rc)
                rc = store_intent_names_take(db, in, number);
        if (!rc)
                rc = put_intent(db, in, &parts, number);
        if (!rc && is_open(in->state))
                rc = add_open(db, in, in->created_at, number);
        if (!rc && (in->answer || in->answer_status))
                rc = put_outcome(db, in, &parts, number);
        if (!rc)
                rc = store_audit_acts_signed(db, NULL, in);
        if (!rc && in->has_key)
                rc = put_key(db, in, number);
        return rc;
}

/* --- reading --- */

/* CHANGING from column i on. */
static enum errc read_changing(struct db *db, sqlite3_stmt *q, int i, struct store_intent *out)
{
        int64_t state = db_get_int(q, i + 1);
        enum errc rc;

        if (state < 0 || state > INTENT_UNKNOWN)
                return E_STORE_DOWN; /* the column's CHECK does not let another number in */
        out->state = (enum intent_state)state;
        out->updated_at = db_get_int(q, i);
        rc = db_get_text(db, q, i + 2, out->owner, sizeof out->owner);
        out->epoch = db_get_u64(q, i + 3);
        if (!rc)
                rc = store_intent_parts_steps(out, sqlite3_column_blob(q, i + 4),
                                              (size_t)sqlite3_column_bytes(q, i + 4));
        if (!rc)
                rc = store_intent_parts_orders(out, sqlite3_column_blob(q, i + 5),
                                               (size_t)sqlite3_column_bytes(q, i + 5));
        return rc;
}

static char *copy_text(sqlite3_stmt *q, int i)
{
        const char *text = (const char *)sqlite3_column_text(q, i);

        return text ? xstrndup(text, (size_t)sqlite3_column_bytes(q, i)) : NULL;
}

static enum errc read_fixed(struct db *db, sqlite3_stmt *q, struct store_intent *out)
{
        enum errc rc;

        rc = db_get_text(db, q, 0, out->brand, sizeof out->brand);
        if (!rc)
                rc = db_get_bytes(db, q, 1, out->account.b, sizeof out->account.b);
        if (!rc)
                rc = db_get_bytes(db, q, 2, out->id.b, sizeof out->id.b);
        if (!rc)
                rc = db_get_bytes(db, q, 3, out->signer.b, sizeof out->signer.b);
        if (!rc)
                rc = db_get_text(db, q, 4, out->kind, sizeof out->kind);
        if (!rc)
                rc = db_get_text(db, q, 5, out->symbol, sizeof out->symbol);
        if (!rc)
                rc = db_get_text(db, q, 6, out->client_id, sizeof out->client_id);
        if (!rc)
                rc = db_get_text(db, q, 7, out->idempotency_key, sizeof out->idempotency_key);
        if (!rc)
                rc = db_get_bytes(db, q, 8, out->request_digest, sizeof out->request_digest);
        out->created_at = db_get_int(q, 9);
        out->request = copy_text(q, 10);
        out->has_master = sqlite3_column_type(q, 11) != SQLITE_NULL;
        if (!rc && out->has_master)
                rc = db_get_bytes(db, q, 11, out->master.b, sizeof out->master.b);
        return rc;
}

static enum errc read_letters(struct db *db, int64_t number, struct store_intent *out)
{
        static const char sql[] =
                "SELECT letters FROM intent_open WHERE created_at = ?1 AND number = ?2";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_int(q, 1, out->created_at);
        db_bind_int(q, 2, number);
        rc = db_step(db, q);
        if (rc)
                return rc == E_NOT_FOUND ? E_OK : rc;
        if (sqlite3_column_type(q, 0) != SQLITE_NULL) {
                const void *blob = sqlite3_column_blob(q, 0);
                size_t len = (size_t)sqlite3_column_bytes(q, 0);
                char *copy = xmalloc(len + 1);
                if (len)
                        memcpy(copy, blob, len);
                out->letters = copy;
                out->letters_len = len;
        }
        db_reset(q);
        return E_OK;
}

enum errc store_intent_rows_load(struct db *db, int64_t number, struct store_intent *out)
{
        static const char fixed[] =
                "SELECT brand, account, id, signer, kind, symbol, client_id, idempotency_key,"
                " request_digest, created_at, request, master," CHANGING
                " FROM intent WHERE number = ?1";
        static const char outcome[] =
                "SELECT answer, answer_status," CHANGING " FROM intent_outcome WHERE number = ?1";
        sqlite3_stmt *q = db_query(db, fixed);
        enum errc rc;

        db_bind_int(q, 1, number);
        rc = db_step(db, q);
        if (rc)
                return rc;
        rc = read_fixed(db, q, out);
        if (!rc)
                rc = read_changing(db, q, 12, out);
        db_reset(q);
        if (rc)
                goto done;
        q = db_query(db, outcome);
        db_bind_int(q, 1, number);
        rc = db_step(db, q);
        if (!rc) {
                out->answer = copy_text(q, 0);
                out->answer_status = (int)db_get_int(q, 1);
                rc = read_changing(db, q, 2, out);
                db_reset(q);
        } else if (rc == E_NOT_FOUND) {
                rc = E_OK;
        }
        if (!rc && is_open(out->state))
                rc = read_letters(db, number, out);
done:
        if (rc)
                store_intent_rows_fini(out);
        return rc;
}

/* --- updating --- */

/* The latest of what an update depends on: number, created_at and the changing columns of the intent
 * whose id is in->id; the cloid of another intent's order may be the same, which is why the id is
 * compared. E_NOT_FOUND. */
static enum errc read_before(struct db *db, const struct store_intent *in, int64_t *number,
                             struct store_intent *out)
{
        static const char sql[] =
                "SELECT i.number, i.created_at, i.updated_at, i.state, i.owner, i.epoch, i.steps,"
                " i.orders, o.updated_at, o.state, o.owner, o.epoch, o.steps, o.orders"
                " FROM intent_cloid c CROSS JOIN intent i ON i.number = c.number"
                " LEFT JOIN intent_outcome o ON o.number = c.number"
                " WHERE c.cloid = ?1 AND c.account = ?2 AND c.brand = ?3 AND i.id = ?1";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_bytes(q, 1, in->id.b, sizeof in->id.b);
        db_bind_bytes(q, 2, in->account.b, sizeof in->account.b);
        db_bind_text(q, 3, in->brand);
        rc = db_step(db, q);
        if (rc)
                return rc;
        out->id = in->id;
        *number = db_get_int(q, 0);
        out->created_at = db_get_int(q, 1);
        rc = read_changing(db, q, sqlite3_column_type(q, 8) == SQLITE_NULL ? 2 : 8, out);
        db_reset(q);
        return rc;
}

enum errc store_intent_rows_update(struct db *db, const struct store_intent *in)
{
        struct store_intent before;
        struct store_intent_parts parts;
        int64_t number;
        enum errc rc;

        if (in->epoch > INT64_MAX || store_intent_parts_pack(&parts, in))
                return E_RANGE;
        rc = read_before(db, in, &number, &before);
        if (rc)
                return rc;
        if (before.epoch > in->epoch)
                return E_FORBIDDEN;
        rc = store_intent_names_add(db, in, &before, number);
        if (!rc)
                rc = put_outcome(db, in, &parts, number);
        if (rc)
                return rc;
        if (!is_open(before.state) && is_open(in->state))
                rc = add_open(db, in, before.created_at, number);
        else if (is_open(before.state) && !is_open(in->state))
                rc = drop_open(db, before.created_at, number);
        else if (is_open(in->state) && in->letters)
                rc = put_letters(db, in, before.created_at, number);
        if (!rc)
                rc = store_audit_acts_signed(db, &before, in);
        if (!rc)
                rc = store_audit_acts_settled(db, &before, in);
        return rc;
}

static void free_text(const char **text)
{
        union {
                const char *in;
                void *out;
        } owned = {.in = *text};

        free(owned.out);
        *text = NULL;
}

/* Signatures don't stay in memory that others get. */
static void free_letters(struct store_intent *in)
{
        union {
                const void *in;
                void *out;
        } owned = {.in = in->letters};

        if (owned.out)
                sodium_memzero(owned.out, in->letters_len);
        free(owned.out);
        in->letters = NULL;
        in->letters_len = 0;
}

void store_intent_rows_fini(struct store_intent *in)
{
        free_text(&in->request);
        free_text(&in->answer);
        free_letters(in);
}
