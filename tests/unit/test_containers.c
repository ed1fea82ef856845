/* base: maps, handles and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/handle.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

/* map */

struct count {
        struct map *map;
        size_t seen;
        size_t removed;
        uint64_t sum;
};

static void see_and_remove_odd(void *cookie, const void *key, size_t key_len, void *value)
{
        struct count *count = cookie;
        uint32_t n;

        assert_int_equal(key_len, sizeof n);
        memcpy(&n, key, sizeof n);
        assert_int_equal(*(uint32_t *)value, n);
        count->seen++;
        count->sum += n;
        if (n % 2) {
                assert_ptr_equal(map_take(count->map, key, key_len), value);
                free(value);
                count->removed++;
        }
}

static void maps_keep_many_keys(void **state)
{
        enum { N = 20000 };
        struct count count = {.map = map_new()};

        (void)state;
        for (uint32_t i = 0; i < N; i++) {
                uint32_t *value = xmalloc(sizeof *value);
                *value = i;
                assert_null(map_put(count.map, &i, sizeof i, value));
        }
        assert_int_equal(map_size(count.map), N);
        map_each(count.map, see_and_remove_odd, &count);
        assert_int_equal(count.seen, N);
        assert_int_equal(count.sum, (uint64_t)N * (N - 1) / 2);
        assert_int_equal(count.removed, N / 2);
        assert_int_equal(map_size(count.map), N / 2);
        for (uint32_t i = 0; i < N; i++) {
                const uint32_t *value = map_get(count.map, &i, sizeof i);
                assert_true(i % 2 ? value == NULL : value && *value == i);
        }
        map_free(count.map, free);
}

static void map_keys_are_bytes(void **state)
{
        struct map *map = map_new();
        int a, b, c, d;
        char key[] = "key";

        (void)state;
        assert_null(map_put(map, key, 3, &a));
        assert_null(map_put(map, "key", 4, &b)); /* the NUL counts */
        assert_null(map_put(map, "", 0, &c));
        assert_null(map_put(map, "k\0y", 3, &d));
        key[0] = 'X'; /* the key was copied */
        assert_ptr_equal(map_get(map, "key", 3), &a);
        assert_ptr_equal(map_get(map, "key", 4), &b);
        assert_ptr_equal(map_get(map, NULL, 0), &c);
        assert_ptr_equal(map_get(map, "k\0y", 3), &d);
        assert_ptr_equal(map_put(map, "key", 3, &c), &a); /* replaced */
        assert_int_equal(map_size(map), 4);
        assert_ptr_equal(map_take(map, "key", 3), &c);
        assert_null(map_take(map, "key", 3));
        assert_null(map_get(map, "ke", 2));
        assert_int_equal(map_size(map), 3);
        map_free(map, NULL);
        map_free(NULL, free);
}

/* handle */

static void stale_handles_resolve_to_nothing(void **state)
{
        struct handle_table *table = handle_table_new(40);
        struct handle handles[40];
        int objects[41];

        (void)state;
        assert_null(handle_get(table, (struct handle){0, 0}));
        for (size_t i = 0; i < 40; i++) {
                handles[i] = handle_put(table, &objects[i]);
                assert_int_not_equal(handles[i].generation, 0);
        }
        assert_int_equal(handle_count(table), 40);
        assert_int_equal(handle_put(table, &objects[40]).generation, 0); /* full */
        for (size_t i = 0; i < 40; i++)
                assert_ptr_equal(handle_get(table, handles[i]), &objects[i]);

        assert_ptr_equal(handle_take(table, handles[7]), &objects[7]);
        assert_null(handle_take(table, handles[7]));
        assert_null(handle_get(table, handles[7]));
        struct handle again = handle_put(table, &objects[40]);
        assert_int_equal(again.slot, handles[7].slot); /* the only free one */
        assert_int_not_equal(again.generation, handles[7].generation);
        assert_null(handle_get(table, handles[7]));
        assert_ptr_equal(handle_get(table, again), &objects[40]);
        assert_null(handle_get(table, (struct handle){40, 1}));
        assert_null(handle_get(table, (struct handle){UINT32_MAX, 1}));
        assert_int_equal(handle_count(table), 40);
        handle_table_free(table);
        handle_table_free(NULL);
}

/* list */

struct item {
        int n;
        struct list node;
};

static int list_digits(struct list *head)
{
        int digits = 0;

        list_each (it, head)
                digits = digits * 10 + list_entry(it, struct item, node)->n;
        return digits;
}

static void lists_keep_order(void **state)
{
        struct item items[5];
        struct list head, other;

        (void)state;
        list_init(&head);
        list_init(&other);
        assert_true(list_empty(&head));
        for (int i = 0; i < 5; i++)
                items[i].n = i + 1;
        list_push_back(&head, &items[1].node);
        list_push_back(&head, &items[2].node);
        list_push_front(&head, &items[0].node);
        list_push_back(&head, &items[4].node);
        list_insert_before(&items[4].node, &items[3].node);
        assert_int_equal(list_digits(&head), 12345);
        list_remove(&items[2].node);
        list_remove(&items[2].node); /* harmless */
        assert_int_equal(list_digits(&head), 1245);
        list_each_safe (it, &head) {
                if (list_entry(it, struct item, node)->n % 2 == 0) {
                        list_remove(it);
                        list_push_back(&other, it);
                }
        }
        assert_int_equal(list_digits(&head), 15);
        assert_int_equal(list_digits(&other), 24);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(maps_keep_many_keys),
                cmocka_unit_test(map_keys_are_bytes),
                cmocka_unit_test(stale_handles_resolve_to_nothing),
                cmocka_unit_test(lists_keep_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
