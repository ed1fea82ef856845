/* store: while the database takes no writes what reduces risk goes on in the reserve, and nothing of it is
 * lost or doubled. */
#include "fault_vfs.h"
#include "store_rig.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "journal/nonce.h"
#include "store/db.h"
#include "store/store_op.h"

static int setup(void **state)
{
        fault_clear();
        return rig_setup(state);
}

static int teardown(void **state)
{
        fault_clear();
        return rig_teardown(state);
}

static struct store_intent closing(unsigned tag)
{
        struct store_intent in = rig_intent(tag);

        text_copy(in.kind, sizeof in.kind, "close");
        in.client_id[0] = '\0';
        in.reduces_risk = true;
        return in;
}

static struct store_intent settled(struct store_intent in)
{
        in.state = in.step[0].state = INTENT_DONE;
        in.updated_at++;
        in.order[0].oid = 77;
        in.answer = "{\"status\":\"filled\"}";
        in.answer_status = 200;
        return in;
}

/* The disk is full for the database and its log; the reserve has its space already. */
static void fill_disk(void)
{
        fault_set("gateway.db", "-reserve", SQLITE_FULL, SQLITE_OK);
}

static void wait_until_up(struct rig *rig)
{
        for (int i = 0; i < 300 && !store_is_up(rig->store); i++)
                loop_turn(rig->loop, 100);
        assert_true(store_is_up(rig->store));
}

static uint64_t records(struct rig *rig)
{
        struct store_stats stats;

        store_stats(rig->store, &stats);
        return stats.reserve_records;
}

static void expect_done(struct rig *rig, const char *key, enum intent_state state)
{
        struct reply reply;

        assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
        assert_int_equal(reply.intent.state, state);
        if (state == INTENT_DONE) {
                assert_string_equal(reply.answer, "{\"status\":\"filled\"}");
                assert_int_equal(reply.intent.order[0].oid, 77);
        }
}

/* --- a full disk --- */

static void closing_goes_on_and_opening_stops(void **state)
{
        struct rig *rig = *state;
        struct store_intent before = rig_intent(1), open = rig_intent(2), close = closing(3), in;
        struct reply reply;

        assert_int_equal(rig_insert(rig, &before), E_OK);
        assert_null(store_down_reason(rig->store));
        fill_disk();
        assert_int_equal(rig_insert(rig, &open), E_STORE_DOWN);
        assert_false(store_is_up(rig->store));
        assert_non_null(strstr(store_down_reason(rig->store), "full"));
        assert_int_equal(rig_insert(rig, &close), E_OK);
        assert_false(store_is_up(rig->store)); /* what opens risk is still refused */
        assert_int_equal(rig_insert(rig, &open), E_STORE_DOWN);
        expect_done(rig, "key-3", INTENT_RESERVED);
        in = settled(close);
        assert_int_equal(rig_update(rig, &in), E_OK);
        expect_done(rig, "key-3", INTENT_DONE);
        /* The outcome of one that was opened before. */
        in = settled(before);
        assert_int_equal(rig_update(rig, &in), E_OK);
        expect_done(rig, "key-1", INTENT_DONE);
        assert_true(records(rig) > 0);

        fault_clear();
        wait_until_up(rig);
        assert_int_equal(records(rig), 0);
        expect_done(rig, "key-3", INTENT_DONE);
        expect_done(rig, "key-1", INTENT_DONE);
        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_NOT_FOUND);
        assert_int_equal(rig_insert(rig, &open), E_OK);
        rig_reopen(rig);
        expect_done(rig, "key-3", INTENT_DONE);
        expect_done(rig, "key-1", INTENT_DONE);
}

static void names_stay_taken_across_both(void **state)
{
        struct rig *rig = *state;
        struct store_intent first = closing(1), again, in;

        assert_int_equal(rig_insert(rig, &first), E_OK);
        fill_disk();
        in = closing(2);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(rig_insert(rig, &in), E_EXISTS); /* in the reserve */
        again = closing(3);
        text_copy(again.idempotency_key, sizeof again.idempotency_key, "key-1");
        assert_int_equal(rig_insert(rig, &again), E_EXISTS); /* in the database */
        again = closing(1);
        again.idempotency_key[0] = '\0';
        assert_int_equal(rig_insert(rig, &again), E_EXISTS); /* by its cloid */
        in = closing(9);
        assert_int_equal(rig_update(rig, &in), E_NOT_FOUND);
        fault_clear();
        wait_until_up(rig);
        in = closing(2);
        assert_int_equal(rig_insert(rig, &in), E_EXISTS);
}

static void on_loaded(void *cookie, enum errc rc)
{
        rig_count(cookie, rc);
}

