#include "ws_paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/map.h"
#include "base/mem.h"

struct entry {
        const struct httpd_ws_ops *ops;
        void *cookie;
};

struct ws_paths {
        httpd_handler *handler;
        void *cookie;
        const char *path[WS_PATHS_MAX];
        struct entry entry[WS_PATHS_MAX];
        unsigned n;
        struct map *by_peer; /* handle -> struct entry * */
};

struct ws_paths *ws_paths_new(httpd_handler *handler, void *cookie)
{
        struct ws_paths *paths = xcalloc(1, sizeof *paths);

        paths->handler = handler;
        paths->cookie = cookie;
        paths->by_peer = map_new();
        return paths;
}

void ws_paths_free(struct ws_paths *paths)
{
        if (!paths)
                return;
        must(map_size(paths->by_peer) == 0);
        map_free(paths->by_peer, NULL);
        free(paths);
}

void ws_paths_add(struct ws_paths *paths, const char *path, const struct httpd_ws_ops *ops,
                  void *cookie)
{
        must(paths->n < WS_PATHS_MAX);
        paths->path[paths->n] = path;
        paths->entry[paths->n++] = (struct entry){ops, cookie};
}

static struct entry *entry_for(struct ws_paths *paths, const char *path)
{
        for (unsigned i = 0; i < paths->n; i++)
                if (strcmp(paths->path[i], path) == 0)
                        return &paths->entry[i];
        never("a path that the listener was not given");
}

static void handle(void *cookie, const struct httpd_request *request)
{
        struct ws_paths *paths = cookie;

        paths->handler(paths->cookie, request);
}

static int upgrade(void *cookie, const struct httpd_request *request)
{
        const struct entry *e = entry_for(cookie, request->path);

        return e->ops->upgrade ? e->ops->upgrade(e->cookie, request) : 403;
}

static void opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        struct ws_paths *paths = cookie;
        struct entry *e = entry_for(paths, request->path);

        map_put(paths->by_peer, &peer, sizeof peer, e);
        if (e->ops->opened)
                e->ops->opened(e->cookie, peer, request);
}

static void message(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct ws_paths *paths = cookie;
        const struct entry *e = map_get(paths->by_peer, &peer, sizeof peer);

        if (e && e->ops->message)
                e->ops->message(e->cookie, peer, text, len);
}

static void closed(void *cookie, struct handle peer)
{
        struct ws_paths *paths = cookie;
        const struct entry *e = map_take(paths->by_peer, &peer, sizeof peer);

        if (e && e->ops->closed)
                e->ops->closed(e->cookie, peer);
}

static void drained(void *cookie, struct handle peer)
{
        struct ws_paths *paths = cookie;
        const struct entry *e = map_get(paths->by_peer, &peer, sizeof peer);

        if (e && e->ops->drained)
                e->ops->drained(e->cookie, peer);
}

void ws_paths_listen(const struct ws_paths *paths, struct httpd_listen_options *options)
{
        static const struct httpd_ws_ops ops = {
                .upgrade = upgrade,
                .opened = opened,
                .message = message,
                .closed = closed,
                .drained = drained,
        };

        options->handler = handle;
        options->ws = &ops;
        options->ws_paths = paths->path;
        options->n_ws_paths = paths->n;
        options->cookie = (void *)(uintptr_t)paths;
}
