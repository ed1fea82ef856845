/* Whether a request may have reached its peer is decided by one event: curl's pre-request callback,
 * which runs when the connection, TLS included, stands and before the first byte of the request is
 * handed to it. No callback, no byte: NOT_SENT. Anything after it without a whole answer: UNKNOWN.
 *
 * The same callback keeps curl from sending a request twice. When a reused connection closes
 * without an answer, curl starts the request over on a fresh one and calls back a second time;
 * refusing then ends the transfer before anything is written. */
#include "loop/http_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/http_easy.h"
#include "loop/http_multi.h"

#define HEADERS_MAX_BYTES 65536 /* of an answer; curl alone would take 300 kB */
#define KEPT_BUFFER_BYTES 65536 /* larger buffers are not kept for the next request */

struct http_client {
        struct loop *loop;
        struct http_client_options options;
        struct http_multi *multi;
        struct http_easy *setup;
        struct loop_timer *refuse_timer;
        struct list urgent; /* waiting for a slot, before those in ordinary */
        struct list ordinary;
        struct list active;  /* curl has them */
        struct list refused; /* to be told next turn */
        struct list spare;   /* request objects for reuse */
        CURL **easy;         /* idle handles, at most max_in_flight */
        unsigned n_easy;
        unsigned n_active;
        unsigned n_waiting;
        unsigned n_spare;
        unsigned n_in_callback;
        bool is_closing;
};

struct request {
        struct list at;
        struct http_client *client;
        CURL *easy; /* while active */
        char *url;
        struct curl_slist *headers; /* of this request, or NULL */
        struct buf body;
        struct buf answer;
        size_t header_bytes;
        int64_t retry_after_ms;
        struct loop_timer *deadline;
        bool is_get;
        bool may_have_left; /* the connection was ready to take the request */
        bool started_over;  /* curl wanted to send it a second time */
        http_client_done *done;
        void *cookie;
        char failure[CURL_ERROR_SIZE];
        char refusal[96];
};

static void start_waiting(struct http_client *client);

/* ---- curl's callbacks: none of them calls curl ---- */

static int on_request_ready(void *cookie, char *peer, char *local, int peer_port, int local_port)
{
        struct request *req = cookie;

        (void)peer;
        (void)local;
        (void)peer_port;
        (void)local_port;
        if (req->may_have_left) {
                req->started_over = true;
                return CURL_PREREQFUNC_ABORT;
        }
        req->may_have_left = true;
        return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *data, size_t size, size_t n, void *cookie)
{
        struct request *req = cookie;

        buf_put(&req->answer, data, size * n);
        return buf_check(&req->answer) ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *cookie)
{
        static const char name[] = "retry-after:";
        struct request *req = cookie;
        size_t len = size * n;

        req->header_bytes += len;
        if (req->header_bytes > HEADERS_MAX_BYTES)
                return 0;
        if (len >= sizeof(name) - 1 && strncasecmp(data, name, sizeof(name) - 1) == 0)
                req->retry_after_ms =
                        http_easy_retry_after_ms(data + sizeof(name) - 1, len - (sizeof(name) - 1));
        return len;
}

/* ---- endings ---- */

static void request_release(struct request *req)
{
        struct http_client *client = req->client;

        free(req->url);
        req->url = NULL;
        curl_slist_free_all(req->headers);
        req->headers = NULL;
        if (client->n_spare >= client->options.max_in_flight) {
                loop_timer_free(req->deadline);
                buf_fini(&req->body);
                buf_fini(&req->answer);
                free(req);
                return;
        }
        if (req->body.cap > KEPT_BUFFER_BYTES)
                buf_fini(&req->body);
        if (req->answer.cap > KEPT_BUFFER_BYTES)
                buf_fini(&req->answer);
        list_push_back(&client->spare, &req->at);
        client->n_spare++;
}

/* The one place that tells the caller. The request must be in no list and not with curl. */
static void tell(struct request *req, struct http_answer *answer)
{
        struct http_client *client = req->client;

        loop_timer_stop(req->deadline);
        client->n_in_callback++;
        req->done(req->cookie, answer);
        client->n_in_callback--;
        request_release(req);
}

static void answer_unanswered(struct http_answer *answer, const struct request *req,
                              const char *why)
{
        *answer = (struct http_answer){
                .result = req->may_have_left ? HTTP_UNKNOWN : HTTP_NOT_SENT,
                .body = "",
                .content_type = "",
                .retry_after_ms = -1,
        };
        (void)text_copy(answer->reason, sizeof(answer->reason), why);
}

/* Takes the transfer from curl. A transfer under way loses its connection, as it must: the peer may
 * still answer on it. */
