#include "loop/http_easy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define RETRY_AFTER_MAX_S     86400
#define RETRY_AFTER_MAX_DIGIT 6

struct http_easy {
        struct curl_slist *headers;
        char *bind_to; /* curl's notation for the egress address, or NULL */
        char *ca_file; /* or NULL */
};

struct curl_slist *http_easy_headers(const char *const *more, unsigned n)
{
        struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");

        must(list != NULL);
        /* An empty Expect keeps curl from waiting for "100 Continue" before a large body. */
        must(curl_slist_append(list, "Expect:") != NULL);
        must(curl_slist_append(list, "Accept: application/json") != NULL);
        for (unsigned i = 0; i < n; i++)
                must(curl_slist_append(list, more[i]) != NULL);
        return list;
}

void http_easy_plain_headers(const struct http_easy *setup, CURL *easy)
{
        must(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, setup->headers) == CURLE_OK);
}

struct http_easy *http_easy_open(const struct http_client_options *options)
{
        struct http_easy *setup = xcalloc(1, sizeof(*setup));

        must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        if (options->ca_file)
                setup->ca_file = xstrdup(options->ca_file);
        if (options->interface_address) {
                size_t size = strlen(options->interface_address) + sizeof("host!");

                setup->bind_to = xmalloc(size);
                (void)snprintf(setup->bind_to, size, "host!%s", options->interface_address);
        }
        setup->headers = http_easy_headers(NULL, 0);
        return setup;
}

void http_easy_close(struct http_easy *setup)
{
        if (!setup)
                return;
        curl_slist_free_all(setup->headers);
        free(setup->bind_to);
        free(setup->ca_file);
        free(setup);
        curl_global_cleanup();
}

static void set_trust(const struct http_easy *setup, CURL *easy)
{
        unsigned bad = 0; /* or of CURLcodes */

        bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
        bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
        bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        bad |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
        if (setup->ca_file) {
                bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, setup->ca_file);
                bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        }
        if (setup->bind_to)
                bad |= curl_easy_setopt(easy, CURLOPT_INTERFACE, setup->bind_to);
        must(bad == 0);
}

CURL *http_easy_new(const struct http_easy *setup)
{
        CURL *easy = curl_easy_init();
        unsigned bad = 0; /* or of CURLcodes */

        must(easy != NULL);
        bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        /* Without it, giving up on a slow name lookup would wait for the lookup's thread. */
        bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        bad |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, setup->headers);
        bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "perpgate/" PERPGATE_VERSION);
        bad |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        must(bad == 0);
        set_trust(setup, easy);
        return easy;
}

int64_t http_easy_retry_after_ms(const char *value, size_t len)
{
        int64_t seconds = 0;
        size_t digits = 0;

        while (len > 0 && (*value == ' ' || *value == '\t')) {
                value++;
                len--;
        }
        for (; digits < len && value[digits] >= '0' && value[digits] <= '9'; digits++) {
                if (digits == RETRY_AFTER_MAX_DIGIT)
                        return -1;
                seconds = seconds * 10 + (value[digits] - '0');
        }
        for (size_t i = digits; i < len; i++)
                if (value[i] != ' ' && value[i] != '\r' && value[i] != '\n')
                        return -1;
        if (digits == 0)
                return -1;
        return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}
