/* The listeners under TLS, asked by http_client: both ends of what the gateway speaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "loop/http_client.h"

#include "edge_rig.h"

struct world {
        struct rig rig;
        struct http_client *client;
        char folder[64];
        char cert[96];
        char key[96];
        char other_cert[96];
};

struct outcome {
        unsigned n;
        enum http_result result;
        long status;
        size_t body_len;
        char reason[160];
};

static void write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        if (cert)
                assert_int_equal(PEM_write_X509(f, cert), 1);
        else
                assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(f);
}

/* A certificate for 127.0.0.1 that signs itself; key_path may be NULL. */
static void make_certificate(const char *cert_path, const char *key_path)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        X509_NAME *name = X509_get_subject_name(cert);
        X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

        assert_non_null(key);
        assert_non_null(san);
        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
        X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
        X509_set_pubkey(cert, key);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cert_path, -1,
                                   -1, 0);
        X509_set_issuer_name(cert, name);
        assert_int_equal(X509_add_ext(cert, san, -1), 1);
        assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
        write_pem(cert_path, cert, NULL);
        if (key_path)
                write_pem(key_path, NULL, key);
        X509_EXTENSION_free(san);
        X509_free(cert);
        EVP_PKEY_free(key);
}

static void client_trusts(struct world *w, const char *ca_file)
{
        const struct http_client_options o = {.max_in_flight = 4,
                                              .max_waiting = 4,
                                              .max_body_bytes = RIG_BIG + 1,
                                              .ca_file = ca_file};

        http_client_free(w->client);
        w->client = http_client_new(w->rig.loop, &o);
}

static int setup(void **state)
{
        struct world *w = xcalloc(1, sizeof(*w));
        const char *tmp = getenv("TMPDIR");

        snprintf(w->folder, sizeof(w->folder), "%s/pg-tls-XXXXXX", tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(w->folder));
        snprintf(w->cert, sizeof(w->cert), "%s/cert.pem", w->folder);
        snprintf(w->key, sizeof(w->key), "%s/key.pem", w->folder);
        snprintf(w->other_cert, sizeof(w->other_cert), "%s/other.pem", w->folder);
        make_certificate(w->cert, w->key);
        make_certificate(w->other_cert, NULL);
        rig_init(&w->rig);
        w->rig.options.tls_cert_file = w->cert;
        w->rig.options.tls_key_file = w->key;
        w->rig.options.max_body_bytes = 1 << 20;
        rig_listen(&w->rig);
        client_trusts(w, w->cert);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;

        http_client_free(w->client);
        rig_fini(&w->rig);
        unlink(w->cert);
        unlink(w->key);
        unlink(w->other_cert);
        rmdir(w->folder);
        free(w);
        return 0;
}

static void on_done(void *cookie, const struct http_answer *answer)
{
        struct outcome *out = cookie;

        out->n++;
        out->result = answer->result;
        out->status = answer->status;
        out->body_len = answer->body_len;
        (void)text_copy(out->reason, sizeof(out->reason), answer->reason);
}

static struct outcome ask(struct world *w, const char *scheme, const char *path, size_t body_len)
{
        struct outcome out = {0};
        char url[128];
        char *body = malloc(body_len + 1);

        memset(body, 'b', body_len);
        snprintf(url, sizeof(url), "%s://127.0.0.1:%u%s", scheme,
                 (unsigned)httpd_port(w->rig.listener), path);
        http_client_post(w->client, url, body, body_len, CLIENT_PATIENCE_MS, true, on_done, &out);
        free(body);
        assert_true(client_wait_count(w->rig.loop, &out.n, 1));
        return out;
}

static void test_small_and_large_requests(void **state)
{
        struct world *w = *state;
        struct outcome out;

        for (int i = 0; i < 20; i++) {
                out = ask(w, "https", "/a", 3);
                assert_int_equal(out.result, HTTP_ANSWERED);
                assert_int_equal(out.status, 200);
        }
        out = ask(w, "https", "/a", 1 << 20);
        assert_int_equal(out.status, 200);
        assert_int_equal(w->rig.last_body_len, 1 << 20);
        out = ask(w, "https", "/big", 2);
        assert_int_equal(out.status, 200);
        assert_int_equal(out.body_len, RIG_BIG);
        assert_int_equal(rig_stats(&w->rig).connections, 1); /* kept alive throughout */
        out = ask(w, "https", "/a", (1 << 20) + 1);
        assert_int_equal(out.status, 413);
}

static void test_unknown_certificate_is_not_sent(void **state)
{
        struct world *w = *state;
        struct outcome out;

        client_trusts(w, w->other_cert);
        out = ask(w, "https", "/a", 3);
        assert_int_equal(out.result, HTTP_NOT_SENT);
        assert_true(out.reason[0] != '\0');
        client_trusts(w, NULL); /* the system's trust anchors do not know it either */
        out = ask(w, "https", "/a", 3);
        assert_int_equal(out.result, HTTP_NOT_SENT);
        assert_int_equal(w->rig.n_requests, 0);
}

static void test_plain_request_to_a_tls_port(void **state)
{
        struct world *w = *state;
        struct outcome out = ask(w, "http", "/a", 3);

        assert_int_equal(out.result, HTTP_UNKNOWN); /* its bytes did leave */
        assert_int_equal(w->rig.n_requests, 0);
        out = ask(w, "https", "/a", 3); /* and the listener goes on */
        assert_int_equal(out.status, 200);
}

static void test_abort_is_unknown(void **state)
{
        struct world *w = *state;
        struct outcome out = ask(w, "https", "/abort", 3);

        assert_int_equal(out.result, HTTP_UNKNOWN);
        assert_int_equal(w->rig.n_requests, 1);
        out = ask(w, "https", "/a", 3);
        assert_int_equal(out.status, 200);
        out = ask(w, "https", "/abort", 3); /* on a reused connection: not sent again */
        assert_int_equal(out.result, HTTP_UNKNOWN);
        assert_int_equal(w->rig.n_requests, 3);
}

static void test_key_of_another_certificate_is_refused(void **state)
{
        struct world *w = *state;
        struct httpd_listen_options o = w->rig.options;
        struct err err = {0};

        o.tls_cert_file = w->other_cert;
        assert_null(httpd_listen(w->rig.httpd, &o, &err));
        assert_int_equal(err.code, E_CONFIG);
        err = (struct err){0};
        o.tls_key_file = NULL;
        assert_null(httpd_listen(w->rig.httpd, &o, &err));
        assert_int_equal(err.code, E_CONFIG);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_small_and_large_requests),
                T(test_unknown_certificate_is_not_sent),
                T(test_plain_request_to_a_tls_port),
                T(test_abort_is_unknown),
                T(test_key_of_another_certificate_is_refused),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
