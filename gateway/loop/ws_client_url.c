#include "loop/ws_client_url.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

static bool is_plain(const char *text)
{
        for (; *text; text++)
                if (*text <= ' ' || *text > '~' || *text == '#' || *text == '@' || *text == '\\')
                        return false;
        return true;
}

static bool host_fits(const char *host, size_t len, bool is_v6)
{
        static const char name[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

        for (size_t i = 0; i < len; i++)
                if (!strchr(is_v6 ? "0123456789abcdefABCDEF:." : name, host[i]))
                        return false;
        return len > 0 && len < sizeof(((struct ws_client_url *)0)->host);
}

/* Digits to the end; 1..65535. */
static bool port_fits(const char *text, size_t len, uint16_t *out)
{
        unsigned port = 0;

        if (len == 0 || len > 5)
                return false;
        for (size_t i = 0; i < len; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                port = port * 10 + (unsigned)(text[i] - '0');
        }
        *out = (uint16_t)port;
        return port > 0 && port <= UINT16_MAX;
}

static bool read_authority(struct ws_client_url *out, const char *text, size_t len)
{
        bool is_v6 = len > 0 && text[0] == '[';
        const char *end = memchr(text, is_v6 ? ']' : ':', len);
        const char *host = text + is_v6;
        size_t host_len = end ? (size_t)(end - host) : len - is_v6;
        const char *rest = end ? end + is_v6 : text + len;
        size_t rest_len = (size_t)(text + len - rest);

        if ((is_v6 && !end) || !host_fits(host, host_len, is_v6))
                return false;
        memcpy(out->host, host, host_len);
        out->port = out->is_tls ? 443 : 80;
        if (rest_len && (rest[0] != ':' || !port_fits(rest + 1, rest_len - 1, &out->port)))
                return false;
        if (len >= sizeof(out->authority))
                return false;
        memcpy(out->authority, text, len);
        return true;
}

enum errc ws_client_url_parse(struct ws_client_url *out, const char *text, struct err *err)
{
        const char *authority;
        size_t len;

        memset(out, 0, sizeof(*out));
        if (!strncmp(text, "wss://", 6))
                out->is_tls = true;
        else if (strncmp(text, "ws://", 5) != 0)
                return err_set(err, E_CONFIG, "a WebSocket URL begins with ws:// or wss://");
        authority = text + (out->is_tls ? 6 : 5);
        len = strcspn(authority, "/?");
        if (!is_plain(text) || !read_authority(out, authority, len))
                return err_set(err, E_CONFIG, "the WebSocket URL has no usable host and port");
        if ((size_t)snprintf(out->path, sizeof(out->path), "%s%s", authority[len] == '/' ? "" : "/",
                             authority + len) >= sizeof(out->path))
                return err_set(err, E_CONFIG, "the WebSocket URL's path is too long");
        return E_OK;
}

void ws_client_url_resolve(struct ws_client_addresses *out, const char *host)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
        int rc = getaddrinfo(host, NULL, &hints, &list);

        memset(out, 0, sizeof(*out));
        if (rc)
                (void)snprintf(out->reason, sizeof(out->reason), "the name has no address: %s",
                               gai_strerror(rc));
        for (struct addrinfo *it = list; it && out->n < WS_CLIENT_ADDRESSES; it = it->ai_next)
                if (!getnameinfo(it->ai_addr, it->ai_addrlen, out->text[out->n],
                                 sizeof(out->text[0]), NULL, 0, NI_NUMERICHOST))
                        out->n++;
        if (!rc && !out->n)
                (void)text_copy(out->reason, sizeof(out->reason), "the name has no address");
        if (list)
                freeaddrinfo(list);
}
