/* handle: generation-checked slots. Two objects that outlive one another know each other by handle;
 * a stale handle resolves to NULL instead of freed memory. */
#ifndef BASE_HANDLE_H
#define BASE_HANDLE_H

#include <stddef.h>
#include <stdint.h>

struct handle {
        uint32_t slot;
        uint32_t generation; /* 0 is never valid: a zeroed handle names nothing */
};

struct handle_table;

struct handle_table *handle_table_new(uint32_t max_slots);
void handle_table_free(struct handle_table *table); /* not the objects; accepts NULL */
/* A zeroed handle when all slots are taken. */
struct handle handle_put(struct handle_table *table, void *object);
void *handle_get(const struct handle_table *table, struct handle handle); /* NULL when stale */
void *handle_take(struct handle_table *table, struct handle handle);      /* frees the slot */
uint32_t handle_count(const struct handle_table *table);

#endif
