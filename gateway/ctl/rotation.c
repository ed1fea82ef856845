#include "ctl/rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define BRANDS_MAX 1024

struct keys {
        unsigned n;
        char (*brand)[STORE_BRAND_MAX];
        struct vault_sealed *wrapped;
};

struct rotation {
        const char *key_file;
        char next_file[512];
        struct secp *secp;
        struct loop *loop;
        struct store *store;
        struct vault *old, *next;
        struct keys keys;
        struct rotation_result *result;
        unsigned n_told;
};

_Static_assert(sizeof(struct vault_sealed) == VAULT_SEALED_BYTES, "an array of them has no gaps");

/* --- what the store has --- */

static void keys_fini(struct keys *keys)
{
        free(keys->brand);
        free(keys->wrapped);
        *keys = (struct keys){.n = 0};
}

static enum errc keys_load(struct keys *keys, struct store *store)
{
        enum errc rc;

        keys->brand = xcalloc(BRANDS_MAX, sizeof *keys->brand);
        keys->wrapped = xcalloc(BRANDS_MAX, sizeof *keys->wrapped);
        rc = store_brand_key_list(store, keys->brand, BRANDS_MAX, &keys->n);
        for (unsigned i = 0; !rc && i < keys->n; i++) {
                size_t len = 0;
                rc = store_brand_key_load(store, keys->brand[i], keys->wrapped[i].b,
                                          VAULT_SEALED_BYTES, &len);
                if (!rc && len != VAULT_SEALED_BYTES)
                        rc = E_CRYPTO;
        }
        return rc;
}

static bool keys_open(const struct keys *keys, struct vault *vault)
{
        for (unsigned i = 0; i < keys->n; i++)
                if (!vault_brand_opens(vault, keys->brand[i], &keys->wrapped[i]))
                        return false;
        return true;
}

/* --- files --- */

static struct vault *vault_of(const char *file, const struct secp *secp, struct err *err)
{
        struct secret master = {.data = NULL};

        return vault_read_master(&master, file, NULL, err) ? NULL : vault_new(&master, secp);
}

static enum errc sync_folder_of(const char *file, struct err *err)
{
        char path[512];
        enum errc rc = E_OK;
        int fd;

        (void)text_copy(path, sizeof path, file);
        fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd))
                rc = err_set(err, E_IO, "%s: %s", file, strerror(errno));
        if (fd >= 0)
                close(fd);
        return rc;
}

/* The last step: from here on the new key has the old one's name. */
static enum errc swap_files(const struct rotation *r, int64_t now, struct err *err)
{
        time_t seconds = (time_t)(now / 1000);
        char stamp[32];
        struct tm utc;

        must(gmtime_r(&seconds, &utc) != NULL);
        must(strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc) > 0);
        snprintf(r->result->kept, sizeof r->result->kept, "%s.%s.%03dZ", r->key_file, stamp,
                 (int)(now % 1000));
        if (link(r->key_file, r->result->kept))
                return err_set(err, E_IO, "%s: %s", r->result->kept, strerror(errno));
        if (rename(r->next_file, r->key_file))
                return err_set(err, E_IO, "%s: %s", r->next_file, strerror(errno));
        return sync_folder_of(r->key_file, err);
}

/* --- rotating --- */

static enum errc open_next(struct rotation *r, struct err *err)
{
        enum errc rc = vault_make_master_file(r->next_file, err);

        if (rc == E_EXISTS) {
                r->result->was_begun = true;
                *err = (struct err){.code = E_OK};
                rc = E_OK;
        }
        if (rc)
                return rc;
        r->next = vault_of(r->next_file, r->secp, err);
        return r->next ? E_OK : E_CONFIG;
}

static enum errc rewrap(struct rotation *r, struct err *err)
{
        struct keys *keys = &r->keys;
        enum errc rc = E_OK;

