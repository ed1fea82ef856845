#include "base/secret.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

void secret_process_init(void)
{
        const struct rlimit none = {0, 0};

        must(sodium_init() >= 0);
        must(setrlimit(RLIMIT_CORE, &none) == 0);
#ifndef UNDER_ASAN /* the leak checker traces its own process */
        must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
}

void secret_init(struct secret *secret, size_t len)
{
        must(len > 0);
        must(sodium_init() >= 0); /* guarded memory needs its canary; repeating is harmless */
        secret->data = sodium_malloc(len);
        must(secret->data);
        secret->len = len;
        sodium_memzero(secret->data, len);
}

void secret_fini(struct secret *secret)
{
        if (!secret)
                return;
        sodium_free(secret->data);
        secret->data = NULL;
        secret->len = 0;
}

void secret_wipe(void *data, size_t len)
{
        sodium_memzero(data, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
        return sodium_memcmp(a, b, len) == 0;
}

void secret_random(void *out, size_t len)
{
        must(sodium_init() >= 0);
        randombytes_buf(out, len);
}
