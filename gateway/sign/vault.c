/* A sealed key is
 *
 *      offset  bytes
 *      0       1       version: 1
 *      1       24      nonce, random
 *      25      32      the key, encrypted
 *      57      16      tag
 *
 * by XChaCha20-Poly1305 (IETF form). The associated data, which is not stored, is
 *
 *      label, NUL      "perpgate brand key" or "perpgate agent key": one kind never opens as the other
 *      1               version
 *      1 + n           length and bytes of the brand's id
 *      20, 20          account and agent, for an agent key only
 *
 * Every key in memory sits in guarded pages that can't be read except while in use. */
#include "sign/vault_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret_file.h"

#define VERSION    1
#define TAG_BYTES  crypto_aead_xchacha20poly1305_ietf_ABYTES
#define NONCE_AT   1
#define CIPHER_AT  (NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
#define HEX_DIGITS (2 * VAULT_KEY_BYTES)

_Static_assert(VAULT_KEY_BYTES == 32, "a key is as long as a secp256k1 key");
_Static_assert(CIPHER_AT + VAULT_KEY_BYTES + TAG_BYTES == VAULT_SEALED_BYTES, "layout above");

/* Pages change protection at every use, so that a stray read anywhere else faults. */
static void lock(const struct secret *secret)
{
        must(sodium_mprotect_noaccess(secret->data) == 0);
}

static void unlock_read(const struct secret *secret)
{
        must(sodium_mprotect_readonly(secret->data) == 0);
}

void vault_impl_scratch_open(struct vault *vault)
{
        must(sodium_mprotect_readwrite(vault->scratch.data) == 0);
}

void vault_impl_scratch_close(struct vault *vault)
{
        secret_wipe(vault->scratch.data, vault->scratch.len);
        lock(&vault->scratch);
}

/* Associated data. */

void vault_impl_associate(struct vault_associated *a, const void *data, size_t len)
{
        must(len <= sizeof a->b - a->len);
        memcpy(a->b + a->len, data, len);
        a->len += len;
}

void vault_impl_associate_header(struct vault_associated *a, const char *label, const char *brand)
{
        const uint8_t version = VERSION, brand_len = (uint8_t)strlen(brand);

        a->len = 0;
        vault_impl_associate(a, label, strlen(label) + 1);
        vault_impl_associate(a, &version, 1);
        vault_impl_associate(a, &brand_len, 1);
        vault_impl_associate(a, brand, brand_len);
}

static void associate_brand(struct vault_associated *a, const char *brand)
{
        vault_impl_associate_header(a, "perpgate brand key", brand);
}

static void associate_agent(struct vault_associated *a, const struct vault_binding *binding)
{
        vault_impl_associate_header(a, "perpgate agent key", binding->brand);
        vault_impl_associate(a, binding->account.b, sizeof binding->account.b);
        vault_impl_associate(a, binding->agent.b, sizeof binding->agent.b);
}

bool vault_impl_brand_id_fits(const char *brand)
{
        size_t len = strnlen(brand, VAULT_BRAND_MAX + 1);

        return len > 0 && len <= VAULT_BRAND_MAX;
}

/* Sealing: both keys are 32 bytes. */

void vault_impl_seal(struct vault_sealed *out, const uint8_t *plain,
                     const struct vault_associated *a, const struct secret *key)
{
        out->b[0] = VERSION;
        secret_random(out->b + NONCE_AT, CIPHER_AT - NONCE_AT);
        unlock_read(key);
        crypto_aead_xchacha20poly1305_ietf_encrypt(out->b + CIPHER_AT, NULL, plain, VAULT_KEY_BYTES,
                                                   a->b, a->len, NULL, out->b + NONCE_AT,
                                                   key->data);
        lock(key);
}

enum errc vault_impl_unseal(uint8_t *plain, const struct vault_sealed *sealed,
                            const struct vault_associated *a, const struct secret *key)
{
        int failed;

        if (sealed->b[0] != VERSION)
                return E_CRYPTO;
        unlock_read(key);
        failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
                plain, NULL, NULL, sealed->b + CIPHER_AT, VAULT_KEY_BYTES + TAG_BYTES, a->b, a->len,
                sealed->b + NONCE_AT, key->data);
        lock(key);
        return failed ? E_CRYPTO : E_OK;
}

/* The vault and its brands. */

struct vault *vault_new(struct secret *master, const struct secp *secp)
{
        struct vault *vault = xcalloc(1, sizeof *vault);

