#include "api/admin_store.h"

#include <jansson.h>
#include <string.h>

#include "api/out.h"
#include "api/state.h"
#include "base/mem.h"
#include "store/store_backup.h"

/* --- numbers --- */

static void gauge(struct api *api, const char *name, int64_t value, const char *help)
{
        metrics_set(api->o.metrics, name, "", value, help);
}

static void backup_gauges(struct api *api)
{
        struct store_backup_status backup;

        store_backup_status(api->o.backup, &backup);
        gauge(api, "perpgate_backup_made", (int64_t)backup.n_done, "Backups made since start.");
        gauge(api, "perpgate_backup_failed", (int64_t)backup.n_failed,
              "Backups that failed since start.");
        gauge(api, "perpgate_backup_age_seconds",
              backup.done_at ? (state_now(api) - backup.done_at) / 1000 : -1,
              "Since the newest backup was made; -1: there is none.");
}

void admin_store_gauges(struct api *api)
{
        struct store_stats store;

        store_stats(api->o.store, &store);
        gauge(api, "perpgate_store_commits", (int64_t)store.commits,
              "Commits of the store since start.");
        gauge(api, "perpgate_store_operations", (int64_t)store.operations,
              "Operations of the store since start.");
        gauge(api, "perpgate_store_failures", (int64_t)store.failures,
              "Operations the store failed since start.");
        gauge(api, "perpgate_store_queued", (int64_t)store.queued,
              "Operations waiting for the store.");
        gauge(api, "perpgate_store_up", store_is_up(api->o.store),
              "1: the store takes writes; 0: what opens risk is refused.");
        gauge(api, "perpgate_store_down_seconds",
              store.down_since ? (state_now(api) - store.down_since) / 1000 : 0,
              "How long the store has been down; 0: it is up.");
        gauge(api, "perpgate_store_reopened", (int64_t)store.reopened,
              "Times the store's file was read anew after a failed sync or read.");
        gauge(api, "perpgate_store_log_bytes", (int64_t)store.log_frames * 4096,
              "What the store's write-ahead log holds.");
        gauge(api, "perpgate_store_reserve_records", (int64_t)store.reserve_records,
              "Records in the reserve that the store has not taken over yet.");
        gauge(api, "perpgate_store_reserve_free_bytes", (int64_t)store.reserve_pages * 4096,
              "Room in the reserve; 0: closing stops as well when the store is down.");
        backup_gauges(api);
}

/* --- backup --- */

static void print_status(struct api *api, struct buf *out)
{
        struct store_backup_status s;

        store_backup_status(api->o.backup, &s);
        buf_putc(out, '{');
        out_text(out, "state", store_backup_state_name(s.state));
        out_text(out, "file", s.file[0] ? s.file : NULL);
        out_text(out, "sha256", s.state == BACKUP_DONE ? s.sha256 : NULL);
        out_text(out, "reason", s.state == BACKUP_FAILED ? s.reason : NULL);
        if (s.state == BACKUP_DONE)
                out_int(out, "bytes", s.bytes);
        out_int(out, "pages", s.pages);
        out_int(out, "pagesLeft", s.pages_left);
        out_int(out, "startedAt", s.started_at);
        out_int(out, "endedAt", s.ended_at);
        buf_puts(out, "}");
}

/* "" or {"name": "..."}; false otherwise. */
static bool read_name(char *name, size_t cap, const struct httpd_request *request)
{
        json_t *root, *value;
        bool ok;

        name[0] = '\0';
        if (request->body_len == 0)
                return true;
        root = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
        value = json_object_get(root, "name");
        ok = json_is_string(value) && json_object_size(root) == 1 &&
             text_copy(name, cap, json_string_value(value)) && name[0];
        json_decref(root);
        return ok;
}

static int status_of(enum errc rc)
{
        return rc == E_LIMIT || rc == E_EXISTS ? 409 : rc == E_INVALID ? 400 : 500;
}

/* A page in a browser on this machine can post plain text anywhere, but JSON only where it is let. */
static int begin(struct api *api, const struct httpd_request *request, struct err *err)
{
        static const char json[] = "application/json";
        char name[128];
        enum errc rc;

        if (strncmp(httpd_header(request, "content-type"), json, sizeof json - 1) != 0) {
                (void)err_set(err, E_MEDIA_TYPE, "%s", err_text(E_MEDIA_TYPE));
                return 415;
        }
        if (!read_name(name, sizeof name, request)) {
                (void)err_set(err, E_INVALID, "The body is empty or {\"name\": \"...\"}.");
                return 400;
        }
        rc = store_backup_start(api->o.backup, name[0] ? name : NULL, err);
        return rc ? status_of(rc) : 202;
}

bool admin_store_handle(struct api *api, const struct httpd_request *request)
{
        struct err err = {.code = E_OK};
        struct buf body;
        int status = 200;

        if (strcmp(request->path, "/backup") != 0)
                return false;
        if (request->method == METHOD_POST) {
                status = begin(api, request, &err);
        } else if (request->method != METHOD_GET) {
                status = 405;
                (void)err_set(&err, E_METHOD, "GET or POST");
        }
        buf_init(&body, 8192);
        if (err.code) {
                buf_putc(&body, '{');
                out_text(&body, "error", err.detail);
                buf_putc(&body, '}');
        } else {
                print_status(api, &body);
        }
        must(buf_check(&body) == E_OK);
        httpd_reply(api->o.httpd, request->handle, status, "application/json", NULL, 0, body.data,
                    body.len);
        buf_fini(&body);
        return true;
}
