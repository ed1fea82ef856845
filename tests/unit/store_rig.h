/* store_rig: a loop, a store in a folder of its own, and replies to wait for. */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "store/store.h"

#define BRAND_A "meridian"
#define BRAND_B "atlas"

struct rig {
        struct loop *loop;
        struct store *store;
        char folder[256];
        char file[300];
};

/* What the callbacks saw. */
struct reply {
        unsigned n;
        enum errc rc; /* of the last one */
        unsigned n_ok;
        unsigned n_exists;
        unsigned n_down;
        uint64_t highest;
        struct store_account account;
        struct store_session session;
        struct store_intent intent; /* request and answer: the copies below */
        char request[256];
        char answer[256];
};

static inline struct addr rig_addr(unsigned tag)
{
        struct addr a = {{0x11, (uint8_t)(tag >> 8), (uint8_t)tag}};

        return a;
}

static inline struct cloid rig_cloid(unsigned tag)
{
        struct cloid c = {{0x22, (uint8_t)(tag >> 8), (uint8_t)tag}};

        return c;
}

static inline void rig_open(struct rig *rig)
{
        struct err err = {0};

        rig->store = store_open(rig->loop, rig->file, &err);
        if (!rig->store)
                fail_msg("%s", err.detail);
}

static inline int rig_setup(void **state)
{
        struct rig *rig = xcalloc(1, sizeof *rig);

        snprintf(rig->folder, sizeof rig->folder, "%s/perpgate-store-XXXXXX", P_tmpdir);
        assert_non_null(mkdtemp(rig->folder));
        snprintf(rig->file, sizeof rig->file, "%s/gateway.db", rig->folder);
        rig->loop = loop_new();
        rig_open(rig);
        *state = rig;
        return 0;
}

static inline void rig_remove(const struct rig *rig, const char *suffix)
{
        char path[400];

        snprintf(path, sizeof path, "%s%s", rig->file, suffix);
        unlink(path);
}

static inline int rig_teardown(void **state)
{
        struct rig *rig = *state;

        store_close(rig->store);
        loop_free(rig->loop);
        rig_remove(rig, "");
        rig_remove(rig, "-wal");
        rig_remove(rig, "-shm");
        rig_remove(rig, "-lock");
        rig_remove(rig, "-reserve");
        rig_remove(rig, "-reserve-journal");
        rmdir(rig->folder);
        free(rig);
        return 0;
}

static inline void rig_wait(struct rig *rig, const struct reply *reply, unsigned n)
{
        for (int i = 0; i < 500 && reply->n < n; i++)
                loop_turn(rig->loop, 100);
        assert_int_equal(reply->n, n);
}

static inline void rig_reopen(struct rig *rig)
{
        store_close(rig->store);
        rig_open(rig);
}

/* --- callbacks; the cookie is a struct reply --- */

static inline void rig_count(struct reply *reply, enum errc rc)
{
        reply->n++;
        reply->rc = rc;
        reply->n_ok += rc == E_OK;
        reply->n_exists += rc == E_EXISTS;
        reply->n_down += rc == E_STORE_DOWN;
}

static inline void rig_on_done(void *cookie, enum errc rc)
{
        rig_count(cookie, rc);
}

static inline void rig_on_intent(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct reply *reply = cookie;

        rig_count(reply, rc);
        assert_true((rc == E_OK) == (intent != NULL));
        if (!intent)
                return;
        reply->intent = *intent;
        reply->request[0] = reply->answer[0] = '\0';
        if (intent->request)
                text_copy(reply->request, sizeof reply->request, intent->request);
        if (intent->answer)
                text_copy(reply->answer, sizeof reply->answer, intent->answer);
        reply->intent.request = intent->request ? reply->request : NULL;
        reply->intent.answer = intent->answer ? reply->answer : NULL;
}

/* An order intent with one step and one order, everything in it derived from tag. */
static inline struct store_intent rig_intent(unsigned tag)
{
        struct store_intent in = {
                .id = rig_cloid(tag),
                .brand = BRAND_A,
                .account = rig_addr(1),
                .signer = rig_addr(2),
                .kind = "order",
                .symbol = "BTC",
                .created_at = 1000 + tag,
                .updated_at = 1000 + tag,
                .state = INTENT_RESERVED,
                .owner = "node-1",
                .epoch = 1,
                .n_steps = 1,
                .step = {{.action = "order",
                          .state = INTENT_RESERVED,
                          .nonce = 5000 + tag,
                          .expires_after = 6000 + tag,
                          .digest = {{0xd1, (uint8_t)tag}}}},
                .n_orders = 1,
                .order = {{.cloid = rig_cloid(tag), .role = "order"}},
                .request = "{\"symbol\":\"BTC\"}",
        };

        snprintf(in.client_id, sizeof in.client_id, "client-%u", tag);
        snprintf(in.idempotency_key, sizeof in.idempotency_key, "key-%u", tag);
        return in;
}

static inline enum errc rig_insert(struct rig *rig, const struct store_intent *in)
{
        struct reply reply = {0};

        store_intent_insert(rig->store, in, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        return reply.rc;
}

static inline enum errc rig_update(struct rig *rig, const struct store_intent *in)
{
        struct reply reply = {0};

        store_intent_update(rig->store, in, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        return reply.rc;
}

static inline enum errc rig_by_key(struct rig *rig, struct reply *reply, const char *key)
{
        struct addr account = rig_addr(1);

        *reply = (struct reply){0};
        store_intent_by_key(rig->store, BRAND_A, &account, key, rig_on_intent, reply);
        rig_wait(rig, reply, 1);
        return reply->rc;
}

#endif
