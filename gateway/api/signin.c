/* Sign-In with Ethereum. Signing in is also how the brand's terms are accepted: the message says so,
 * and the version is recorded with the account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/admit.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "auth/siwe.h"
#include "base/mem.h"

struct site { /* an auth_site and the texts it borrows */
        struct auth_site site;
        char statement[256];
        char uri[300];
};

static void site_of(struct site *s, const struct brand *b)
{
        int n = b->terms_version[0]
                        ? snprintf(s->statement, sizeof s->statement,
                                   "%s By signing in you accept the terms, version %s.",
                                   b->statement, b->terms_version)
                        : snprintf(s->statement, sizeof s->statement, "%s", b->statement);
        must(n > 0 && (size_t)n < sizeof s->statement);
        snprintf(s->uri, sizeof s->uri, "%s://%s", b->tls ? "https" : "http", b->host[0]);
        s->site = (struct auth_site){
                .brand = b->id,
                .host = b->host[0],
                .uri = s->uri,
                .statement = s->statement,
                .chain_ids = b->chain,
                .n_chain_ids = b->n_chains,
        };
}

struct challenge_request {
        struct addr address;
        unsigned chain_id;
};

static const struct field challenge_fields[] = {
        {.name = "address",
         .type = FIELD_ADDRESS,
         .required = true,
         .offset = offsetof(struct challenge_request, address),
         .present = FIELD_NO_FLAG},
        {.name = "chainId",
         .type = FIELD_UINT,
         .offset = offsetof(struct challenge_request, chain_id),
         .present = FIELD_NO_FLAG,
         .size = UINT32_MAX},
};
FIELD_TABLE(signin_challenge_table, challenge_fields);

void signin_challenge(struct call *call)
{
        struct challenge_request request = {.chain_id = 0};
        struct err err = {.code = E_OK};
        char message[SIWE_MESSAGE_MAX];
        int64_t expires_at = 0;
        struct site site;
        struct buf body;

        enum errc rc = call_fields(call, &request, challenge_fields, 2, &err);
        site_of(&site, call->brand);
        if (rc || auth_challenge(call->api->o.auth, &site.site, &request.address, request.chain_id,
                                 message, &expires_at, &err)) {
                call_fail(call, &err);
                return;
        }
        buf_init(&body, 16384);
        buf_putc(&body, '{');
        out_text(&body, "message", message);
        out_int(&body, "expiresAt", expires_at);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

struct login_request {
        const char *message; /* borrowed from the JSON */
        const char *signature;
};

static const struct field login_fields[] = {
        {.name = "message",
         .type = FIELD_RAW,
         .required = true,
         .offset = offsetof(struct login_request, message),
         .present = FIELD_NO_FLAG,
         .size = SIWE_MESSAGE_MAX - 1},
        {.name = "signature",
         .type = FIELD_RAW,
         .required = true,
         .offset = offsetof(struct login_request, signature),
         .present = FIELD_NO_FLAG,
         .size = 256},
};
FIELD_TABLE(signin_login_table, login_fields);

struct login {
        struct call *call;
        struct auth_login result;
};

static void login_answer(struct login *login)
{
        char address[ADDR_STR_MAX];
        struct buf body;

        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "token", login->result.token);
        out_int(&body, "expiresAt", login->result.expires_at);
        out_text(&body, "account", hex_print_addr(address, &login->result.address));
        buf_putc(&body, '}');
        call_reply(login->call, 200, &body);
        secret_wipe(login, sizeof *login);
        free(login);
}

static void login_fail(struct login *login, enum errc rc)
{
        call_fail_code(login->call, rc);
        secret_wipe(login, sizeof *login);
        free(login);
}

static void login_recorded(void *cookie, enum errc rc)
{
        if (rc)
                login_fail(cookie, rc);
        else
                login_answer(cookie);
}

/* The account exists from its first sign-in; newly accepted terms are recorded. */
static void login_account(void *cookie, enum errc rc, const struct store_account *account)
{
        struct login *login = cookie;
        const struct brand *b = login->call->brand;
        struct store_account record;

        if (rc) {
                login_fail(login, rc);
                return;
        }
        if (account->created_at && strcmp(account->terms_version, b->terms_version) == 0) {
                login_answer(login);
                return;
        }
        record = *account;
        if (!record.created_at)
                record.created_at = state_now(login->call->api);
        text_copy(record.terms_version, sizeof record.terms_version, b->terms_version);
        record.terms_at = state_now(login->call->api);
        accounts_put(login->call->api->accounts, &record, login_recorded, login);
}

static void logged_in(void *cookie, const struct auth_login *result)
{
        struct call *call = cookie;
        struct login *login;

        if (result->rc) {
                struct err err = result->err;
                (void)err_set(&err, result->rc, "%s", err_text(result->rc));
                call_fail(call, &err);
                return;
        }
        login = xcalloc(1, sizeof *login);
        login->call = call;
        login->result = *result;
        accounts_get(call->api->accounts, call->brand->id, &result->address, login_account, login);
}

/* Whom the message is of; what is wrong with it is auth_login's to say. */
static enum errc check_address(const struct call *call, const char *message, struct err *err)
{
        struct siwe siwe;

        if (siwe_parse(&siwe, message, strlen(message), NULL))
                return E_OK;
        return admit_sign_in(call, &siwe.address, err);
}

void signin_login(struct call *call)
{
        struct login_request request = {.message = NULL};
        struct err err = {.code = E_OK};
        struct site site;

        if (call_fields(call, &request, login_fields, 2, &err) ||
            check_address(call, request.message, &err)) {
                call_fail(call, &err);
                return;
        }
        site_of(&site, call->brand);
        auth_login(call->api->o.auth, &site.site, request.message, strlen(request.message),
                   request.signature, strlen(request.signature), logged_in, call);
}

static void logged_out(void *cookie, enum errc rc)
{
        struct call *call = cookie;
        struct buf body;

        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        buf_init(&body, 64);
        buf_puts(&body, "{\"signedOut\":true}");
        call_reply(call, 200, &body);
}

void signin_logout(struct call *call)
{
        auth_logout(call->api->o.auth, &call->session, logged_out, call);
}
