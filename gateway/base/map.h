/* map: hash map from bytes to a pointer, with a keyed hash (SipHash) so that strangers' keys can't
 * make it slow. Keys are copied. Iteration order is unspecified. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
/* Frees the map and its keys; values are freed by free_value unless that is NULL. Accepts NULL. */
void map_free(struct map *map, void (*free_value)(void *value));
/* Stores value, returning the value that was there before, or NULL. value must not be NULL. */
void *map_put(struct map *map, const void *key, size_t key_len, void *value);
void *map_get(const struct map *map, const void *key,
              size_t key_len);                                    /* borrowed; NULL if absent */
void *map_take(struct map *map, const void *key, size_t key_len); /* removes; NULL if absent */
size_t map_size(const struct map *map);
/* Calls each(cookie, key, key_len, value); each may remove the entry it is given, nothing else. */
void map_each(struct map *map,
              void (*each)(void *cookie, const void *key, size_t key_len, void *value),
              void *cookie);

#endif