        must(master->data && master->len == VAULT_KEY_BYTES);
        vault->secp = secp;
        vault->master = *master;
        *master = (struct secret){NULL, 0};
        lock(&vault->master);
        secret_init(&vault->scratch, VAULT_KEY_BYTES);
        lock(&vault->scratch);
        list_init(&vault->brands);
        return vault;
}

static void brand_free(struct vault_brand *brand)
{
        list_remove(&brand->node);
        secret_fini(&brand->key);
        free(brand);
}

void vault_free(struct vault *vault)
{
        if (!vault)
                return;
        list_each_safe (it, &vault->brands)
                brand_free(list_entry(it, struct vault_brand, node));
        secret_fini(&vault->scratch);
        secret_fini(&vault->master);
        free(vault);
}

enum errc vault_brand_create(struct vault *vault, struct vault_sealed *wrapped, const char *brand)
{
        struct vault_associated a;

        if (!vault_impl_brand_id_fits(brand))
                return E_LIMIT;
        associate_brand(&a, brand);
        vault_impl_scratch_open(vault);
        secret_random(vault->scratch.data, VAULT_KEY_BYTES);
        vault_impl_seal(wrapped, vault->scratch.data, &a, &vault->master);
        vault_impl_scratch_close(vault);
        return E_OK;
}

static struct vault_brand *brand_find(const struct vault *vault, const char *id)
{
        list_each (it, &vault->brands) {
                struct vault_brand *brand = list_entry(it, struct vault_brand, node);
                if (strcmp(brand->id, id) == 0)
                        return brand;
        }
        return NULL;
}

/* The key is in scratch. */
static struct vault_brand *brand_add(struct vault *vault, const char *id)
{
        struct vault_brand *brand = xcalloc(1, sizeof *brand);

        must(text_copy(brand->id, sizeof brand->id, id));
        secret_init(&brand->key, VAULT_KEY_BYTES);
        memcpy(brand->key.data, vault->scratch.data, VAULT_KEY_BYTES);
        lock(&brand->key);
        list_push_back(&vault->brands, &brand->node);
        return brand;
}

/* The key in scratch is that of a brand which is open already, as after a reload. */
static struct vault_brand *brand_again(struct vault *vault, struct vault_brand *brand,
                                       struct err *err)
{
        unlock_read(&brand->key);
        bool same = secret_equal(brand->key.data, vault->scratch.data, VAULT_KEY_BYTES);
        lock(&brand->key);
        if (same)
                return brand;
        err_set(err, E_EXISTS, "brand %s is in use with another key", brand->id);
        return NULL;
}

struct vault_brand *vault_brand_open(struct vault *vault, const char *brand,
                                     const struct vault_sealed *wrapped, struct err *err)
{
        struct vault_brand *opened = NULL;
        struct vault_associated a;

        if (!vault_impl_brand_id_fits(brand)) {
                err_set(err, E_LIMIT, "a brand's id has 1 to %d characters", VAULT_BRAND_MAX);
                return NULL;
        }
        associate_brand(&a, brand);
        vault_impl_scratch_open(vault);
        if (vault_impl_unseal(vault->scratch.data, wrapped, &a, &vault->master)) {
                err_set(err, E_CRYPTO,
                        "the key of brand %s does not open: it was wrapped under another master "
                        "key, or for another brand, or is damaged",
                        brand);
                goto done;
        }
        opened = brand_find(vault, brand);
        opened = opened ? brand_again(vault, opened, err) : brand_add(vault, brand);
done:
        vault_impl_scratch_close(vault);
        return opened;
}

bool vault_brand_opens(struct vault *vault, const char *brand, const struct vault_sealed *wrapped)
{
        struct vault_associated a;
        bool opens;

        if (!vault_impl_brand_id_fits(brand))
                return false;
        associate_brand(&a, brand);
        vault_impl_scratch_open(vault);
        opens = vault_impl_unseal(vault->scratch.data, wrapped, &a, &vault->master) == E_OK;
        vault_impl_scratch_close(vault);
        return opens;
}

enum errc vault_brand_rewrap(struct vault *vault, struct vault *other, struct vault_sealed *out,
                             const char *brand, const struct vault_sealed *wrapped)
{
        struct vault_associated a;
        enum errc rc;

        if (!vault_impl_brand_id_fits(brand))
                return E_LIMIT;
        associate_brand(&a, brand);
        vault_impl_scratch_open(vault);
        rc = vault_impl_unseal(vault->scratch.data, wrapped, &a, &vault->master);
        if (!rc)
                vault_impl_seal(out, vault->scratch.data, &a, &other->master);
        vault_impl_scratch_close(vault);
        return rc;
}

/* Agents. */

