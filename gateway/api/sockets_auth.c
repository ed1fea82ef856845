/* Who a socket belongs to, and whether that still holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/schema.h"
#include "api/sockets_impl.h"
#include "base/mem.h"

#define FAILURES_MAX 5
#define CHECK_MS     10000 /* an ended session is noticed within it */
#define TEXT_MAX     512   /* of a token, a signature */
#define DIGITS_MAX   24

struct asked {
        struct sockets *all;
        struct handle peer;
        char *id; /* as JSON; NULL: none */
};

static const struct field fields[] = {
#define RAW(name_, member)                                                                         \
        {                                                                                          \
                .name = name_, .type = FIELD_RAW,                                                  \
                .offset = offsetof(struct api_socket_credentials, member),                         \
                .present = FIELD_NO_FLAG, .size = TEXT_MAX                                         \
        }
        RAW("token", token),         RAW("apiKey", api_key), RAW("timestamp", timestamp),
        RAW("signature", signature), RAW("window", window),  RAW("subAccount", sub_account),
#undef RAW
};

static struct asked *asked_new(const struct socket *s, const char *id)
{
        struct asked *asked = xcalloc(1, sizeof *asked);

        asked->all = s->all;
        asked->peer = s->peer;
        asked->id = id ? xstrdup(id) : NULL;
        return asked;
}

static void asked_free(struct asked *asked)
{
        free(asked->id);
        free(asked);
}

/* ---- known and forgotten ---- */

void sockets_auth_forget(struct socket *s)
{
        if (s->account_key[0])
                tally_drop(s->all->by_account, s->account_key);
        s->account_key[0] = '\0';
        list_remove(&s->at_signed_in);
        s->is_known = false;
        memset(&s->who, 0, sizeof s->who);
}

static enum errc not_yours(void *cookie, const struct stream_source *source,
                           const struct stream_subject *subject, struct err *err)
{
        const struct socket *s = cookie;

        if (!source->is_private)
                return E_OK;
        if (s->is_known && !s->who.may_read)
                return err_set(err, E_FORBIDDEN, "The key's scopes don't include \"read\".");
        if (s->is_known &&
            memcmp(&subject->account, &s->who.account, sizeof subject->account) == 0 &&
            memcmp(&subject->owner, &s->who.session.address, sizeof subject->owner) == 0)
                return E_OK;
        return err_set(err, E_UNAUTHORIZED, "The socket now belongs to another account.");
}

/* False: the account has as many sockets as it may. */
static bool remember(struct socket *s, const struct api_socket_who *who)
{
        struct sockets *all = s->all;
        char key[sizeof s->account_key], address[ADDR_STR_MAX];

        must(text_copy(key, sizeof key, s->from.brand));
        hex_print_addr(address, &who->session.address);
        must(text_copy(key + strlen(key), sizeof key - strlen(key), address));
        sockets_auth_forget(s);
        if (!tally_add(all->by_account, key, all->limits.sockets_per_account))
                return false;
        memcpy(s->account_key, key, sizeof key);
        s->who = *who;
        s->is_known = true;
        s->check_at = clock_mono_ms(all->api->o.clock) + CHECK_MS;
        list_push_back(&all->signed_in, &s->at_signed_in);
        hub_review(s->reader, not_yours, s);
        return true;
}

/* ---- signing in ---- */

static void tell_authenticated(struct socket *s, const char *id)
{
        char address[ADDR_STR_MAX];
        struct buf out;

        sockets_frames_begin(&out, "authenticated", id, NULL);
        buf_printf(&out,
                   ",\"account\":\"%s\",\"expiresAt\":", hex_print_addr(address, &s->who.account));
        if (s->who.session.expires_at)
                buf_printf(&out, "%" PRId64, s->who.session.expires_at);
        else
                buf_puts(&out, "null");
        sockets_frames_say(s, &out);
}

