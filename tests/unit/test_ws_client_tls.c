/* The outbound WebSocket over TLS: whom it believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ws_client_rig.h"

/* A certificate for localhost that signs itself. */
static void make_certificate(struct rig *rig)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = X509_new();
        X509_NAME *name = X509_get_subject_name(cert);
        X509_EXTENSION *san =
                X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
        FILE *file;

        (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/perpgate-ws-XXXXXX");
        assert_non_null(mkdtemp(rig->folder));
        (void)snprintf(rig->cert, sizeof(rig->cert), "%s/cert.pem", rig->folder);
        (void)snprintf(rig->key, sizeof(rig->key), "%s/key.pem", rig->folder);
        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
        X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
        X509_set_pubkey(cert, key);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1,
                                   0);
        X509_set_issuer_name(cert, name);
        assert_int_equal(X509_add_ext(cert, san, -1), 1);
        assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
        file = fopen(rig->cert, "w");
        assert_int_equal(PEM_write_X509(file, cert), 1);
        (void)fclose(file);
        file = fopen(rig->key, "w");
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        (void)fclose(file);
        X509_EXTENSION_free(san);
        X509_free(cert);
        EVP_PKEY_free(key);
}

static void test_tls(void **state)
{
        struct rig *rig = *state;
        struct ws_client_options options = plain(rig);

        make_certificate(rig);
        serve(rig, 0, true);
        options.ca_file = rig->cert;
        connect_to(rig, "wss://localhost", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        assert_int_equal(ws_client_send(rig->client, "hello", 5), E_OK);
        assert_true(wait_for(rig, &rig->n_heard, 1));
        assert_string_equal(rig->host, "localhost");
}

/* A certificate for another name, or of a stranger, opens nothing. */
static void test_tls_refused(void **state)
{
        struct rig *rig = *state;
        struct ws_client_options options = plain(rig);

        make_certificate(rig);
        serve(rig, 0, true);
        options.ca_file = rig->cert;
        connect_to(rig, "wss://127.0.0.1", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_closed, 1));
        assert_int_equal(rig->n_opened, 0);
        ws_client_free(rig->client);
        rig->n_closed = 0;
        options.ca_file = NULL; /* the system's trust */
        connect_to(rig, "wss://localhost", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_closed, 1));
        assert_int_equal(rig->n_opened + rig->n_peers, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_tls),
                T(test_tls_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