/* The nonce that the ledger gives next, at this time. */
static uint64_t next_nonce(struct rig *rig, int64_t now)
{
        struct addr signer = rig_addr(2);
        struct clock_manual clock;
        struct reply reply = {0};
        uint64_t first = 0;

        clock_manual_init(&clock, now);
        struct nonce_ledger *ledger = nonce_ledger_new(rig->store, &clock.clock);
        nonce_ledger_load(ledger, &signer, on_loaded, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        assert_int_equal(nonce_ledger_take(ledger, &signer, 1, &first), E_OK);
        nonce_ledger_free(ledger);
        return first;
}

static void nonces_go_on_from_both(void **state)
{
        struct rig *rig = *state;
        struct store_intent low = closing(10), high = closing(20);

        assert_int_equal(rig_insert(rig, &high), E_OK);
        fill_disk();
        assert_int_equal(rig_insert(rig, &low), E_OK);
        assert_int_equal(next_nonce(rig, 1000), 5021); /* the database's is higher */
        high = closing(30);
        assert_int_equal(rig_insert(rig, &high), E_OK);
        assert_int_equal(next_nonce(rig, 1000), 5031);
        fault_clear();
        wait_until_up(rig);
        assert_int_equal(next_nonce(rig, 1000), 5031);
}

static void on_orders(void *cookie, enum errc rc, const struct store_order *orders, size_t n)
{
        struct reply *reply = cookie;

        rig_count(reply, rc);
        assert_int_equal(n, 3);
        assert_true(orders[0].is_known);
        assert_true(orders[1].is_known);
        assert_false(orders[2].is_known);
        assert_string_equal(orders[0].role, "order");
}

static void orders_are_known_by_both(void **state)
{
        struct rig *rig = *state;
        struct cloid cloids[3] = {rig_cloid(1), rig_cloid(2), rig_cloid(3)};
        struct store_intent a = closing(1), b = closing(2);
        struct addr account = rig_addr(1);
        struct reply reply = {0};

        assert_int_equal(rig_insert(rig, &a), E_OK);
        fill_disk();
        assert_int_equal(rig_insert(rig, &b), E_OK);
        store_order_lookup(rig->store, BRAND_A, &account, cloids, 3, on_orders, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
}

/* Reads that share a batch with what fails are answered: the disk is full, not unreadable. */
static void reading_beside_what_fails_goes_on(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = closing(1), open = rig_intent(2);
        struct reply failed = {0}, found = {0};

        assert_int_equal(rig_insert(rig, &in), E_OK);
        fill_disk();
        assert_int_equal(rig_insert(rig, &open), E_STORE_DOWN); /* from here on it is known */
        store_op_lock(rig->store);
        for (int i = 0; i < 20; i++) {
                store_intent_insert(rig->store, &open, rig_on_done, &failed);
                store_intent_by_key(rig->store, in.brand, &in.account, in.idempotency_key,
                                    rig_on_intent, &found);
        }
        store_op_unlock(rig->store);
        rig_wait(rig, &found, 20);
        rig_wait(rig, &failed, 20);
        assert_int_equal(failed.n_down, 20);
        assert_int_equal(found.n_ok, 20);
}

static void the_reserve_outlives_a_kill(void **state)
{
        struct rig *rig = *state;
        int status;

        store_close(rig->store);
        rig->store = NULL;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct rig child = *rig;
                struct store_intent in = closing(1), open = rig_intent(2);
                struct err err = {0};

                child.loop = loop_new();
                child.store = store_open(child.loop, child.file, &err);
                if (!child.store || rig_insert(&child, &open))
                        _exit(2);
                fill_disk();
                if (rig_insert(&child, &in))
                        _exit(3);
                in = settled(in);
                open = settled(open);
                if (rig_update(&child, &in) || rig_update(&child, &open))
                        _exit(4);
                kill(getpid(), SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        rig_open(rig);
        assert_true(store_is_up(rig->store));
        assert_int_equal(records(rig), 0);
        expect_done(rig, "key-1", INTENT_DONE);
        expect_done(rig, "key-2", INTENT_DONE);
        /* What was taken over is not taken over again, over what came later. */
        struct store_intent later = settled(rig_intent(2));
        later.answer = "{\"status\":\"filled\",\"later\":true}";
        assert_int_equal(rig_update(rig, &later), E_OK);
        rig_reopen(rig);
        struct reply reply;
        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_OK);
        assert_string_equal(reply.answer, later.answer);
}

static void taking_over_is_done_once_though_emptying_failed(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = closing(1), later;
        struct reply reply;

        fill_disk();
        assert_int_equal(rig_insert(rig, &in), E_OK);
        fault_set("-reserve", NULL, SQLITE_IOERR_WRITE, SQLITE_OK); /* the other way round */
        wait_until_up(rig);
        assert_int_equal(records(rig), 0);
        later = settled(in);
        assert_int_equal(rig_update(rig, &later), E_OK);
        store_close(rig->store);
        fault_clear();
        rig_open(rig);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        assert_int_equal(reply.intent.state, INTENT_DONE);
        fill_disk(); /* and it can be used again */
        in = closing(2);
        assert_int_equal(rig_insert(rig, &in), E_OK);
}

static void a_start_on_a_full_disk_says_so(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = closing(1);
        struct err err = {0};

        fill_disk();
        assert_int_equal(rig_insert(rig, &in), E_OK);
        store_close(rig->store);
        rig->store = store_open(rig->loop, rig->file, &err);
        assert_null(rig->store);
        assert_non_null(strstr(err.detail, "full"));
        fault_clear();
        rig_open(rig);
        expect_done(rig, "key-1", INTENT_RESERVED);
}

static void a_reserve_that_is_used_up_refuses(void **state)
{
        struct rig *rig = *state;
        char *request = xcalloc(1, STORE_BLOB_MAX);
        struct store_stats stats;
        unsigned n = 0;

        memset(request, 'x', STORE_BLOB_MAX - 1);
        fill_disk();
        struct store_intent in = closing(0);
        in.request = request;
        while (n < 40 && rig_insert(rig, &in) == E_OK) {
                in = closing(++n);
                in.request = request;
        }
        store_stats(rig->store, &stats);
        assert_true(n >= 10);
        assert_true(n < 40);
        struct reply reply;
        assert_int_equal(rig_by_key(rig, &reply, "key-3"), E_OK);
        fault_clear();
        wait_until_up(rig);
        for (unsigned i = 0; i < n; i++) {
                char key[32];
                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
        }
        store_stats(rig->store, &stats);
        assert_true(stats.reserve_pages > 900);
        free(request);
}

/* --- a real one --- */

static void fill_up(const char *folder, const char *name, size_t leave)
{
        char path[400], block[4096] = {1};
        struct statvfs fs;
        int fd;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT, 0600);
        assert_true(fd >= 0);
        for (;;) {
                assert_int_equal(fstatvfs(fd, &fs), 0);
                if (fs.f_bavail * fs.f_bsize <= leave || write(fd, block, sizeof block) < 0)
                        break;
        }
        close(fd);
}

static void a_small_disk_fills_and_empties(void **state)
{
        struct rig *rig = *state;
        char disk[280], filler[400];
        struct store_intent in;
        struct reply reply;
        unsigned n = 0, n_open = 0;

        snprintf(disk, sizeof disk, "%s/disk", rig->folder);
        assert_int_equal(mkdir(disk, 0700), 0);
        if (mount("none", disk, "tmpfs", 0, "size=16m")) {
                rmdir(disk);
                skip();
        }
        store_close(rig->store);
        char before[300];
        memcpy(before, rig->file, sizeof before);
        assert_true(snprintf(rig->file, sizeof rig->file, "%s/gateway.db", disk) > 0);
        rig_open(rig);
        in = rig_intent(5000);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        fill_up(disk, "filler", 0);
        /* Orders go on until the log needs another page, and not after. */
        for (n_open = 0; n_open < 3000; n_open++) {
                in = rig_intent(n_open);
                if (rig_insert(rig, &in))
                        break;
        }
        assert_true(n_open < 3000);
        assert_false(store_is_up(rig->store));
        for (n = 0; n < 100; n++) {
                in = closing(6000 + n);
                assert_int_equal(rig_insert(rig, &in), E_OK);
        }
        snprintf(filler, sizeof filler, "%s/filler", disk);
        assert_int_equal(unlink(filler), 0);
        wait_until_up(rig);
        for (unsigned i = 0; i < n_open; i++) {
                char key[32];
                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
        }
        for (unsigned i = 6000; i < 6000 + n; i++) {
                char key[32];
                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
        }
        store_close(rig->store);
        rig->store = NULL;
        assert_int_equal(umount(disk), 0);
        assert_int_equal(rmdir(disk), 0);
        memcpy(rig->file, before, sizeof before);
        rig_open(rig);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                RIG(closing_goes_on_and_opening_stops),
                RIG(names_stay_taken_across_both),
                RIG(nonces_go_on_from_both),
                RIG(orders_are_known_by_both),
                RIG(reading_beside_what_fails_goes_on),
                RIG(the_reserve_outlives_a_kill),
                RIG(taking_over_is_done_once_though_emptying_failed),
                RIG(a_start_on_a_full_disk_says_so),
                RIG(a_reserve_that_is_used_up_refuses),
                RIG(a_small_disk_fills_and_empties),
        };

        fault_install();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
