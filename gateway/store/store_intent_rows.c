#include "store/store_intent_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *text_or_null(const char *text)
{
        return text[0] ? text : NULL;
}

static enum errc state_parse(enum intent_state *out, const char *name)
{
        static const enum intent_state all[] = {INTENT_RESERVED, INTENT_SENT, INTENT_DONE,
                                                INTENT_REJECTED, INTENT_UNKNOWN};

        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
                if (strcmp(name, intent_state_name(all[i])) == 0) {
                        *out = all[i];
                        return E_OK;
                }
        }
        return E_STORE_DOWN; /* the column's CHECK does not let another name in */
}

/* --- writing --- */

static enum errc put_step(struct db *db, const struct store_intent *in, unsigned i)
{
        static const char sql[] =
                "INSERT INTO intent_step (brand, intent, position, action, state, signer, nonce,"
                " expires_after, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                " ON CONFLICT (brand, intent, position) DO UPDATE SET action = excluded.action,"
                " state = excluded.state, signer = excluded.signer, nonce = excluded.nonce,"
                " expires_after = excluded.expires_after, digest = excluded.digest";
        const struct store_intent_step *step = &in->step[i];
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc = E_OK;

        db_bind_text(q, 1, in->brand);
        db_bind_bytes(q, 2, in->id.b, sizeof in->id.b);
        db_bind_int(q, 3, i);
        db_bind_text(q, 4, step->action);
        db_bind_text(q, 5, intent_state_name(step->state));
        db_bind_bytes(q, 6, in->signer.b, sizeof in->signer.b);
        if (step->nonce)
                rc = db_bind_u64(q, 7, step->nonce);
        if (!rc)
                rc = db_bind_u64(q, 8, step->expires_after);
        if (rc)
                return rc;
        db_bind_bytes(q, 9, step->digest.b, sizeof step->digest.b);
        rc = db_run(db, q);
        return rc == E_EXISTS ? E_INTERNAL : rc; /* the nonce was used before */
}

static enum errc put_order(struct db *db, const struct store_intent *in, unsigned i)
{
        static const char sql[] =
                "INSERT INTO intent_order (brand, account, cloid, intent, position, role, oid)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                " ON CONFLICT (brand, intent, position) DO UPDATE SET cloid = excluded.cloid,"
                " role = excluded.role, oid = excluded.oid";
        const struct store_intent_order *order = &in->order[i];
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_text(q, 1, in->brand);
        db_bind_bytes(q, 2, in->account.b, sizeof in->account.b);
        db_bind_bytes(q, 3, order->cloid.b, sizeof order->cloid.b);
        db_bind_bytes(q, 4, in->id.b, sizeof in->id.b);
        db_bind_int(q, 5, i);
        db_bind_text(q, 6, order->role);
        if (db_bind_u64(q, 7, order->oid))
                return E_RANGE;
        return db_run(db, q);
}

static enum errc raise_nonce(struct db *db, const struct store_intent *in)
{
        static const char sql[] = "INSERT INTO signer_nonce (signer, highest) VALUES (?1, ?2)"
                                  " ON CONFLICT (signer) DO UPDATE SET highest = excluded.highest"
                                  " WHERE excluded.highest > signer_nonce.highest";
        uint64_t highest = 0;

        for (unsigned i = 0; i < in->n_steps; i++) {
                if (in->step[i].nonce > highest)
                        highest = in->step[i].nonce;
        }
        if (!highest)
                return E_OK;
        sqlite3_stmt *q = db_query(db, sql);
        db_bind_bytes(q, 1, in->signer.b, sizeof in->signer.b);
        if (db_bind_u64(q, 2, highest))
                return E_RANGE;
        return db_run(db, q);
}

static enum errc put_parts(struct db *db, const struct store_intent *in)
{
        enum errc rc = E_OK;

        for (unsigned i = 0; !rc && i < in->n_steps; i++)
                rc = put_step(db, in, i);
        for (unsigned i = 0; !rc && i < in->n_orders; i++)
                rc = put_order(db, in, i);
        if (!rc)
                rc = raise_nonce(db, in);
        return rc;
}

