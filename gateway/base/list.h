/* list: intrusive doubly linked list. State is list membership: an object is in exactly one. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
        struct list *next;
        struct list *prev;
};

static inline void list_init(struct list *head)
{
        head->next = head;
        head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
        return head->next == head;
}

static inline void list_insert_before(struct list *at, struct list *node)
{
        node->next = at;
        node->prev = at->prev;
        at->prev->next = node;
        at->prev = node;
}

static inline void list_push_back(struct list *head, struct list *node)
{
        list_insert_before(head, node);
}

static inline void list_push_front(struct list *head, struct list *node)
{
        list_insert_before(head->next, node);
}

/* Leaves node as an empty list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *node)
{
        node->prev->next = node->next;
        node->next->prev = node->prev;
        list_init(node);
}

#define list_entry(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define list_each(it, head)           for (struct list *it = (head)->next; it != (head); it = it->next)
#define list_each_safe(it, head)                                                                   \
        for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
             it = it##_next, it##_next = it->next)

#endif