enum errc vault_agent_create(struct vault *vault, const struct vault_brand *brand,
                             struct addr *agent, struct vault_sealed *sealed,
                             const struct addr *account)
{
        struct vault_binding binding = {.brand = brand->id, .account = *account};
        struct vault_associated a;
        enum errc rc;

        vault_impl_scratch_open(vault);
        /* Some 2^-128 of all 32-byte strings are not keys; a second failure means a broken
         * generator. */
        for (int tries = 0; tries < 2; tries++) {
                secret_random(vault->scratch.data, VAULT_KEY_BYTES);
                rc = secp_address(vault->secp, &binding.agent, vault->scratch.data);
                if (!rc)
                        break;
        }
        if (!rc) {
                associate_agent(&a, &binding);
                vault_impl_seal(sealed, vault->scratch.data, &a, &brand->key);
                *agent = binding.agent;
        }
        vault_impl_scratch_close(vault);
        return rc;
}

enum errc vault_agent_sign(struct vault *vault, const struct vault_brand *brand,
                           struct signature *out, const struct vault_binding *binding,
                           const struct vault_sealed *sealed, const struct hash32 *digest)
{
        struct vault_associated a;
        enum errc rc;

        if (!vault_impl_brand_id_fits(binding->brand))
                return E_CRYPTO;
        associate_agent(&a, binding);
        vault_impl_scratch_open(vault);
        rc = vault_impl_unseal(vault->scratch.data, sealed, &a, &brand->key);
        if (!rc)
                rc = secp_sign(vault->secp, out, digest, vault->scratch.data);
        vault_impl_scratch_close(vault);
        return rc;
}

/* The master key at rest. */

static enum errc decode_master(struct secret *out, const char *text, size_t len, const char *source,
                               struct err *err)
{
        secret_init(out, VAULT_KEY_BYTES);
        if (hex_decode(out->data, VAULT_KEY_BYTES, text, len)) {
                secret_fini(out);
                return err_set(err, E_CONFIG, "%s must hold %d hex digits and nothing else", source,
                               HEX_DIGITS);
        }
        return E_OK;
}

/* value points into the environment: it is overwritten where it stands, so that neither
 * /proc/PID/environ nor a child shows it. */
static enum errc read_env(struct secret *out, char *value, const char *name, struct err *err)
{
        enum errc rc = decode_master(out, value, strlen(value), name, err);

        secret_wipe(value, strlen(value));
        if (unsetenv(name) && !rc) {
                secret_fini(out);
                rc = err_set(err, E_CONFIG, "%s can't be removed from the environment", name);
        }
        return rc;
}

static enum errc read_file(struct secret *out, const char *file, struct err *err)
{
        SECRET_LOCAL text = {NULL, 0};
        enum errc rc = secret_file_read(&text, file, HEX_DIGITS, err);

        return rc ? rc : decode_master(out, (const char *)text.data, text.len, file, err);
}

enum errc vault_read_master(struct secret *out, const char *file, const char *env_name,
                            struct err *err)
{
        char *value = env_name ? getenv(env_name) : NULL;

        *out = (struct secret){NULL, 0};
        if (value && *value)
                return read_env(out, value, env_name, err);
        if (file && *file)
                return read_file(out, file, err);
        return err_set(err, E_CONFIG, "no master key: neither %s nor a file is given",
                       env_name ? env_name : "an environment variable");
}

/* The file's name must be on disk before anything is sealed under its key. */
static int sync_folder(const char *file)
{
        const char *slash = strrchr(file, '/');
        char *folder = slash ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int failed = fd < 0 || fsync(fd);

        if (fd >= 0)
                close(fd);
        free(folder);
        return failed;
}

enum errc vault_make_master_file(const char *file, struct err *err)
{
        uint8_t key[VAULT_KEY_BYTES];
        char text[HEX_DIGITS + 1];
        enum errc rc = E_OK;
        int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return err_set(err, errno == EEXIST ? E_EXISTS : E_IO, "%s: %s", file,
                               strerror(errno));
        secret_random(key, sizeof key);
        hex_encode(text, key, sizeof key);
        text[HEX_DIGITS] = '\n';
        /* So short a write to a regular file is whole or failed. fchmod undoes an odd umask. */
        if (fchmod(fd, 0600) || write(fd, text, sizeof text) != (ssize_t)sizeof text || fsync(fd) ||
            sync_folder(file)) {
                rc = err_set(err, E_IO, "%s: %s", file, strerror(errno));
                unlink(file);
        }
        secret_wipe(key, sizeof key);
        secret_wipe(text, sizeof text);
        close(fd);
        return rc;
}