static CURL *take_from_curl(struct request *req)
{
        struct http_client *client = req->client;
        CURL *easy = req->easy;

        http_multi_remove(client->multi, easy);
        req->easy = NULL;
        client->n_active--;
        list_remove(&req->at);
        return easy;
}

static void easy_keep(struct http_client *client, CURL *easy)
{
        /* The buffer dies with the request; curl may write to it once more while cleaning up. */
        must(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL) == CURLE_OK);
        if (client->n_easy < client->options.max_in_flight)
                client->easy[client->n_easy++] = easy;
        else
                curl_easy_cleanup(easy);
}

static const char *failure_text(const struct request *req, CURLcode code)
{
        if (req->started_over)
                return "the connection closed before an answer arrived";
        if (req->answer.overflowed)
                return "the answer is longer than is accepted";
        if (req->header_bytes > HEADERS_MAX_BYTES)
                return "the answer's headers are longer than is accepted";
        return req->failure[0] ? req->failure : curl_easy_strerror(code);
}

static void on_ended(void *cookie, CURL *ended, CURLcode code)
{
        struct http_client *client = cookie;
        struct request *req;
        struct http_answer answer;
        char *private_data = NULL;
        char *content_type = NULL;
        long status = 0;
        CURL *easy;

        must(curl_easy_getinfo(ended, CURLINFO_PRIVATE, &private_data) == CURLE_OK);
        req = (struct request *)(void *)private_data;
        easy = take_from_curl(req);
        if (!code && curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
            status >= 200) {
                (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &content_type);
                answer = (struct http_answer){
                        .result = HTTP_ANSWERED,
                        .status = status,
                        .body = buf_cstr(&req->answer),
                        .body_len = req->answer.len,
                        .content_type = content_type ? content_type : "",
                        .retry_after_ms = req->retry_after_ms,
                };
        } else {
                answer_unanswered(&answer, req,
                                  code ? failure_text(req, code) : "the answer has no status");
        }
        tell(req, &answer); /* content_type lives in easy until here */
        easy_keep(client, easy);
        start_waiting(client);
}

static void on_deadline(void *cookie)
{
        struct request *req = cookie;
        struct http_client *client = req->client;
        struct http_answer answer;

        if (req->easy) {
                easy_keep(client, take_from_curl(req));
                answer_unanswered(&answer, req,
                                  req->may_have_left ? "no answer arrived before the deadline"
                                                     : "no connection stood before the deadline");
        } else {
                list_remove(&req->at);
                client->n_waiting--;
                answer_unanswered(&answer, req, "no slot was free before the deadline");
        }
        tell(req, &answer);
        start_waiting(client);
}

/* ---- starting ---- */

static void start(struct request *req)
{
        struct http_client *client = req->client;
        CURL *easy = client->n_easy ? client->easy[--client->n_easy] : http_easy_new(client->setup);
        unsigned bad = 0;

        bad |= curl_easy_setopt(easy, CURLOPT_URL, req->url);
        if (req->is_get) {
                bad |= curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        } else {
                bad |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
                bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t)req->body.len);
                bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_cstr(&req->body));
        }
        if (req->headers)
                bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, req->headers);
        else
                http_easy_plain_headers(client->setup, easy);
        bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, req);
        bad |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request_ready);
        bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        bad |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, req);
        bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, req);
        bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, req);
        bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, req->failure);
        must(bad == 0);
        req->easy = easy;
        list_push_back(&client->active, &req->at);
        client->n_active++;
        http_multi_add(client->multi, easy);
}

static struct request *take_waiting(struct http_client *client)
{
        struct list *queue = list_empty(&client->urgent) ? &client->ordinary : &client->urgent;
        struct request *req = list_entry(queue->next, struct request, at);

        list_remove(&req->at);
        client->n_waiting--;
        return req;
}

static void start_waiting(struct http_client *client)
{
        while (client->n_active < client->options.max_in_flight && client->n_waiting > 0 &&
               !client->is_closing)
                start(take_waiting(client));
}

static void tell_refused(void *cookie)
{
        struct http_client *client = cookie;

        while (!list_empty(&client->refused)) {
                struct request *req = list_entry(client->refused.next, struct request, at);
                struct http_answer answer;

                list_remove(&req->at);
                answer_unanswered(&answer, req, req->refusal);
                tell(req, &answer);
        }
}

static struct request *request_new(struct http_client *client)
{
        struct request *req;

        if (client->n_spare > 0) {
                req = list_entry(client->spare.next, struct request, at);
                list_remove(&req->at);
                client->n_spare--;
        } else {
                req = xcalloc(1, sizeof(*req));
                req->client = client;
                req->deadline = loop_timer_new(client->loop, on_deadline, req);
                buf_init(&req->answer, client->options.max_body_bytes);
                list_init(&req->at);
        }
        buf_reset(&req->answer);
        req->header_bytes = 0;
        req->retry_after_ms = -1;
        req->may_have_left = false;
        req->started_over = false;
        req->failure[0] = '\0';
        return req;
}

