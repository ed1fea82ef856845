/* secret: memory for keys. Guarded pages (libsodium), locked, wiped on release, left out of core
 * dumps. Each block costs several kernel mappings: for the master key, brand keys and the one key
 * in use, never one per user. A secret has no printer. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct secret {
        uint8_t *data; /* guarded; owned */
        size_t len;
};

/* Once per process, before anything else: initialises libsodium, forbids core dumps and tracing.
 * Aborts when the random generator can't be had. */
void secret_process_init(void);

void secret_init(struct secret *secret, size_t len); /* zeroed; aborts when memory can't be had */
void secret_fini(struct secret *secret);             /* wipes and frees; accepts NULL and zeroed */
void secret_wipe(void *data, size_t len);            /* for buffers on the stack */
bool secret_equal(const void *a, const void *b, size_t len); /* constant time */
void secret_random(void *out, size_t len);

#define SECRET_LOCAL CLEANUP(secret_fini) struct secret

#endif
