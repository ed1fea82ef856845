#include "api/agent_life.h"

#include <stdio.h>
#include <string.h>

#include "api/out.h"
#include "base/mem.h"

#define DAY_MS INT64_C(86400000)

const struct venue_agent *agent_life_find(const struct venue_agent *agents, size_t n,
                                          const struct addr *address)
{
        for (size_t i = 0; i < n; i++)
                if (hex_addr_equal(&agents[i].address, address))
                        return &agents[i];
        return NULL;
}

void agent_life_base(char out[64], const char *name)
{
        text_copy(out, 64, name);
        out[strcspn(out, " ")] = '\0';
}

/* --- names and slots --- */

static bool is_listed(const struct venue_agent *agents, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(agents[i].name, name) == 0)
                        return true;
        return false;
}

static enum errc refuse_full(const struct venue_agent *agents, size_t n, unsigned slots,
                             struct err *err)
{
        char names[160] = "";
        size_t len = 0;

        for (size_t i = 0; i < n; i++) {
                int k = snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "",
                                 agents[i].name);
                if (k > 0 && (size_t)k < sizeof names - len)
                        len += (size_t)k;
                else
                        break;
        }
        names[len] = '\0';
        (void)err_set(
                err, E_FORBIDDEN,
                "All %u agents that the venue allows are taken: %s. None is removed unless you "
                "say which.",
                slots, names);
        err_hint(err, "{\"name\":\"...\",\"replace\":true} takes the place of one.");
        return E_FORBIDDEN;
}

/* The brand's id, then with a number: the first that nobody has. */
static void first_free(char out[AGENT_LIFE_NAME_MAX], const char *brand, const char *in_use,
                       const struct venue_agent *agents, size_t n)
{
        snprintf(out, AGENT_LIFE_NAME_MAX, "%.16s", brand);
        for (unsigned i = 2; is_listed(agents, n, out) || strcmp(out, in_use) == 0; i++)
                snprintf(out, AGENT_LIFE_NAME_MAX, "%.12s-%u", brand, i);
}

enum errc agent_life_choose(char out[AGENT_LIFE_NAME_MAX], const struct agent_life_request *request,
                            const char *brand, const struct store_account *record,
                            const struct venue_agent *agents, size_t n, unsigned slots,
                            struct err *err)
{
        char in_use[64] = "";
        bool is_taken;

        if (record->has_agent && record->agent_approved)
                agent_life_base(in_use, record->agent_name);
        if (request->name[0])
                text_copy(out, AGENT_LIFE_NAME_MAX, request->name);
        else
                first_free(out, brand, in_use, agents, n);
        is_taken = is_listed(agents, n, out);
        if (in_use[0] && strcmp(out, in_use) == 0)
                return err_field(err, E_INVALID, "name",
                                 "is the name of the agent in use; a successor needs another");
        if (is_taken && !request->replace) {
                (void)err_set(err, E_FORBIDDEN, "The venue lists an agent named %s already.", out);
                err_hint(err, "\"replace\":true takes its place.");
                return E_FORBIDDEN;
        }
        if (!is_taken && n >= slots)
                return refuse_full(agents, n, slots, err);
        return E_OK;
}

/* --- succession --- */

static void succeed(struct store_account *r)
{
        r->has_agent = true;
        r->agent_approved = true;
        r->agent = r->next.address;
        memcpy(r->agent_name, r->next.name, sizeof r->agent_name);
        memcpy(r->agent_sealed, r->next.sealed, sizeof r->agent_sealed);
        r->agent_sealed_len = r->next.sealed_len;
        r->agent_valid_until = r->next.valid_until;
        r->agent_nonce = r->next.nonce;
        r->has_next = false;
        r->next = (struct store_agent){.nonce = 0};
}

void agent_life_approved(struct store_account *record, const struct addr *address)
{
        if (record->has_next && hex_addr_equal(&record->next.address, address))
                succeed(record);
        else
                record->agent_approved = true;
}

bool agent_life_follow(struct store_account *r, const struct venue_agent *agents, size_t n)
{
        const struct venue_agent *next =
                r->has_next ? agent_life_find(agents, n, &r->next.address) : NULL;
        const struct venue_agent *current;
        bool changed = next != NULL;

        if (next)
                succeed(r);
        current = r->has_agent ? agent_life_find(agents, n, &r->agent) : NULL;
        if (!current)
                return changed;
        if (!r->agent_approved ||
            (current->valid_until && r->agent_valid_until != current->valid_until))
                changed = true;
        r->agent_approved = true;
        if (current->valid_until)
                r->agent_valid_until = current->valid_until;
        return changed;
}

/* --- its end --- */

unsigned agent_life_warning(int64_t valid_until, int64_t now)
{
        static const unsigned days[] = {1, 7, 30};

        for (size_t i = 0; valid_until && i < sizeof days / sizeof *days; i++)
                if (valid_until - now <= days[i] * DAY_MS)
                        return days[i];
        return 0;
}

void agent_life_warn(struct buf *out, const struct store_account *r, bool is_active, int64_t now)
{
        unsigned days = is_active ? agent_life_warning(r->agent_valid_until, now) : 0;

        out_key(out, "warnings");
        buf_putc(out, '[');
        if (days) {
                buf_putc(out, '{');
                out_text(out, "code", "agent_expires");
                out_int(out, "thresholdDays", days);
                out_int(out, "validUntil", r->agent_valid_until);
                out_text(out, "detail",
                         r->has_next ? "The agent ends soon. Sign its successor's approval: POST "
                                       "/v1/agent/approve."
                                     : "The agent ends soon. POST /v1/agent makes a successor; the "
                                       "agent works until the successor is approved.");
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
}