enum errc store_intent_rows_insert(struct db *db, const struct store_intent *in)
{
        static const char sql[] =
                "INSERT INTO intent (brand, id, account, signer, kind, symbol, client_id,"
                " idempotency_key, request_digest, created_at, updated_at, state, owner, epoch,"
                " request, answer, answer_status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_text(q, 1, in->brand);
        db_bind_bytes(q, 2, in->id.b, sizeof in->id.b);
        db_bind_bytes(q, 3, in->account.b, sizeof in->account.b);
        db_bind_bytes(q, 4, in->signer.b, sizeof in->signer.b);
        db_bind_text(q, 5, in->kind);
        db_bind_text(q, 6, in->symbol);
        db_bind_text(q, 7, text_or_null(in->client_id));
        db_bind_text(q, 8, text_or_null(in->idempotency_key));
        db_bind_bytes(q, 9, in->request_digest, sizeof in->request_digest);
        db_bind_int(q, 10, in->created_at);
        db_bind_int(q, 11, in->updated_at);
        db_bind_text(q, 12, intent_state_name(in->state));
        db_bind_text(q, 13, in->owner);
        if (db_bind_u64(q, 14, in->epoch))
                return E_RANGE;
        db_bind_text(q, 15, in->request);
        db_bind_text(q, 16, in->answer);
        db_bind_int(q, 17, in->answer_status);
        rc = db_run(db, q);
        return rc ? rc : put_parts(db, in);
}

static enum errc update_row(struct db *db, const struct store_intent *in)
{
        static const char sql[] =
                "UPDATE intent SET state = ?3, updated_at = ?4, owner = ?5, epoch = ?6,"
                " answer = CASE WHEN ?7 IS NULL THEN answer ELSE ?7 END,"
                " answer_status = CASE WHEN ?7 IS NULL THEN answer_status ELSE ?8 END"
                " WHERE brand = ?1 AND id = ?2 AND epoch <= ?6";
        sqlite3_stmt *q = db_query(db, sql);

        db_bind_text(q, 1, in->brand);
        db_bind_bytes(q, 2, in->id.b, sizeof in->id.b);
        db_bind_text(q, 3, intent_state_name(in->state));
        db_bind_int(q, 4, in->updated_at);
        db_bind_text(q, 5, in->owner);
        if (db_bind_u64(q, 6, in->epoch))
                return E_RANGE;
        db_bind_text(q, 7, in->answer);
        db_bind_int(q, 8, in->answer_status);
        return db_run(db, q);
}

/* Why no row was touched. */
static enum errc explain_miss(struct db *db, const struct store_intent *in)
{
        sqlite3_stmt *q = db_query(db, "SELECT epoch FROM intent WHERE brand = ?1 AND id = ?2");
        enum errc rc;

        db_bind_text(q, 1, in->brand);
        db_bind_bytes(q, 2, in->id.b, sizeof in->id.b);
        rc = db_step(db, q);
        if (rc)
                return rc;
        db_reset(q);
        return E_FORBIDDEN;
}

static enum errc drop_steps_from(struct db *db, const struct store_intent *in)
{
        sqlite3_stmt *q = db_query(db, "DELETE FROM intent_step WHERE brand = ?1 AND intent = ?2"
                                       " AND position >= ?3");

        db_bind_text(q, 1, in->brand);
        db_bind_bytes(q, 2, in->id.b, sizeof in->id.b);
        db_bind_int(q, 3, in->n_steps);
        return db_run(db, q);
}

enum errc store_intent_rows_update(struct db *db, const struct store_intent *in)
{
        enum errc rc = update_row(db, in);

        if (!rc && db_changes(db) == 0)
                rc = explain_miss(db, in);
        if (!rc)
                rc = drop_steps_from(db, in);
        return rc ? rc : put_parts(db, in);
}

/* --- reading --- */

static enum errc read_state(struct db *db, sqlite3_stmt *q, int i, enum intent_state *out)
{
        char name[16];
        enum errc rc = db_get_text(db, q, i, name, sizeof name);

        return rc ? rc : state_parse(out, name);
}

static enum errc read_step(struct db *db, sqlite3_stmt *q, struct store_intent *out)
{
        struct store_intent_step *step = &out->step[out->n_steps];
        enum errc rc;

