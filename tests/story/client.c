#include "story/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sign/eip712.h"
#include "sign/secp.h"

#define CALL_SECONDS 20L

#define CHILDREN_MAX 4
static int children[CHILDREN_MAX]; /* ended when the story fails */
static int n_children;
static FILE *logs; /* what the programs wrote to standard error; shown when something broke */

static void show_logs(void)
{
        char text[4096];
        size_t n;

        if (!logs || fseek(logs, 0, SEEK_END))
                return;
        long end = ftell(logs);
        if (fseek(logs, end > (long)sizeof text ? end - (long)sizeof text : 0, SEEK_SET))
                return;
        n = fread(text, 1, sizeof text, logs);
        puts("The last lines of the programs' logs:");
        fwrite(text, 1, n, stdout);
}

void client_fail(const char *fmt, ...)
{
        va_list ap;

        fputs("\nThe story broke: ", stdout);
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        puts("");
        show_logs();
        fflush(stdout);
        for (int i = 0; i < n_children; i++)
                if (children[i] > 0)
                        kill(children[i], SIGKILL);
        exit(1);
}

/* --- the demo --- */

static void read_line(int fd, char *line, size_t cap)
{
        size_t n = 0;

        while (n + 1 < cap) {
                ssize_t got = read(fd, line + n, 1);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        client_fail("the demo ended before it was ready");
                if (line[n] == '\n')
                        break;
                n++;
        }
        line[n] = '\0';
}

void client_run(int *pid, int *out, const char *const argv[])
{
        int pipes[2];

        if (pipe(pipes))
                client_fail("pipe: %s", strerror(errno));
        if (!logs)
                logs = tmpfile();
        *pid = fork();
        if (*pid == 0) {
                dup2(pipes[1], STDOUT_FILENO);
                if (logs)
                        dup2(fileno(logs), STDERR_FILENO);
                close(pipes[0]);
                close(pipes[1]);
                execv(argv[0], (char *const *)(uintptr_t)argv);
                _exit(127);
        }
        if (n_children < CHILDREN_MAX)
                children[n_children++] = *pid;
        close(pipes[1]);
        *out = pipes[0];
}

json_t *client_spawn(int *pid, int *out, const char *const argv[])
{
        char line[4096];

        client_run(pid, out, argv);
        read_line(*out, line, sizeof line);
        json_t *ready = json_loads(line, 0, NULL);
        if (!json_is_true(json_object_get(ready, "ready")))
                client_fail("%s is not ready: %s", argv[0], line);
        return ready;
}

void client_start(struct world *world, const char *program)
{
        const char *const argv[] = {program, "demo", "--http", "0", "--paper", "0", NULL};
        json_t *ready = client_spawn(&world->pid, &world->out, argv);
        const char *http = json_string_value(json_object_get(ready, "http"));
        const char *paper = json_string_value(json_object_get(ready, "paper"));
        const json_t *brands = json_object_get(ready, "brands");

        if (!http || !paper || json_array_size(brands) < 2)
                client_fail("the demo's line is not as promised");
        text_copy(world->http, sizeof world->http, http);
        text_copy(world->paper, sizeof world->paper, paper);
        for (size_t i = 0; i < 2; i++)
                text_copy(world->host[i], sizeof world->host[i],
                          json_string_value(json_object_get(json_array_get(brands, i), "host")));
        json_decref(ready);
}

int client_end(int pid, int out)
{
        int status = -1;

        kill(pid, SIGTERM);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        for (int i = 0; i < n_children; i++)
                if (children[i] == pid)
                        children[i] = 0;
        close(out);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int client_stop(struct world *world)
{
        return client_end(world->pid, world->out);
}

/* --- HTTP --- */

static size_t collect(char *data, size_t size, size_t n, void *cookie)
{
        buf_put(cookie, data, size * n);
        return size * n;
}

static json_t *http(const char *method, const char *url, const char *host, const char *token,
                    const json_t *body, long *status)
{
        CURL *curl = curl_easy_init();
        struct curl_slist *headers = NULL;
        char line[256];
        char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
        json_error_t why;
        struct buf answer;

        buf_init(&answer, 16u << 20);
        headers = curl_slist_append(headers, "Content-Type: application/json");
        if (host) {
                snprintf(line, sizeof line, "Host: %s", host);
                headers = curl_slist_append(headers, line);
        }
        if (token && token[0]) {
                snprintf(line, sizeof line, "Authorization: Bearer %s", token);
                headers = curl_slist_append(headers, line);
        }
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, CALL_SECONDS);
        if (text)
                curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
        CURLcode rc = curl_easy_perform(curl);
        if (rc)
                client_fail("%s %s: %s", method, url, curl_easy_strerror(rc));
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
        json_t *json = json_loadb((char *)answer.data, answer.len, JSON_DECODE_ANY, &why);
        if (!json)
                client_fail("%s %s: the answer is not JSON: %s", method, url, buf_cstr(&answer));
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        free(text);
        buf_fini(&answer);
        return json;
}

