#include "bench/hop_nginx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS  20
#define WAIT_MAX 3000 /* times */

/* Debian's packages install there; others' may be anywhere. */
static const char *program(void)
{
        static const char *const paths[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx",
                                            "/usr/bin/nginx", "/usr/local/nginx/sbin/nginx"};

        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
                if (access(paths[i], X_OK) == 0)
                        return paths[i];
        return NULL;
}

/* A port that nobody listens on at this moment. */
static unsigned free_port(void)
{
        struct sockaddr_in at = {.sin_family = AF_INET};
        socklen_t len = sizeof at;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) ||
            getsockname(fd, (struct sockaddr *)&at, &len))
                client_fail("no free port: %s", strerror(errno));
        close(fd);
        return ntohs(at.sin_port);
}

/* As fast as it can be: no log of accesses, no file on the way, connections that are kept. One process,
 * so that its time is the whole. */
static void write_config(const struct bench_site *site, const char *path, unsigned port)
{
        char text[3072];
        const char *dir = site->dir, *venue = strstr(site->world.paper, "://");
        int len;

        if (!venue)
                client_fail("%s is no address", site->world.paper);
        venue += 3;
        len = snprintf(text, sizeof text,
                       "daemon off;\nmaster_process off;\npid %s/nginx.pid;\nerror_log "
                       "%s/nginx.log error;\n"
                       "events { worker_connections 1024; }\n"
                       "http {\n"
                       "  access_log off;\n  keepalive_requests 1000000000;\n"
                       "  client_body_temp_path %s/body;\n  proxy_temp_path %s/proxy;\n"
                       "  fastcgi_temp_path %s/fastcgi;\n  uwsgi_temp_path %s/uwsgi;\n"
                       "  scgi_temp_path %s/scgi;\n"
                       "  proxy_cache_path %s/cache keys_zone=kept:1m;\n"
                       "  upstream venue {\n    server %s;\n    keepalive 128;\n"
                       "    keepalive_requests 1000000000;\n  }\n"
                       "  proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n"
                       "  proxy_buffer_size 16k;\n  proxy_buffers 64 16k;\n"
                       "  proxy_busy_buffers_size 512k;\n  client_body_buffer_size 16k;\n"
                       "  server {\n    listen 127.0.0.1:%u;\n"
                       "    location / { proxy_pass http://venue; }\n"
                       "    location /cached/ {\n      proxy_pass http://venue/;\n      "
                       "proxy_cache kept;\n"
                       "      proxy_cache_methods POST;\n      proxy_cache_key $request_body;\n"
                       "      proxy_cache_valid 200 1h;\n"
                       "      proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;\n    }\n"
                       "  }\n}\n",
                       dir, dir, dir, dir, dir, dir, dir, dir, venue, port);
        if (len < 0 || (size_t)len >= sizeof text)
                client_fail("the configuration of nginx is too long");
        bench_site_write(path, text);
}

static bool listens(unsigned port)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_there;

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        is_there = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
        if (fd >= 0)
                close(fd);
        return is_there;
}

bool hop_nginx_open(struct hop_nginx *nginx, const struct bench_site *site)
{
        char config[128], log[128];
        const char *const argv[] = {program(), "-e", log, "-p", site->dir, "-c", config, NULL};
        unsigned port = free_port();

        if (!argv[0])
                return false;
        snprintf(config, sizeof config, "%s/nginx.conf", site->dir);
        snprintf(log, sizeof log, "%s/nginx.log", site->dir);
        snprintf(nginx->base, sizeof nginx->base, "http://127.0.0.1:%u", port);
        write_config(site, config, port);
        client_run(&nginx->pid, &nginx->out, argv);
        for (unsigned i = 0; !listens(port); i++) {
                struct pollfd end = {.fd = nginx->out, .events = POLLIN};

                /* Its output ends when it does. */
                if (i == WAIT_MAX || poll(&end, 1, WAIT_MS) != 0)
                        client_fail("nginx does not listen; see its messages below, and %s", log);
        }
        return true;
}

void hop_nginx_close(struct hop_nginx *nginx)
{
        client_end(nginx->pid, nginx->out);
}
