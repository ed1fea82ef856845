#include "api/route.h"

#include <string.h>

#include "api/handlers.h"
#include "base/mem.h"

static const struct route routes[] = {
#define ROUTE(method, path, auth, risk, body, cost, handler)                                       \
        {method, path, ROUTE_##auth, ROUTE_##risk, body, cost, handler},
#include "api/route.def"
#undef ROUTE
};

#define N_ROUTES (sizeof routes / sizeof routes[0])

size_t route_count(void)
{
        return N_ROUTES;
}

const struct route *route_at(size_t i)
{
        return &routes[i];
}

bool route_is_private(const struct route *route)
{
        switch (route->auth) {
        case ROUTE_SESSION:
        case ROUTE_OWNER:
        case ROUTE_WALLET: return true;
        case ROUTE_PUBLIC:
        case ROUTE_ANY_HOST: return false;
        }
        never("auth of a route");
}

const struct route *route_by_pattern(enum http_method method, const char *pattern)
{
        for (size_t i = 0; i < route_count(); i++)
                if (route_at(i)->method == method && strcmp(route_at(i)->path, pattern) == 0)
                        return route_at(i);
        never("route");
}

/* Matches one pattern; a {parameter} takes one non-empty segment that fits. */
static bool matches(const char *pattern, const char *path, char *param, size_t cap)
{
        param[0] = '\0';
        while (*pattern && *path) {
                if (*pattern != '{') {
                        if (*pattern++ != *path++)
                                return false;
                        continue;
                }
                size_t n = strcspn(path, "/");
                if (n == 0 || n >= cap)
                        return false;
                memcpy(param, path, n);
                param[n] = '\0';
                path += n;
                pattern = strchr(pattern, '}') + 1;
        }
        return *pattern == *path;
}

const struct route *route_find(enum http_method method, const char *path, char *param, size_t cap,
                               enum errc *why)
{
        const struct route *found = NULL;
        char trial[128];

        must(cap <= sizeof trial);
        if (method == METHOD_HEAD)
                method = METHOD_GET;
        param[0] = '\0';
        *why = E_NOT_FOUND;
        for (size_t i = 0; i < N_ROUTES; i++) {
                const struct route *r = &routes[i];
                if (!matches(r->path, path, trial, cap))
                        continue;
                if (r->method != method) {
                        if (!found)
                                *why = E_METHOD;
                        continue;
                }
                if (found && strchr(r->path, '{'))
                        continue; /* the literal row wins */
                found = r;
                text_copy(param, cap, trial);
        }
        if (found)
                *why = E_OK;
        return found;
}

void route_allowed(const char *path, char *out, size_t cap)
{
        char trial[128];
        size_t len = 0;

        out[0] = '\0';
        for (size_t i = 0; i < N_ROUTES; i++) {
                const char *name = http_method_name(routes[i].method);
                size_t n = strlen(name);
                if (!matches(routes[i].path, path, trial, sizeof trial))
                        continue;
                if (strstr(out, name) || len + n + 3 > cap)
                        continue;
                if (len) {
                        memcpy(out + len, ", ", 2);
                        len += 2;
                }
                memcpy(out + len, name, n + 1);
                len += n;
        }
}