json_t *client_call(const struct trader *trader, const char *method, const char *path, json_t *body,
                    long *status)
{
        char url[512];

        snprintf(url, sizeof url, "%s%s", trader->world->http, path);
        json_t *answer = http(method, url, trader->host, trader->token, body, status);
        json_decref(body);
        return answer;
}

static void broke(const char *method, const char *path, long status, const json_t *answer)
{
        char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENCODE_ANY);

        client_fail("%s %s answered %ld: %s", method, path, status, text);
}

json_t *client_must(const struct trader *trader, const char *method, const char *path, json_t *body)
{
        long status = 0;
        json_t *answer = client_call(trader, method, path, body, &status);

        if (status != 200)
                broke(method, path, status, answer);
        return answer;
}

json_t *client_refused(const struct trader *trader, const char *method, const char *path,
                       json_t *body, const char *code)
{
        long status = 0;
        json_t *answer = client_call(trader, method, path, body, &status);
        const char *got = json_string_value(json_object_get(answer, "code"));

        if (status < 400 || !got || strcmp(got, code) != 0)
                broke(method, path, status, answer);
        return answer;
}

json_t *client_paper(const struct world *world, const char *path, json_t *body)
{
        char url[256];
        long status = 0;

        snprintf(url, sizeof url, "%s%s", world->paper, path);
        json_t *answer = http(body ? "POST" : "GET", url, NULL, NULL, body, &status);
        if (status != 200)
                broke("POST", path, status, answer);
        json_decref(body);
        return answer;
}

/* --- the wallet --- */

void client_trader(struct trader *trader, const struct world *world, const struct secp *secp,
                   const char *host)
{
        *trader = (struct trader){.world = world, .secp = secp, .host = host};
        do
                randombytes_buf(trader->key, sizeof trader->key);
        while (secp_address(secp, &trader->address, trader->key));
        hex_print_addr(trader->address_text, &trader->address);
}

static void sign(const struct trader *trader, const struct hash32 *digest, char out[133])
{
        struct signature sig;

        if (secp_sign(trader->secp, &sig, digest, trader->key))
                client_fail("the wallet can't sign");
        out[0] = '0';
        out[1] = 'x';
        hex_encode(out + 2, sig.r.b, 32);
        hex_encode(out + 66, sig.s.b, 32);
        hex_encode(out + 130, &sig.v, 1);
}

void client_sign_message(const struct trader *trader, const char *message, char out[133])
{
        struct hash32 digest;

        eip191_digest(&digest, message, strlen(message));
        sign(trader, &digest, out);
}

/* One member of the message by its Solidity type, as a wallet reads it. */
static void typed_value(struct eip712_field *field, const json_t *value)
{
        const char *type = field->solidity_type;

        if (strcmp(type, "string") == 0) {
                field->type = EIP712_STRING;
                field->data = json_string_value(value);
                field->len = json_string_length(value);
        } else if (strcmp(type, "address") == 0) {
                field->type = EIP712_ADDRESS;
                if (hex_parse_addr(&field->address, json_string_value(value),
                                   json_string_length(value)))
                        client_fail("%s of the typed data is no address", field->name);
        } else if (strcmp(type, "uint64") == 0) {
                field->type = EIP712_UINT;
                field->number = (uint64_t)json_integer_value(value);
        } else {
                client_fail("the typed data has a field of type %s", type);
        }
}

void client_sign_typed(const struct trader *trader, const json_t *typed, char out[133])
{
        const json_t *domain = json_object_get(typed, "domain");
        const json_t *message = json_object_get(typed, "message");
        const char *primary = json_string_value(json_object_get(typed, "primaryType"));
        const json_t *types = json_object_get(json_object_get(typed, "types"), primary);
        struct eip712_field field[8] = {{0}};
        struct eip712_result result;
        size_t n = json_array_size(types);
        struct eip712_domain d = {
                .name = json_string_value(json_object_get(domain, "name")),
                .version = json_string_value(json_object_get(domain, "version")),
                .chain_id = (uint64_t)json_integer_value(json_object_get(domain, "chainId")),
        };
        const char *contract = json_string_value(json_object_get(domain, "verifyingContract"));

        if (n == 0 || n > 8 || !d.name || !d.version || !contract ||
            hex_parse_addr(&d.verifying_contract, contract, strlen(contract)))
                client_fail("the typed data is not complete");
        for (size_t i = 0; i < n; i++) {
                const json_t *row = json_array_get(types, i);
                field[i].name = json_string_value(json_object_get(row, "name"));
                field[i].solidity_type = json_string_value(json_object_get(row, "type"));
                typed_value(&field[i], json_object_get(message, field[i].name));
        }
        if (eip712_hash(&result, &d, primary, field, n))
                client_fail("the typed data can't be hashed");
        sign(trader, &result.digest, out);
}
