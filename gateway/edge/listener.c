#include "edge/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "edge/conn.h"
#include "edge/serve.h"

#define NEVER_S 86400 /* the library's own limits; ours are shorter */

/* The library says only that a vhost could not be made; an operator wants to know why. */
static enum errc check_tls_files(const struct httpd_listen_options *o, struct err *err)
{
        enum errc rc = E_OK;
        char text[160] = "";
        SSL_CTX *tls;

        if (!o->tls_cert_file && !o->tls_key_file)
                return E_OK;
        if (!o->tls_cert_file || !o->tls_key_file)
                return err_set(err, E_CONFIG, "TLS needs a certificate file and a key file.");
        ERR_clear_error();
        tls = SSL_CTX_new(TLS_server_method());
        must(tls != NULL);
        if (SSL_CTX_use_certificate_chain_file(tls, o->tls_cert_file) != 1 ||
            SSL_CTX_use_PrivateKey_file(tls, o->tls_key_file, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(tls) != 1) {
                ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
                rc = err_set(err, E_CONFIG, "Can't use the certificate %s with the key %s: %s.",
                             o->tls_cert_file, o->tls_key_file, text);
        }
        SSL_CTX_free(tls);
        ERR_clear_error();
        return rc;
}

static enum errc check_address(const struct httpd *httpd, const struct httpd_listen_options *o,
                               bool *is_ipv6, struct err *err)
{
        struct in6_addr v6;
        struct in_addr v4;

        *is_ipv6 = inet_pton(AF_INET6, o->address, &v6) == 1;
        if (!*is_ipv6 && inet_pton(AF_INET, o->address, &v4) != 1)
                return err_set(err, E_CONFIG, "%s is not a numeric address.", o->address);
        /* The library would have two vhosts share the one socket. */
        list_each (it, &httpd->listeners) {
                const struct httpd_listener *other = list_entry(it, struct httpd_listener, at);

                if (o->port != 0 && o->port == listener_port(other) &&
                    strcmp(o->address, other->options.address) == 0)
                        return err_set(err, E_IO, "Can't listen on %s port %u twice.", o->address,
                                       (unsigned)o->port);
        }
        return E_OK;
}

static void free_const(const char *owned)
{
        free((void *)(uintptr_t)owned);
}

void listener_free(struct httpd_listener *listener)
{
        gate_free(listener->gate);
        free_const(listener->options.address);
        free_const(listener->options.tls_cert_file);
        free_const(listener->options.tls_key_file);
        for (unsigned i = 0; i < listener->options.n_ws_paths; i++)
                free_const(listener->options.ws_paths[i]);
        free((void *)(uintptr_t)listener->options.ws_paths);
        free(listener);
}

static char *copy_or_null(const char *s)
{
        return s ? xstrdup(s) : NULL;
}

static const char *const *copy_paths(const struct httpd_listen_options *options)
{
        const char **copy = xcalloc(options->n_ws_paths + 1, sizeof(*copy));

        for (unsigned i = 0; i < options->n_ws_paths; i++)
                copy[i] = xstrdup(options->ws_paths[i]);
        return copy;
}

static struct httpd_listener *listener_new(struct httpd *httpd,
                                           const struct httpd_listen_options *options)
{
        struct httpd_listener *listener = xcalloc(1, sizeof(*listener));

        listener->httpd = httpd;
        listener->options = *options;
        listener->options.address = xstrdup(options->address);
        listener->options.tls_cert_file = copy_or_null(options->tls_cert_file);
        listener->options.tls_key_file = copy_or_null(options->tls_key_file);
        listener->options.ws_paths = copy_paths(options);
        listener->gate = gate_new(options->max_connections_per_address);
        (void)snprintf(listener->name, sizeof(listener->name), "%p", (void *)listener);
        for (int state = 0; state < CONN_STATES; state++)
                list_init(&listener->conns[state]);
        return listener;
}

static struct lws_vhost *vhost_new(struct httpd_listener *listener, bool is_ipv6)
{
        static const lws_retry_bo_t no_pings = {0};
        const struct httpd_listen_options *o = &listener->options;
        struct lws_context_creation_info info = {
                .vhost_name = listener->name,
                .iface = o->address,
                .port = o->port,
                .protocols = serve_protocols,
                .user = listener,
                .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                           LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
                .keepalive_timeout = NEVER_S,
                .timeout_secs_ah_idle = NEVER_S,
                .retry_and_idle_policy = &no_pings,
        };

        if (is_ipv6)
                info.options |=
                        LWS_SERVER_OPTION_IPV6_V6ONLY_MODIFY | LWS_SERVER_OPTION_IPV6_V6ONLY_VALUE;
        else
                info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
        if (o->tls_cert_file) {
                info.ssl_cert_filepath = o->tls_cert_file;
                info.ssl_private_key_filepath = o->tls_key_file;
                info.ssl_options_set = (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 |
                                              SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION);
                info.alpn = "http/1.1"; /* the library would offer h2 */
        }
        return lws_create_vhost(listener->httpd->lws, &info);
}

struct httpd_listener *listener_open(struct httpd *httpd,
                                     const struct httpd_listen_options *options, struct err *err)
{
        struct httpd_listener *listener;
        bool is_ipv6 = false;

        must(options->handler != NULL && options->max_connections > 0);
        must(!options->ws || (options->n_ws_paths > 0 && options->ws_max_message_bytes > 0));
        if (check_tls_files(options, err) || check_address(httpd, options, &is_ipv6, err))
                return NULL;
        listener = listener_new(httpd, options);
        errno = 0;
        listener->vhost = vhost_new(listener, is_ipv6);
        if (!listener->vhost) {
                err_set(err, E_IO, "Can't listen on %s port %u: %s.", options->address,
                        (unsigned)options->port, strerror(errno));
                listener_free(listener);
                return NULL;
        }
        list_push_back(&httpd->listeners, &listener->at);
        return listener;
}

uint16_t listener_port(const struct httpd_listener *listener)
{
        return (uint16_t)lws_get_vhost_listen_port(listener->vhost);
}
