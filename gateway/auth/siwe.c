/* The message, line by line (EIP-4361; its optional scheme, request id and resources are neither
 * written nor taken, because no message of ours has them):
 *
 *   DOMAIN wants you to sign in with your Ethereum account:
 *   ADDRESS
 *
 *   STATEMENT            (left out, with its line, when there is none)
 *
 *   URI: URI
 *   Version: 1
 *   Chain ID: NUMBER
 *   Nonce: TEXT
 *   Issued At: TIME
 *   Expiration Time: TIME   (optional)
 *   Not Before: TIME        (optional)
 *
 * Lines end in one LF, the last in nothing. A message that parses prints as the same bytes. */
#include "auth/siwe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "auth/siwe_text.h"
#include "base/mem.h"

static const char heading[] = " wants you to sign in with your Ethereum account:";

/* --- printing --- */

struct printer {
        char *out;
        size_t cap;
        size_t len;
        bool overflowed;
};

static void put(struct printer *p, const char *fmt, ...) PRINTF(2, 3);
static void put(struct printer *p, const char *fmt, ...)
{
        va_list args;

        if (p->overflowed)
                return;
        va_start(args, fmt);
        int n = vsnprintf(p->out + p->len, p->cap - p->len, fmt, args);
        va_end(args);
        if (n < 0 || (size_t)n >= p->cap - p->len)
                p->overflowed = true;
        else
                p->len += (size_t)n;
}

static void put_time(struct printer *p, const char *label, int64_t wall_ms)
{
        char text[SIWE_TIME_MAX];

        if (siwe_text_print_time(text, wall_ms))
                p->overflowed = true;
        else
                put(p, "\n%s%s", label, text);
}

static bool fields_ok(const struct siwe *siwe)
{
        return siwe_text_domain_ok(siwe->domain, strlen(siwe->domain)) &&
               siwe_text_statement_ok(siwe->statement, strlen(siwe->statement)) &&
               siwe_text_uri_ok(siwe->uri, strlen(siwe->uri)) &&
               siwe_text_nonce_ok(siwe->nonce, strlen(siwe->nonce)) &&
               strcmp(siwe->version, "1") == 0 && siwe->chain_id > 0 && siwe->issued_at > 0;
}

size_t siwe_print(char *out, size_t cap, const struct siwe *siwe)
{
        struct printer p = {.out = out, .cap = cap};
        char address[ADDR_STR_MAX];

        if (!fields_ok(siwe))
                return 0;
        siwe_text_print_addr(address, &siwe->address);
        put(&p, "%s%s\n%s\n\n", siwe->domain, heading, address);
        if (siwe->statement[0])
                put(&p, "%s\n", siwe->statement);
        put(&p, "\nURI: %s\nVersion: %s\nChain ID: %" PRIu64 "\nNonce: %s", siwe->uri,
            siwe->version, siwe->chain_id, siwe->nonce);
        put_time(&p, "Issued At: ", siwe->issued_at);
        if (siwe->expires_at)
                put_time(&p, "Expiration Time: ", siwe->expires_at);
        if (siwe->not_before)
                put_time(&p, "Not Before: ", siwe->not_before);
        return p.overflowed ? 0 : p.len;
}

/* --- parsing --- */

struct reader {
        const char *at;
        const char *end;
        unsigned number; /* of the line in hand, from 1 */
        const char *line;
        size_t len;
        bool at_end; /* no line after the one in hand */
        struct err *err;
};

static enum errc bad(struct reader *r, const char *expected)
{
        return err_set(r->err, E_SYNTAX, "Line %u of the message: %s.", r->number, expected);
}

/* Takes the next line in hand; false at the end. */
static bool next(struct reader *r)
{
        if (r->at_end)
                return false;
        const char *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));

        r->line = r->at;
        r->len = (size_t)((lf ? lf : r->end) - r->at);
        r->at = lf ? lf + 1 : r->end;
        r->at_end = !lf;
        r->number++;
        return true;
}

static enum errc need(struct reader *r, const char *expected)
{
        if (next(r))
                return E_OK;
        r->number++;
        return bad(r, expected);
}

static bool has_label(const struct reader *r, const char *label)
{
        size_t n = strlen(label);

        return r->len > n && memcmp(r->line, label, n) == 0;
}

/* The next line must be label and a value, which is left in hand. */
static enum errc labelled(struct reader *r, const char *label, const char *expected)
{
        enum errc rc = need(r, expected);

        if (rc)
                return rc;
        if (!has_label(r, label))
                return bad(r, expected);
        r->line += strlen(label);
        r->len -= strlen(label);
        return E_OK;
}

static enum errc copy(struct reader *r, char *out, size_t cap, const char *too_long)
{
        if (r->len >= cap)
                return bad(r, too_long);
        memcpy(out, r->line, r->len);
        out[r->len] = '\0';
        return E_OK;
}

static enum errc blank(struct reader *r)
{
        enum errc rc = need(r, "an empty line is expected");

