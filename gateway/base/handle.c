/* Slots live in one array that grows up to max_slots; free ones form a list by index. */
#include "base/handle.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"

#define NO_SLOT UINT32_MAX

struct slot {
        void *object; /* NULL while free */
        uint32_t generation;
        uint32_t next_free;
};

struct handle_table {
        struct slot *slots;
        uint32_t n_slots;
        uint32_t cap;
        uint32_t max;
        uint32_t first_free;
        uint32_t count;
};

struct handle_table *handle_table_new(uint32_t max_slots)
{
        struct handle_table *table = xcalloc(1, sizeof *table);

        must(max_slots > 0 && max_slots < NO_SLOT / 2);
        table->max = max_slots;
        table->first_free = NO_SLOT;
        return table;
}

void handle_table_free(struct handle_table *table)
{
        if (!table)
                return;
        free(table->slots);
        free(table);
}

static void grow(struct handle_table *table)
{
        uint32_t cap = table->cap ? table->cap * 2 : 16;

        if (cap > table->max)
                cap = table->max;
        table->slots = xrealloc(table->slots, cap * sizeof *table->slots);
        table->cap = cap;
}

/* NO_SLOT when all are taken. */
static uint32_t slot_claim(struct handle_table *table)
{
        uint32_t index = table->first_free;

        if (index != NO_SLOT) {
                table->first_free = table->slots[index].next_free;
                return index;
        }
        if (table->n_slots == table->max)
                return NO_SLOT;
        if (table->n_slots == table->cap)
                grow(table);
        index = table->n_slots++;
        table->slots[index].generation = 1;
        return index;
}

struct handle handle_put(struct handle_table *table, void *object)
{
        must(object);
        uint32_t index = slot_claim(table);

        if (index == NO_SLOT)
                return (struct handle){0, 0};
        table->slots[index].object = object;
        table->count++;
        return (struct handle){index, table->slots[index].generation};
}

static struct slot *slot_find(const struct handle_table *table, struct handle handle)
{
        if (handle.slot >= table->n_slots)
                return NULL;
        struct slot *slot = &table->slots[handle.slot];
        if (!slot->object || slot->generation != handle.generation)
                return NULL;
        return slot;
}

void *handle_get(const struct handle_table *table, struct handle handle)
{
        const struct slot *slot = slot_find(table, handle);

        return slot ? slot->object : NULL;
}

void *handle_take(struct handle_table *table, struct handle handle)
{
        struct slot *slot = slot_find(table, handle);

        if (!slot)
                return NULL;
        void *object = slot->object;
        slot->object = NULL;
        slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
        slot->next_free = table->first_free;
        table->first_free = handle.slot;
        table->count--;
        return object;
}

uint32_t handle_count(const struct handle_table *table)
{
        return table->count;
}
