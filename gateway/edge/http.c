#include "edge/http.h"

#include <string.h>
#include <time.h>

#include "base/attr.h"

static const char *const method_name[] = {
        [METHOD_GET] = "GET",     [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",
        [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS",
        [METHOD_HEAD] = "HEAD",
};

static const struct {
        int status;
        const char *reason;
} reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
};

const char *http_method_name(enum http_method method)
{
        return method_name[method];
}

bool http_method_find(enum http_method *out, const char *name, size_t len)
{
        for (size_t i = 0; i < sizeof(method_name) / sizeof(method_name[0]); i++) {
                if (strlen(method_name[i]) != len || memcmp(method_name[i], name, len) != 0)
                        continue;
                *out = (enum http_method)i;
                return true;
        }
        return false;
}

const char *http_reason(int status)
{
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
                if (reasons[i].status == status)
                        return reasons[i].reason;
        return "Unknown";
}

void http_date(char out[HTTP_DATE_SIZE], int64_t wall_ms)
{
        time_t seconds = (time_t)(wall_ms / 1000);
        struct tm tm;

        must(gmtime_r(&seconds, &tm) != NULL);
        /* The process never sets a locale, so the names are English. */
        must(strftime(out, HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
}
