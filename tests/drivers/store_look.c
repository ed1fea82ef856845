/* store_look: a store that nobody has open, by what it holds.
 * Usage: store_look FILE. Prints one line of JSON: intents that are not final, by state; how many there
 * are; entries of the audit log, and the first at which its chain breaks. Ends with 0 when it could be read.
 * It knows the format from migrations/001_initial.sql alone, on purpose: it shares no code with what
 * wrote it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>
#include <sqlite3.h>

#define HASH_BYTES 32

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
        sqlite3_stmt *statement;

        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
                (void)fprintf(stderr, "store_look: %s\n", sqlite3_errmsg(db));
                exit(EXIT_FAILURE);
        }
        return statement;
}

static bool step(sqlite3 *db, sqlite3_stmt *statement)
{
        int rc = sqlite3_step(statement);

        if (rc == SQLITE_ROW)
                return true;
        if (rc != SQLITE_DONE) {
                (void)fprintf(stderr, "store_look: %s\n", sqlite3_errmsg(db));
                exit(EXIT_FAILURE);
        }
        return false;
}

static json_int_t number(sqlite3 *db, const char *sql)
{
        sqlite3_stmt *statement = prepare(db, sql);
        json_int_t value = step(db, statement) ? sqlite3_column_int64(statement, 0) : 0;

        (void)sqlite3_finalize(statement);
        return value;
}

/* ---- Intents --------------------------------------------------------------------------------- */

static json_t *hex_text(sqlite3_stmt *row, int column)
{
        char text[2 * HASH_BYTES + 1];
        int len = sqlite3_column_bytes(row, column);

        if (len > HASH_BYTES)
                len = HASH_BYTES;
        (void)sodium_bin2hex(text, sizeof(text), sqlite3_column_blob(row, column), (size_t)len);
        return json_sprintf("0x%s", text);
}

static json_t *intents_open(sqlite3 *db)
{
        static const char sql[] =
                "SELECT i.id, i.kind, coalesce(o.state, i.state), i.created_at, i.account"
                " FROM intent i LEFT JOIN intent_outcome o ON o.number = i.number"
                " WHERE coalesce(o.state, i.state) IN (0, 1, 4) OR i.number IN"
                " (SELECT number FROM intent_open) ORDER BY i.number LIMIT 1000";
        static const char *const states[] = {"reserved", "sent", "done", "rejected", "unknown"};
        sqlite3_stmt *row = prepare(db, sql);
        json_t *list = json_array();

        while (step(db, row)) {
                int state = sqlite3_column_int(row, 2);
                bool is_known = state >= 0 && state < (int)(sizeof(states) / sizeof(states[0]));
                json_t *one = json_object();

                (void)json_object_set_new(one, "id", hex_text(row, 0));
                (void)json_object_set_new(one, "kind",
                                          json_string((const char *)sqlite3_column_text(row, 1)));
                (void)json_object_set_new(one, "state",
                                          json_string(is_known ? states[state] : "?"));
                (void)json_object_set_new(one, "at", json_integer(sqlite3_column_int64(row, 3)));
                (void)json_object_set_new(one, "account", hex_text(row, 4));
                (void)json_array_append_new(list, one);
        }
        (void)sqlite3_finalize(row);
        return list;
}

/* ---- The audit log --------------------------------------------------------------------------- */

static void hash_number(crypto_generichash_state *state, sqlite3_int64 value)
{
        uint8_t bytes[8];

        for (int i = 0; i < 8; i++)
                bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
        (void)crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void hash_column(crypto_generichash_state *state, sqlite3_stmt *row, int column)
{
        const unsigned char *text = sqlite3_column_text(row, column);
        int len = sqlite3_column_bytes(row, column);

        hash_number(state, len);
        if (len)
                (void)crypto_generichash_update(state, text, (unsigned long long)len);
}

enum { BRAND, SEQ, AT, ACTOR, ACTION, DETAIL, PREV, HASH };

/* Whether the entry follows the one whose hash is prev, which becomes its own. */
static bool follows(sqlite3_stmt *row, sqlite3_int64 seq, uint8_t prev[HASH_BYTES])
{
        crypto_generichash_state state;
        uint8_t hash[HASH_BYTES];

        if (sqlite3_column_int64(row, SEQ) != seq ||
            sqlite3_column_bytes(row, PREV) != HASH_BYTES ||
            sqlite3_column_bytes(row, HASH) != HASH_BYTES ||
            memcmp(sqlite3_column_blob(row, PREV), prev, HASH_BYTES) != 0)
                return false;
        (void)crypto_generichash_init(&state, NULL, 0, sizeof(hash));
        (void)crypto_generichash_update(&state, prev, HASH_BYTES);
        hash_column(&state, row, BRAND);
        hash_number(&state, seq);
        hash_number(&state, sqlite3_column_int64(row, AT));
        for (int i = ACTOR; i <= DETAIL; i++)
                hash_column(&state, row, i);
        (void)crypto_generichash_final(&state, hash, sizeof(hash));
        memcpy(prev, hash, HASH_BYTES);
        return memcmp(sqlite3_column_blob(row, HASH), hash, HASH_BYTES) == 0;
}

static json_t *audit(sqlite3 *db)
{
        sqlite3_stmt *row = prepare(db, "SELECT brand, seq, at, actor, action, detail, prev_hash,"
                                        " hash FROM audit ORDER BY brand, seq");
        json_t *found = json_object(), *broken = json_null();
        uint8_t prev[HASH_BYTES] = {0};
        char brand[64] = "";
        sqlite3_int64 seq = 0, entries = 0;

        while (json_is_null(broken) && step(db, row)) {
                const char *name = (const char *)sqlite3_column_text(row, BRAND);

                if (!name || strcmp(name, brand) != 0) {
                        (void)snprintf(brand, sizeof(brand), "%s", name ? name : "");
                        memset(prev, 0, sizeof(prev));
                        seq = 0;
                }
                entries++;
                if (!follows(row, ++seq, prev))
                        broken = json_pack("{s:s, s:I}", "brand", brand, "seq", (json_int_t)seq);
        }
        (void)sqlite3_finalize(row);
        (void)json_object_set_new(found, "entries", json_integer(entries));
        (void)json_object_set_new(found, "broken", broken);
        return found;
}

int main(int argc, char **argv)
{
        sqlite3 *db = NULL;
        json_t *all;

        if (argc != 2 || sodium_init() < 0) {
                (void)fputs("usage: store_look FILE\n", stderr);
                return 2;
        }
        if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
                (void)fprintf(stderr, "store_look: %s: %s\n", argv[1], sqlite3_errmsg(db));
                (void)sqlite3_close(db);
                return EXIT_FAILURE;
        }
        all = json_object();
        (void)json_object_set_new(all, "intents",
                                  json_integer(number(db, "SELECT count(*) FROM intent")));
        (void)json_object_set_new(all, "open", intents_open(db));
        (void)json_object_set_new(all, "audit", audit(db));
        (void)json_dumpf(all, stdout, JSON_COMPACT);
        (void)putchar('\n');
        json_decref(all);
        (void)sqlite3_close(db);
        return EXIT_SUCCESS;
}
