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

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

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

/* A port that nobody listens at yet. The client is there first: of two of the library's contexts with
 * TLS only the later one lets go of everything it made. */
static uint16_t free_port(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        (void)close(fd);
        return ntohs(address.sin_port);
}

static void meet(struct rig *rig, const char *origin, bool trusts)
{
        struct ws_client_options options = plain(rig);
        uint16_t port = free_port();

        make_certificate(rig);
        options.ca_file = trusts ? rig->cert : NULL;
        connect_to(rig, origin, port, "/ws", &options);
        serve(rig, port, true);
}

static void test_tls(void **state)
{
        struct rig *rig = *state;

        meet(rig, "wss://localhost", true);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        assert_int_equal(ws_client_send(rig->client, "hello", 5), E_OK);
        assert_true(wait_for(rig, &rig->n_heard, 1));
        assert_string_equal(rig->host, "localhost");
}

static void is_refused(struct rig *rig)
{
        struct httpd_stats stats = {0};

        while (stats.connections < 3) { /* it goes on trying */
                assert_true(wait_for(rig, &rig->n_closed, rig->n_closed + 1));
                httpd_stats(rig->httpd, &stats);
        }
        assert_int_equal(rig->n_opened + rig->n_peers, 0);
}

/* A certificate for another name opens nothing. */
static void test_other_name(void **state)
{
        meet(*state, "wss://127.0.0.1", true);
        is_refused(*state);
}

/* Nor does a stranger's. */
static void test_stranger(void **state)
{
        meet(*state, "wss://localhost", false);
        is_refused(*state);
}

static void test_no_trust_file(void **state)
{
        struct rig *rig = *state;
        struct ws_client_options options = plain(rig);
        struct err err = {.code = E_OK};

        options.url = "wss://localhost/ws";
        options.ca_file = "/nowhere/ca.pem";
        assert_null(ws_client_new(rig->loop, &options, &err));
        assert_string_equal(err.detail, "the trust anchors can't be read");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_tls),
                T(test_other_name),
                T(test_stranger),
                T(test_no_trust_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