static void refuse(struct request *req, const char *why)
{
        (void)text_copy(req->refusal, sizeof(req->refusal), why);
        list_push_back(&req->client->refused, &req->at);
        loop_timer_start(req->client->refuse_timer, 0, 0);
}

/* Queues a request that has all but its body and address, or refuses it. */
static void enqueue(struct request *req, const char *url, const void *body, size_t body_len,
                    int64_t deadline_ms, bool urgent)
{
        struct http_client *client = req->client;

        if (client->is_closing) {
                refuse(req, "the client is closing");
                return;
        }
        if (client->n_active >= client->options.max_in_flight &&
            client->n_waiting >= client->options.max_waiting) {
                refuse(req, "too many requests are waiting");
                return;
        }
        if (deadline_ms <= 0) {
                refuse(req, "the deadline had passed already");
                return;
        }
        req->url = xstrdup(url);
        if (!req->body.data)
                buf_init(&req->body, body_len > KEPT_BUFFER_BYTES ? body_len : KEPT_BUFFER_BYTES);
        else if (req->body.max < body_len)
                req->body.max = body_len;
        buf_reset(&req->body);
        buf_put(&req->body, body, body_len);
        must(buf_check(&req->body) == E_OK);
        loop_timer_start(req->deadline, deadline_ms, 0);
        list_push_back(urgent ? &client->urgent : &client->ordinary, &req->at);
        client->n_waiting++;
        start_waiting(client);
}

void http_client_post(struct http_client *client, const char *url, const void *body,
                      size_t body_len, int64_t deadline_ms, bool urgent, http_client_done *done,
                      void *cookie)
{
        struct request *req = request_new(client);

        req->done = done;
        req->cookie = cookie;
        req->is_get = false;
        enqueue(req, url, body, body_len, deadline_ms, urgent);
}

void http_client_post_with(struct http_client *client, const char *url, const char *const *header,
                           unsigned n_headers, const void *body, size_t body_len,
                           int64_t deadline_ms, http_client_done *done, void *cookie)
{
        struct request *req = request_new(client);

        must(n_headers <= HTTP_CLIENT_HEADERS_MAX);
        req->done = done;
        req->cookie = cookie;
        req->is_get = false;
        req->headers = http_easy_headers(header, n_headers);
        enqueue(req, url, body, body_len, deadline_ms, false);
}

void http_client_get(struct http_client *client, const char *url, int64_t deadline_ms,
                     http_client_done *done, void *cookie)
{
        struct request *req = request_new(client);

        req->done = done;
        req->cookie = cookie;
        req->is_get = true;
        enqueue(req, url, "", 0, deadline_ms, false);
}

unsigned http_client_in_flight(const struct http_client *client)
{
        return client->n_active;
}

/* ---- life ---- */

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options)
{
        struct http_client *client = xcalloc(1, sizeof(*client));

        must(options->max_in_flight > 0 && options->max_in_flight < 65536);
        client->loop = loop;
        client->options = *options;
        client->setup = http_easy_open(options);
        list_init(&client->urgent);
        list_init(&client->ordinary);
        list_init(&client->active);
        list_init(&client->refused);
        list_init(&client->spare);
        client->easy = xcalloc(options->max_in_flight, sizeof(CURL *));
        client->refuse_timer = loop_timer_new(loop, tell_refused, client);
        client->multi = http_multi_open(loop, options->max_in_flight, on_ended, client);
        return client;
}

static void end_all(struct http_client *client)
{
        static const char why[] = "the client is closing";
        struct http_answer answer;

        while (!list_empty(&client->active)) {
                struct request *req = list_entry(client->active.next, struct request, at);

                easy_keep(client, take_from_curl(req));
                answer_unanswered(&answer, req, why);
                tell(req, &answer);
        }
        while (client->n_waiting > 0) {
                struct request *req = take_waiting(client);

                answer_unanswered(&answer, req, why);
                tell(req, &answer);
        }
        tell_refused(client);
}

void http_client_free(struct http_client *client)
{
        if (!client)
                return;
        must(client->n_in_callback == 0); /* not from a done callback: its request is still alive */
        client->is_closing = true;
        end_all(client);
        while (client->n_easy > 0)
                curl_easy_cleanup(client->easy[--client->n_easy]);
        http_multi_close(client->multi);
        http_easy_close(client->setup);
        loop_timer_free(client->refuse_timer);
        client->options.max_in_flight = 0; /* so that released requests are freed, not kept */
        while (!list_empty(&client->spare)) {
                struct request *req = list_entry(client->spare.next, struct request, at);

                list_remove(&req->at);
                request_release(req);
        }
        free(client->easy);
        free(client);
}