        for (unsigned i = 0; !rc && i < keys->n; i++)
                rc = vault_brand_rewrap(r->old, r->next, &keys->wrapped[i], keys->brand[i],
                                        &keys->wrapped[i]);
        if (!rc && !keys_open(keys, r->next))
                rc = E_CRYPTO;
        if (!rc)
                rc = store_brand_key_replace(r->store, (const char(*)[STORE_BRAND_MAX])keys->brand,
                                             keys->wrapped[0].b, VAULT_SEALED_BYTES, keys->n);
        return rc ? err_set(err, rc, "the store's keys can't be written: %s", err_text(rc)) : E_OK;
}

static void told(void *cookie, enum errc rc)
{
        struct rotation *r = cookie;

        (void)rc; /* the keys are changed, whether or not the log has it */
        r->n_told++;
}

static void tell_audit(struct rotation *r, int64_t now)
{
        for (unsigned i = 0; i < r->keys.n; i++)
                store_audit(r->store, r->keys.brand[i], "operator", "masterKey.rotated", "{}", now,
                            told, r);
        while (r->n_told < r->keys.n)
                loop_turn(r->loop, 100);
}

static enum errc rotate(struct rotation *r, int64_t now, struct err *err)
{
        enum errc rc = keys_load(&r->keys, r->store);

        if (rc)
                return err_set(err, rc, "the store's keys can't be read");
        r->result->brands = r->keys.n;
        rc = open_next(r, err);
        if (rc)
                return rc;
        if (keys_open(&r->keys, r->old))
                rc = r->keys.n ? rewrap(r, err) : E_OK;
        else if (!r->result->was_begun || !keys_open(&r->keys, r->next))
                rc = err_set(err, E_CRYPTO,
                             "the store's keys do not open under %s: it is not their "
                             "master key",
                             r->key_file);
        /* A key that wraps nothing is not left behind for the next start to wonder about. */
        if (rc && !r->result->was_begun)
                (void)!unlink(r->next_file);
        if (!rc)
                tell_audit(r, now);
        return rc ? rc : swap_files(r, now, err);
}

enum errc rotation_run(const char *store_file, const char *key_file, int64_t now,
                       struct rotation_result *result, struct err *err)
{
        struct rotation r = {.key_file = key_file, .result = result};
        enum errc rc = E_CONFIG;

        *result = (struct rotation_result){.brands = 0};
        if (snprintf(r.next_file, sizeof r.next_file, "%s.next", key_file) >= 400)
                return err_set(err, E_CONFIG, "%s: the path is too long", key_file);
        if (access(store_file, F_OK))
                return err_set(err, E_CONFIG, "%s: %s", store_file, strerror(errno));
        r.secp = secp_new();
        r.loop = loop_new();
        r.old = vault_of(key_file, r.secp, err);
        if (r.old)
                r.store = store_open(r.loop, store_file, err);
        if (r.store)
                rc = rotate(&r, now, err);
        store_close(r.store);
        keys_fini(&r.keys);
        vault_free(r.next);
        vault_free(r.old);
        loop_free(r.loop);
        secp_free(r.secp);
        return rc;
}

void rotation_pick(struct vault **vault, struct store *store, const char *key_file,
                   const struct secp *secp)
{
        struct err err = {.code = E_OK};
        struct keys keys = {.n = 0};
        struct vault *next = NULL;
        char file[512];

        if (snprintf(file, sizeof file, "%s.next", key_file) >= (int)sizeof file ||
            access(file, F_OK))
                return;
        if (keys_load(&keys, store) == E_OK && keys.n && !keys_open(&keys, *vault))
                next = vault_of(file, secp, &err);
        if (next && keys_open(&keys, next)) {
                log_event(LOG_WARN, "master key half rotated", "in use", file, "hint",
                          "perpgatectl rotate-master-key finishes it", NULL);
                vault_free(*vault);
                *vault = next;
        } else {
                vault_free(next);
        }
        keys_fini(&keys);
}