        if (out->n_steps == INTENT_STEPS_MAX)
                return E_STORE_DOWN;
        rc = db_get_text(db, q, 0, step->action, sizeof step->action);
        if (!rc)
                rc = read_state(db, q, 1, &step->state);
        if (!rc)
                rc = db_get_bytes(db, q, 4, step->digest.b, sizeof step->digest.b);
        step->nonce = db_get_u64(q, 2);
        step->expires_after = db_get_u64(q, 3);
        out->n_steps++;
        return rc;
}

static enum errc read_order(struct db *db, sqlite3_stmt *q, struct store_intent *out)
{
        struct store_intent_order *order = &out->order[out->n_orders];
        enum errc rc;

        if (out->n_orders == INTENT_ORDERS_MAX)
                return E_STORE_DOWN;
        rc = db_get_bytes(db, q, 0, order->cloid.b, sizeof order->cloid.b);
        if (!rc)
                rc = db_get_text(db, q, 1, order->role, sizeof order->role);
        order->oid = db_get_u64(q, 2);
        out->n_orders++;
        return rc;
}

static enum errc read_parts(struct db *db, const char *sql, struct store_intent *out,
                            enum errc (*read)(struct db *, sqlite3_stmt *, struct store_intent *))
{
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_text(q, 1, out->brand);
        db_bind_bytes(q, 2, out->id.b, sizeof out->id.b);
        for (rc = db_step(db, q); !rc; rc = db_step(db, q)) {
                rc = read(db, q, out);
                if (rc) {
                        db_reset(q);
                        return rc;
                }
        }
        return rc == E_NOT_FOUND ? E_OK : rc;
}

static char *copy_text(sqlite3_stmt *q, int i)
{
        const char *text = (const char *)sqlite3_column_text(q, i);

        return text ? xstrndup(text, (size_t)sqlite3_column_bytes(q, i)) : NULL;
}

static enum errc read_row(struct db *db, sqlite3_stmt *q, struct store_intent *out)
{
        enum errc rc;

        rc = db_get_bytes(db, q, 0, out->account.b, sizeof out->account.b);
        if (!rc)
                rc = db_get_bytes(db, q, 1, out->signer.b, sizeof out->signer.b);
        if (!rc)
                rc = db_get_text(db, q, 2, out->kind, sizeof out->kind);
        if (!rc)
                rc = db_get_text(db, q, 3, out->symbol, sizeof out->symbol);
        if (!rc)
                rc = db_get_text(db, q, 4, out->client_id, sizeof out->client_id);
        if (!rc)
                rc = db_get_text(db, q, 5, out->idempotency_key, sizeof out->idempotency_key);
        if (!rc)
                rc = db_get_bytes(db, q, 6, out->request_digest, sizeof out->request_digest);
        if (!rc)
                rc = read_state(db, q, 9, &out->state);
        if (!rc)
                rc = db_get_text(db, q, 10, out->owner, sizeof out->owner);
        out->created_at = db_get_int(q, 7);
        out->updated_at = db_get_int(q, 8);
        out->epoch = db_get_u64(q, 11);
        out->request = copy_text(q, 12);
        out->answer = copy_text(q, 13);
        out->answer_status = (int)db_get_int(q, 14);
        return rc;
}

enum errc store_intent_rows_load(struct db *db, struct store_intent *out)
{
        static const char sql[] =
                "SELECT account, signer, kind, symbol, client_id, idempotency_key, request_digest,"
                " created_at, updated_at, state, owner, epoch, request, answer, answer_status"
                " FROM intent WHERE brand = ?1 AND id = ?2";
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc;

        db_bind_text(q, 1, out->brand);
        db_bind_bytes(q, 2, out->id.b, sizeof out->id.b);
        rc = db_step(db, q);
        if (rc)
                return rc;
        rc = read_row(db, q, out);
        db_reset(q);
        if (!rc)
                rc = read_parts(db,
                                "SELECT action, state, nonce, expires_after, digest"
                                " FROM intent_step WHERE brand = ?1 AND intent = ?2"
                                " ORDER BY position",
                                out, read_step);
        if (!rc)
                rc = read_parts(db,
                                "SELECT cloid, role, oid FROM intent_order"
                                " WHERE brand = ?1 AND intent = ?2 ORDER BY position",
                                out, read_order);
        if (rc)
                store_intent_rows_fini(out);
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

void store_intent_rows_fini(struct store_intent *in)
{
        free_text(&in->request);
        free_text(&in->answer);
}
