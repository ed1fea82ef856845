#include "edge/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/map.h"
#include "base/mem.h"

struct gate {
        struct map *count; /* struct gate_key -> unsigned */
        unsigned max;
};

struct gate *gate_new(unsigned max_per_address)
{
        struct gate *gate = xcalloc(1, sizeof(*gate));

        gate->max = max_per_address;
        gate->count = map_new();
        return gate;
}

void gate_free(struct gate *gate)
{
        if (!gate)
                return;
        map_free(gate->count, free);
        free(gate);
}

void gate_key_from(struct gate_key *key, const struct sockaddr_storage *address)
{
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        struct in6_addr v6;
        struct in_addr v4;

        *key = (struct gate_key){.b = {[2] = 0xff, [3] = 0xff}};
        if (address->ss_family == AF_INET) {
                memcpy(&v4, (const char *)address + offsetof(struct sockaddr_in, sin_addr),
                       sizeof(v4));
                memcpy(key->b + 4, &v4, sizeof(v4));
                return;
        }
        memcpy(&v6, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), sizeof(v6));
        if (memcmp(&v6, mapped, sizeof(mapped)) == 0)
                memcpy(key->b + 4, (const char *)&v6 + 12, 4);
        else
                memcpy(key->b, &v6, sizeof(key->b));
}

bool gate_enter(struct gate *gate, const struct gate_key *key)
{
        unsigned *n;

        if (gate->max == 0)
                return true;
        n = map_get(gate->count, key->b, sizeof(key->b));
        if (!n) {
                n = xcalloc(1, sizeof(*n));
                must(map_put(gate->count, key->b, sizeof(key->b), n) == NULL);
        }
        if (*n >= gate->max)
                return false;
        (*n)++;
        return true;
}

void gate_leave(struct gate *gate, const struct gate_key *key)
{
        unsigned *n;

        if (gate->max == 0)
                return;
        n = map_get(gate->count, key->b, sizeof(key->b));
        must(n != NULL && *n > 0);
        if (--*n == 0)
                free(map_take(gate->count, key->b, sizeof(key->b)));
}