        if (!rc && r->len)
                rc = bad(r, "an empty line is expected");
        return rc;
}

static enum errc read_heading(struct reader *r, struct siwe *out)
{
        static const char expected[] =
                "expected a domain and \"wants you to sign in with your Ethereum account:\"";
        size_t n = sizeof heading - 1;
        enum errc rc = need(r, expected);

        if (rc)
                return rc;
        if (r->len <= n || memcmp(r->line + r->len - n, heading, n) != 0)
                return bad(r, expected);
        r->len -= n;
        if (!siwe_text_domain_ok(r->line, r->len))
                return bad(r, "the domain must be a host, without a scheme");
        return copy(r, out->domain, sizeof out->domain, "the domain is too long");
}

static enum errc read_address(struct reader *r, struct siwe *out)
{
        static const char expected[] =
                "expected an address, 0x and 40 digits in the mixed case of EIP-55";
        enum errc rc = need(r, expected);

        if (!rc && siwe_text_parse_addr(&out->address, r->line, r->len))
                rc = bad(r, expected);
        return rc ? rc : blank(r);
}

/* An empty line, or the statement and an empty line. */
static enum errc read_statement(struct reader *r, struct siwe *out)
{
        enum errc rc = need(r, "expected a statement or an empty line");

        if (rc || r->len == 0)
                return rc;
        if (!siwe_text_statement_ok(r->line, r->len))
                return bad(r, "the statement has a character that is not allowed");
        rc = copy(r, out->statement, sizeof out->statement, "the statement is too long");
        return rc ? rc : blank(r);
}

static enum errc read_fixed(struct reader *r, struct siwe *out)
{
        enum errc rc = labelled(r, "URI: ", "expected \"URI: \" and the URI");

        if (!rc && !siwe_text_uri_ok(r->line, r->len))
                rc = bad(r, "the URI is not valid");
        if (!rc)
                rc = copy(r, out->uri, sizeof out->uri, "the URI is too long");
        if (!rc)
                rc = labelled(r, "Version: ", "expected \"Version: 1\"");
        if (!rc && (r->len != 1 || r->line[0] != '1'))
                rc = bad(r, "expected \"Version: 1\"");
        if (!rc)
                rc = copy(r, out->version, sizeof out->version, "expected \"Version: 1\"");
        if (!rc)
                rc = labelled(r, "Chain ID: ", "expected \"Chain ID: \" and a number");
        if (!rc && (siwe_text_parse_u64(&out->chain_id, r->line, r->len) || !out->chain_id))
                rc = bad(r, "the chain id must be a number above 0");
        if (!rc)
                rc = labelled(r, "Nonce: ", "expected \"Nonce: \" and the nonce");
        if (!rc && !siwe_text_nonce_ok(r->line, r->len))
                rc = bad(r, "the nonce must be 8 or more letters and digits");
        if (!rc)
                rc = copy(r, out->nonce, sizeof out->nonce, "the nonce is too long");
        return rc;
}

static enum errc read_time(struct reader *r, int64_t *out)
{
        if (siwe_text_parse_time(out, r->line, r->len) || *out == 0)
                return bad(r, "the time must look like 2026-01-31T23:59:59.999Z");
        return E_OK;
}

static enum errc read_times(struct reader *r, struct siwe *out)
{
        static const char expiry[] = "Expiration Time: ", not_before[] = "Not Before: ";
        enum errc rc = labelled(r, "Issued At: ", "expected \"Issued At: \" and a time");
        bool more;

        if (!rc)
                rc = read_time(r, &out->issued_at);
        if (rc)
                return rc;
        more = next(r);
        if (more && has_label(r, expiry)) {
                r->line += sizeof expiry - 1;
                r->len -= sizeof expiry - 1;
                rc = read_time(r, &out->expires_at);
                more = !rc && next(r);
        }
        if (more && has_label(r, not_before)) {
                r->line += sizeof not_before - 1;
                r->len -= sizeof not_before - 1;
                rc = read_time(r, &out->not_before);
                more = !rc && next(r);
        }
        if (more)
                rc = bad(r, "nothing more is expected here");
        return rc;
}

enum errc siwe_parse(struct siwe *out, const char *message, size_t len, struct err *err)
{
        struct reader r = {.at = message, .end = message + len, .err = err};
        struct siwe parsed = {0};
        enum errc rc;

        if (len == 0 || len >= SIWE_MESSAGE_MAX)
                return err_set(err, E_SYNTAX, "The message is %s.", len ? "too long" : "empty");
        rc = read_heading(&r, &parsed);
        if (!rc)
                rc = read_address(&r, &parsed);
        if (!rc)
                rc = read_statement(&r, &parsed);
        if (!rc)
                rc = read_fixed(&r, &parsed);
        if (!rc)
                rc = read_times(&r, &parsed);
        if (!rc)
                *out = parsed;
        return rc;
}
