/* What the journal costs an order: orders a second and latency with it and without it, in one run.
 *
 * An order here is one turn of the loop, the signature over its digest, and another turn: what a gateway does
 * for each beside talking to the venue. Journaled, the intent is on disk before the signature, and its outcome
 * before the answer: two commits' waits. CONCURRENT orders are under way at any time, and each that ends
 * begins the next; those whose commits wait at the same time share one sync. Both kinds alternate in slices, so
 * that a busy machine is busy for both.
 *
 * Usage: bench_journal [ORDERS] [FOLDER] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/secret.h"
#include "loop/loop.h"
#include "sign/secp.h"
#include "store/store.h"
#include "store/store_backup.h"

#define SLICES         10
#define CONCURRENT_MAX 64
#define STALL_SECONDS  60
#define SYNCS          200
#define BACKUP_RATE    8192000 /* as configured by default */

static const char request[] =
        "{\"symbol\":\"BTC\",\"side\":\"buy\",\"type\":\"limit\",\"size\":\"0.25\",\"price\":"
        "\"60000\",\"leverage\":10,\"marginMode\":\"isolated\",\"timeInForce\":\"gtc\"}";

#define NEED(x)                                                                                    \
        do {                                                                                       \
                if (!(x)) {                                                                        \
                        fprintf(stderr, "bench_journal: %s does not hold\n", #x);                  \
                        exit(1);                                                                   \
                }                                                                                  \
        } while (0)

struct bench;

struct slot {
        struct bench *bench;
        int64_t began_ns;
        struct store_intent intent;
};

struct series {
        int64_t *latency_ns;
        unsigned n;
        int64_t spent_ns;
};

struct bench {
        struct loop *loop;
        struct store *store;
        struct secp *secp;
        uint8_t key[32];
        char dir[256], file[300], answer[1501];
        uint64_t next_tag;
        struct slot slot[CONCURRENT_MAX];
        bool is_journaled;
        unsigned n_left, n_open;
        struct series *series;
        struct store_backup *backup;
        char backups[300];
        unsigned n_backups;
};

static int64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

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

static void make_intent(struct store_intent *in, uint64_t tag)
{
        uint64_t trader = scatter(tag) % 64;

        *in = (struct store_intent){.brand = "meridian",
                                    .kind = "order",
                                    .symbol = "BTC",
                                    .created_at = INT64_C(1790000000000) + (int64_t)tag,
                                    .updated_at = INT64_C(1790000000000) + (int64_t)tag,
                                    .owner = "local",
                                    .epoch = 1,
                                    .n_steps = 1,
                                    .n_orders = 1,
                                    .request = request};
        fill(in->id.b, sizeof in->id.b, 1000 * tag);
        fill(in->account.b, sizeof in->account.b, UINT64_C(1) << 50 | trader << 8);
        fill(in->signer.b, sizeof in->signer.b, UINT64_C(1) << 51 | trader << 8);
        fill(in->request_digest, sizeof in->request_digest, 1000 * tag + 100);
        text_copy(in->step[0].action, sizeof in->step[0].action, "order");
        in->step[0].nonce = UINT64_C(1790000000000) + tag;
        in->step[0].expires_after = in->step[0].nonce + 20000;
        fill(in->step[0].digest.b, sizeof in->step[0].digest.b, 1000 * tag + 200);
        in->order[0].cloid = in->id;
        text_copy(in->order[0].role, sizeof in->order[0].role, "order");
}

/* --- one order --- */

static void begin(struct slot *slot);

static void ended(struct slot *slot)
{
        struct bench *b = slot->bench;

        b->series->latency_ns[b->series->n++] = now_ns() - slot->began_ns;
        b->n_open--;
        if (b->n_left)
                begin(slot);
}

static void answered(void *arg)
{
        ended(arg);
}

static void settled(void *cookie, enum errc rc)
{
        NEED(rc == E_OK);
        ended(cookie);
}

static void sign(struct slot *slot)
{
        struct bench *b = slot->bench;
        struct store_intent *in = &slot->intent;
        struct signature sig;

        NEED(secp_sign(b->secp, &sig, &in->step[0].digest, b->key) == E_OK);
        if (!b->is_journaled) {
                loop_post(b->loop, answered, slot);
                return;
        }
        in->state = in->step[0].state = INTENT_DONE;
        in->updated_at += 90;
        in->order[0].oid = in->step[0].nonce;
        in->answer = b->answer;
        in->answer_status = 200;
        store_intent_update(b->store, in, settled, slot);
}

static void turned(void *arg)
{
        sign(arg);
}

static void journaled(void *cookie, enum errc rc)
{
        NEED(rc == E_OK);
        sign(cookie);
}

static void begin(struct slot *slot)
{
        struct bench *b = slot->bench;

        b->n_left--;
        b->n_open++;
        slot->began_ns = now_ns();
        make_intent(&slot->intent, ++b->next_tag);
        if (b->is_journaled)
                store_intent_insert(b->store, &slot->intent, journaled, slot);
        else
                loop_post(b->loop, turned, slot);
}

/* --- series --- */

static void run_slice(struct bench *b, struct series *series, bool is_journaled, unsigned n,
                      unsigned n_concurrent)
{
        int64_t began = now_ns(), until = began + STALL_SECONDS * INT64_C(1000000000);

        b->series = series;
        b->is_journaled = is_journaled;
        b->n_left = n;
        for (unsigned i = 0; i < n_concurrent && b->n_left; i++)
                begin(&b->slot[i]);
        while (b->n_open) {
                NEED(now_ns() < until);
                loop_turn(b->loop, 100);
        }
        series->spent_ns += now_ns() - began;
}

static int by_value(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

static int64_t us_at(const struct series *s, unsigned percent)
{
        return s->latency_ns[(size_t)s->n * percent / 100] / 1000;
}

static int64_t per_second(const struct series *s)
{
        return (int64_t)s->n * INT64_C(1000000000) / s->spent_ns;
}

/* One copy after another, while the journaled slices run. */
static void keep_copying(struct bench *b)
{
        struct store_backup_status status;
        struct err err = {.code = E_OK};
        char name[32];

        store_backup_status(b->backup, &status);
        NEED(status.state != BACKUP_FAILED);
        if (status.state == BACKUP_RUNNING)
                return;
        snprintf(name, sizeof name, "%u.db", b->n_backups);
        if (store_backup_start(b->backup, name, &err) == E_OK)
                b->n_backups++;
}

static void measure(struct bench *b, unsigned n, unsigned n_concurrent, bool while_copied)
{
        struct series with = {.n = 0}, without = {.n = 0};
        struct store_stats before, after;
        int64_t permille;

        with.latency_ns = xcalloc(n, sizeof *with.latency_ns);
        without.latency_ns = xcalloc(n, sizeof *without.latency_ns);
        store_stats(b->store, &before);
        for (int i = 0; i < SLICES; i++) {
                run_slice(b, &without, false, n / SLICES, n_concurrent);
                if (while_copied)
                        keep_copying(b);
                run_slice(b, &with, true, n / SLICES, n_concurrent);
        }
        store_stats(b->store, &after);
        qsort(with.latency_ns, with.n, sizeof *with.latency_ns, by_value);
        qsort(without.latency_ns, without.n, sizeof *without.latency_ns, by_value);
        permille = per_second(&with) * 1000 / per_second(&without);
        uint64_t commits = after.commits - before.commits;
        printf("%3u%7s %12lld %12lld %6lld.%01lld%% %10lld %10lld %10llu.%02llu\n", n_concurrent,
               while_copied ? " copied" : "", (long long)per_second(&without),
               (long long)per_second(&with), (long long)(permille / 10), (long long)(permille % 10),
               (long long)(us_at(&with, 50) - us_at(&without, 50)),
               (long long)(us_at(&with, 99) - us_at(&without, 99)),
               (unsigned long long)(2 * (uint64_t)with.n / commits),
               (unsigned long long)(200 * (uint64_t)with.n / commits % 100));
        free(with.latency_ns);
        free(without.latency_ns);
}

/* The disk's own word: a page written and synced, one after another. */
static int64_t sync_us(const struct bench *b)
{
        char path[320], page[4096] = {1};
        int64_t took[SYNCS];
        int fd;

        snprintf(path, sizeof path, "%s/sync", b->dir);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        NEED(fd >= 0);
        for (int i = 0; i < SYNCS; i++) {
                took[i] = now_ns();
                NEED(write(fd, page, sizeof page) == (ssize_t)sizeof page && fdatasync(fd) == 0);
                took[i] = now_ns() - took[i];
        }
        close(fd);
        unlink(path);
        qsort(took, SYNCS, sizeof *took, by_value);
        return took[SYNCS / 2] / 1000;
}

/* --- the program --- */

static void open_bench(struct bench *b, const char *folder)
{
        struct err err = {.code = E_OK};

        secret_process_init();
        memset(b->answer, 'x', sizeof b->answer - 1);
        b->key[31] = 7;
        snprintf(b->dir, sizeof b->dir, "%s/perpgate-bench-journal-XXXXXX", folder);
        NEED(mkdtemp(b->dir));
        snprintf(b->file, sizeof b->file, "%s/gateway.db", b->dir);
        b->secp = secp_new();
        b->loop = loop_new();
        b->store = store_open(b->loop, b->file, &err);
        if (!b->store) {
                fprintf(stderr, "bench_journal: %s\n", err.detail);
                exit(1);
        }
        for (unsigned i = 0; i < CONCURRENT_MAX; i++)
                b->slot[i].bench = b;
        snprintf(b->backups, sizeof b->backups, "%s/backups", b->dir);
        struct store_backup_options options = {.folder = b->backups,
                                               .bytes_per_second = BACKUP_RATE};
        b->backup = store_backup_new(b->store, &options);
}

static void close_bench(struct bench *b)
{
        static const char *const suffixes[] = {"", "-lock", "-reserve", "-reserve-journal"};
        char path[400];

        store_close(b->store);
        store_backup_free(b->backup);
        for (unsigned i = 0; i < b->n_backups; i++) {
                snprintf(path, sizeof path, "%s/%u.db", b->backups, i);
                unlink(path);
                snprintf(path, sizeof path, "%s/%u.db.sha256", b->backups, i);
                unlink(path);
        }
        rmdir(b->backups);
        loop_free(b->loop);
        secp_free(b->secp);
        for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
                snprintf(path, sizeof path, "%s%s", b->file, suffixes[i]);
                unlink(path);
        }
        rmdir(b->dir);
}

int main(int argc, char **argv)
{
        static struct bench bench;
        unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;

        NEED(n >= 100 && n <= 1000000);
        n -= n % SLICES;
        open_bench(&bench, argc > 2 ? argv[2] : "/tmp");
        printf("%lu orders each way; a page written and synced alone: %lld us\n", n,
               (long long)sync_us(&bench));
        printf("%10s %12s %12s %8s %10s %10s %13s\n", "concurrent", "without /s", "journaled /s",
               "ratio", "+p50 us", "+p99 us", "writes/commit");
        measure(&bench, (unsigned)n, 1, false);
        measure(&bench, (unsigned)n, 16, false);
        measure(&bench, (unsigned)n, 64, false);
        measure(&bench, (unsigned)n, 16, true);
        close_bench(&bench);
        return 0;
}