static void tell_refused(struct socket *s, const char *id, int status, const char *body, size_t len)
{
        struct buf out;

        sockets_frames_begin(&out, "error", id, "auth");
        buf_puts(&out, ",\"problem\":");
        buf_put(&out, body, len);
        sockets_frames_say(s, &out);
        if (status == 451)
                sockets_end(s, SOCKET_POLICY, "not available to this address", -1);
        else if (status == 401 && ++s->failures >= FAILURES_MAX)
                sockets_end(s, SOCKET_WHO, "too many attempts to sign in", -1);
}

static void signed_in(void *cookie, const struct api_socket_who *who, int status, const char *body,
                      size_t len)
{
        struct asked *asked = cookie;
        struct socket *s = sockets_find(asked->all, asked->peer);

        if (s)
                s->is_asking = false;
        if (!s || s->is_closing)
                goto done;
        if (!who)
                tell_refused(s, asked->id, status, body, len);
        else if (remember(s, who))
                tell_authenticated(s, asked->id);
        else
                sockets_end(s, SOCKET_LIMIT, "the account has too many sockets",
                            sockets_spread(s->all));
done:
        asked_free(asked);
}

/* A number is what a client has; a text of digits is what it signs. */
static void number_as_text(struct socket_frame *frame, const char *name)
{
        const json_t *number = json_object_get(frame->json, name);
        char digits[DIGITS_MAX];

        if (!json_is_integer(number))
                return;
        (void)snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
        (void)json_object_set_new(frame->json, name, json_string(digits));
}

void sockets_auth_take(struct socket_frame *frame, struct err *err)
{
        struct socket *s = frame->socket;
        struct api_socket_credentials c = {.token = NULL};

        number_as_text(frame, "timestamp");
        number_as_text(frame, "window");
        if (schema_read(&c, frame->json, fields, sizeof fields / sizeof *fields, err))
                return;
        if (!c.token == !c.api_key) {
                (void)err_field(err, E_INVALID, "token", "or apiKey is required, and not both");
                return;
        }
        if (s->is_asking) {
                (void)err_set(err, E_IN_PROGRESS, "The last \"auth\" has no answer yet.");
                return;
        }
        s->is_asking = true;
        api_socket_auth(s->all->api, &s->from, &c, signed_in, asked_new(s, frame->id));
}

/* ---- still the same? ---- */

static void checked(void *cookie, const struct api_socket_who *who, int status, const char *body,
                    size_t len)
{
        struct asked *asked = cookie;
        struct socket *s = sockets_find(asked->all, asked->peer);

        (void)body;
        (void)len;
        if (s)
                s->is_asking = false;
        if (!s || s->is_closing || who)
                goto done;
        if (status == 401)
                sockets_end(s, SOCKET_WHO, "the session or the key has ended", -1);
        else if (status == 403)
                sockets_end(s, SOCKET_SCOPE, "not allowed any more", -1);
        else if (status == 451)
                sockets_end(s, SOCKET_POLICY, "not available to this address", -1);
        /* Else it can't be told now, and is asked again. */
done:
        asked_free(asked);
}

static void check(struct socket *s)
{
        int64_t expires_at = s->who.session.expires_at;

        if (expires_at && expires_at <= state_now(s->all->api)) {
                sockets_end(s, SOCKET_WHO, "the session has ended", -1);
                return;
        }
        if (s->is_asking || s->is_closing)
                return;
        s->is_asking = true;
        api_socket_recheck(s->all->api, &s->from, &s->who, checked, asked_new(s, NULL));
}

void sockets_auth_tick(struct sockets *all)
{
        int64_t now = clock_mono_ms(all->api->o.clock);

        while (!list_empty(&all->signed_in)) {
                struct socket *s = list_entry(all->signed_in.next, struct socket, at_signed_in);
                if (s->check_at > now)
                        break;
                s->check_at = now + CHECK_MS;
                list_remove(&s->at_signed_in);
                list_push_back(&all->signed_in, &s->at_signed_in);
                check(s);
        }
}
