/* What journaling an order costs, beside the least that SQLite could do for it.
 *
 * The store: an order's intent is inserted with its letter and later updated with its answer, through store.h, both
 * threads counted. In each wave a number of new orders is inserted and those of the wave before are
 * updated, so that the store makes batches as a busy gateway does. Traders, keys and texts are of the
 * usual kind. The floor: one connection with the same settings, one bare INSERT and one bare UPDATE
 * per order with the same texts, as many operations per commit as the store had on average. The ratio
 * of the two, from one run, is the result.
 *
 * Usage: bench_store [ORDERS] [ORDERS-PER-WAVE] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "store/store.h"

#define N_TRADERS     64
#define WAVE_MAX      256
#define ANSWER_BYTES  1500
#define LETTER_BYTES  620 /* what an order asks, and its signed bytes */
#define STALL_SECONDS 20

static const char request[] =
        "{\"symbol\":\"BTC\",\"side\":\"buy\",\"type\":\"limit\",\"size\":\"0.25\",\"price\":"
        "\"60000\",\"leverage\":10,\"marginMode\":\"isolated\",\"timeInForce\":\"gtc\"}";

static char answer[ANSWER_BYTES + 1];
static char letters[LETTER_BYTES];

#define NEED(x)                                                                                    \
        do {                                                                                       \
                if (!(x)) {                                                                        \
                        fprintf(stderr, "bench_store: %s does not hold\n", #x);                    \
                        exit(1);                                                                   \
                }                                                                                  \
        } while (0)

static int64_t now_ns(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Repeatable, and as scattered as random ids are. */
static uint64_t scatter(uint64_t x)
{
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

static void fill(uint8_t *out, size_t len, uint64_t seed)
{
        for (size_t i = 0; i < len; i++)
                out[i] = (uint8_t)(scatter(seed + i / 8) >> (8 * (i % 8)));
}

struct bench {
        struct loop *loop;
        struct store *store;
        char dir[64], file[96];
        unsigned n_orders, wave;
        bool ids_grow; /* with time, instead of being random */
        unsigned n_done;
        struct store_intent intents[2][WAVE_MAX]; /* of this wave and of the one before */
};

static void make_intent(struct store_intent *in, unsigned i, bool ids_grow)
{
        unsigned trader = (unsigned)(scatter(i) % N_TRADERS);

        *in = (struct store_intent){.brand = "meridian",
                                    .kind = "order",
                                    .symbol = "BTC",
                                    .created_at = INT64_C(1790000000000) + i,
                                    .updated_at = INT64_C(1790000000000) + i,
                                    .state = INTENT_RESERVED,
                                    .owner = "node-1",
                                    .epoch = 1,
                                    .n_steps = 1,
                                    .n_orders = 1,
                                    .request = request,
                                    .letters = letters,
                                    .letters_len = sizeof letters};
        fill(in->id.b, sizeof in->id.b, 100 * (uint64_t)i);
        for (int b = 0; b < 6 && ids_grow; b++)
                in->id.b[b] = (uint8_t)((UINT64_C(1790000000000) + i) >> (40 - 8 * b));
        fill(in->account.b, sizeof in->account.b, UINT64_C(1000000000000) + trader * 10);
        fill(in->signer.b, sizeof in->signer.b, UINT64_C(2000000000000) + trader * 10);
        fill(in->request_digest, sizeof in->request_digest, 100 * (uint64_t)i + 20);
        if (i % 4 == 1)
                snprintf(in->idempotency_key, sizeof in->idempotency_key, "%016llx-%016llx",
                         (unsigned long long)scatter(i * 7u), (unsigned long long)scatter(i * 11u));
        if (i % 8 == 0)
                snprintf(in->client_id, sizeof in->client_id, "grid-%u", i);
        text_copy(in->step[0].action, sizeof in->step[0].action, "order");
        in->step[0].nonce = UINT64_C(1790000000000) + i;
        in->step[0].expires_after = UINT64_C(1790000060000) + i;
        fill(in->step[0].digest.b, sizeof in->step[0].digest.b, 100 * (uint64_t)i + 40);
        in->order[0].cloid = in->id;
        text_copy(in->order[0].role, sizeof in->order[0].role, "order");
}

static void on_done(void *cookie, enum errc rc)
{
        struct bench *bench = cookie;

        NEED(rc == E_OK);
        bench->n_done++;
}

static void settle(struct bench *bench, struct store_intent *in, unsigned i)
{
        in->state = in->step[0].state = INTENT_DONE;
        in->updated_at += 90;
        in->order[0].oid = UINT64_C(90000000000) + i;
        in->answer = answer;
        in->letters = NULL; /* final: the store erases them */
        in->answer_status = 201;
        store_intent_update(bench->store, in, on_done, bench);
}

/* Both clocks' CPU time: of the process, and of the loop's thread within it. */
static void run_store(struct bench *bench, int64_t *process, int64_t *loop)
{
        unsigned n_waves = bench->n_orders / bench->wave, n_expected = 0;

        *process = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        *loop = now_ns(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned w = 0; w <= n_waves; w++) {
                int64_t deadline = now_ns(CLOCK_MONOTONIC) + STALL_SECONDS * INT64_C(1000000000);

                for (unsigned k = 0; k < bench->wave; k++) {
                        unsigned i = w * bench->wave + k;
                        if (w > 0)
                                settle(bench, &bench->intents[(w - 1) % 2][k], i - bench->wave);
                        if (w == n_waves)
                                continue;
                        make_intent(&bench->intents[w % 2][k], i, bench->ids_grow);
                        store_intent_insert(bench->store, &bench->intents[w % 2][k], on_done,
                                            bench);
                }
                n_expected += bench->wave * (w == 0 || w == n_waves ? 1 : 2);
                while (bench->n_done < n_expected) {
                        NEED(now_ns(CLOCK_MONOTONIC) < deadline);
                        loop_turn(bench->loop, 100);
                }
        }
        *process = now_ns(CLOCK_PROCESS_CPUTIME_ID) - *process;
        *loop = now_ns(CLOCK_THREAD_CPUTIME_ID) - *loop;
}

/* --- the floor --- */

static sqlite3_stmt *prepare(sqlite3 *conn, const char *sql)
{
        sqlite3_stmt *stmt = NULL;

        NEED(sqlite3_prepare_v3(conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == 0);
        return stmt;
}

static void run_bound(sqlite3_stmt *stmt, int64_t id, const char *text)
{
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
        NEED(sqlite3_step(stmt) == SQLITE_DONE);
        sqlite3_reset(stmt);
}

static void run_alone(sqlite3_stmt *stmt)
{
        NEED(sqlite3_step(stmt) == SQLITE_DONE);
        sqlite3_reset(stmt);
}

/* Half of each batch's operations insert, the others update what an earlier batch inserted. */
static int64_t run_floor(sqlite3 *conn, unsigned n_orders, unsigned per_batch)
{
        sqlite3_stmt *begin = prepare(conn, "BEGIN IMMEDIATE");
        sqlite3_stmt *commit = prepare(conn, "COMMIT");
        sqlite3_stmt *insert = prepare(conn, "INSERT INTO o (id, request) VALUES (?1, ?2)");
        sqlite3_stmt *update = prepare(conn, "UPDATE o SET answer = ?2 WHERE id = ?1");
        unsigned half = per_batch > 1 ? per_batch / 2 : 1;
        int64_t began = now_ns(CLOCK_PROCESS_CPUTIME_ID);

        for (unsigned at = 0; at < n_orders + half; at += half) {
                run_alone(begin);
                for (unsigned i = at; i < at + half; i++) {
                        if (i < n_orders)
                                run_bound(insert, i, request);
                        if (i >= half && i - half < n_orders)
                                run_bound(update, i - half, answer);
                }
                run_alone(commit);
        }
        began = now_ns(CLOCK_PROCESS_CPUTIME_ID) - began;
        sqlite3_finalize(begin);
        sqlite3_finalize(commit);
        sqlite3_finalize(insert);
        sqlite3_finalize(update);
        return began;
}

static int64_t measure_floor(const struct bench *bench, unsigned per_batch)
{
        static const char setup[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                    "CREATE TABLE o (id INTEGER PRIMARY KEY, request TEXT, answer "
                                    "TEXT);";
        char file[128];
        sqlite3 *conn = NULL;

        snprintf(file, sizeof file, "%s/floor.db", bench->dir);
        NEED(sqlite3_open_v2(file, &conn,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             NULL) == 0);
        NEED(sqlite3_exec(conn, setup, NULL, NULL, NULL) == 0);
        int64_t spent = run_floor(conn, bench->n_orders, per_batch);
        sqlite3_close(conn);
        unlink(file);
        return spent;
}

/* --- the program --- */

static void make_folder(struct bench *bench)
{
        for (size_t i = 0; i < ANSWER_BYTES; i++)
                answer[i] = "{\"id\":\"0x12ab\",\"filled\":\"0.25\"}"[i % 31];
        text_copy(bench->dir, sizeof bench->dir, "/tmp/perpgate-bench-store-XXXXXX");
        NEED(mkdtemp(bench->dir));
        snprintf(bench->file, sizeof bench->file, "%s/gateway.db", bench->dir);
}

static void open_store(struct bench *bench)
{
        struct err err = {.code = E_OK};

        bench->loop = loop_new();
        bench->store = store_open(bench->loop, bench->file, &err);
        if (!bench->store) {
                fprintf(stderr, "bench_store: %s\n", err.detail);
                exit(1);
        }
}

static void close_store(struct bench *bench)
{
        static const char *const suffixes[] = {"", "-lock", "-reserve", "-reserve-journal"};
        char path[128];

        store_close(bench->store);
        loop_free(bench->loop);
        for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
                snprintf(path, sizeof path, "%s%s", bench->file, suffixes[i]);
                unlink(path);
        }
}

static unsigned argument(int argc, char **argv, int i, unsigned fallback, unsigned max)
{
        unsigned long v = argc > i ? strtoul(argv[i], NULL, 10) : fallback;

        NEED(v >= 1 && v <= max);
        return (unsigned)v;
}

struct result {
        int64_t process, loop; /* ns of CPU: both threads', the loop's */
        unsigned per_batch;
};

static struct result measure_store(struct bench *bench, bool ids_grow)
{
        struct result result;
        struct store_stats stats;

        bench->ids_grow = ids_grow;
        bench->n_done = 0;
        open_store(bench);
        run_store(bench, &result.process, &result.loop);
        store_stats(bench->store, &stats);
        result.per_batch = (unsigned)((stats.operations + stats.commits / 2) / stats.commits);
        close_store(bench);
        return result;
}

static void print_result(const char *what, const struct bench *bench, const struct result *result,
                         int64_t least)
{
        printf("%s: %lld.%02lld times that; %lld ns of CPU per order, %lld of them on the loop; "
               "%u operations per commit\n",
               what, (long long)(result->process / least),
               (long long)(result->process * 100 / least % 100),
               (long long)(result->process / bench->n_orders),
               (long long)(result->loop / bench->n_orders), result->per_batch);
}

int main(int argc, char **argv)
{
        static struct bench bench;
        struct result scattered, growing;

        bench.n_orders = argument(argc, argv, 1, 20000, 10000000);
        bench.wave = argument(argc, argv, 2, 16, WAVE_MAX);
        bench.n_orders -= bench.n_orders % bench.wave;
        NEED(bench.n_orders > 0);
        make_folder(&bench);
        scattered = measure_store(&bench, false);
        growing = measure_store(&bench, true);
        int64_t least = measure_floor(&bench, scattered.per_batch);
        printf("%u orders, one bare INSERT and UPDATE each: %lld ns of CPU per order\n",
               bench.n_orders, (long long)(least / bench.n_orders));
        print_result("journal, random ids", &bench, &scattered, least);
        print_result("journal, ids that grow with time", &bench, &growing, least);
        rmdir(bench.dir);
        return 0;
}
