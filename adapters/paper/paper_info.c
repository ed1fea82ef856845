#include "adapters/paper/paper_info.h"

#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "base/attr.h"

bool paper_info_asset(const struct paper *p, const json_t *request, const char *key, int *asset)
{
        const char *coin = hl_raw_get_text(request, key, NULL);

        if (!coin)
                return false;
        *asset = paper_universe_find(&p->universe, coin);
        return true;
}

bool paper_info_dex(const struct paper *p, const json_t *request, unsigned *dex)
{
        const char *name = hl_raw_get_text(request, "dex", NULL);
        int found = name ? paper_dexes_find(&p->universe, name) : -1;

        if (hl_raw_is_absent(request, "dex"))
                found = 0;
        *dex = found < 0 ? 0 : (unsigned)found;
        return found >= 0;
}

bool paper_info_user(const json_t *request, const char *key, struct addr *user)
{
        return !hl_raw_get_addr(user, request, key);
}

static bool read_time(const json_t *request, const char *key, int64_t *out)
{
        int64_t at;

        if (hl_raw_is_absent(request, key))
                return true;
        if (hl_raw_get_int(&at, request, key) || at < 0 || at > INT64_MAX / 4)
                return false;
        *out = at;
        return true;
}

bool paper_info_range(const json_t *request, int64_t *from, int64_t *until)
{
        return read_time(request, "startTime", from) && read_time(request, "endTime", until);
}

bool paper_info_grid(const json_t *request, struct paper_grid *grid)
{
        uint64_t figures = 0, first = 0;

        if (!hl_raw_is_absent(request, "nSigFigs") &&
            (hl_raw_get_uint(&figures, request, "nSigFigs") || figures < 2 || figures > 5))
                return false;
        if (!hl_raw_is_absent(request, "mantissa") &&
            (hl_raw_get_uint(&first, request, "mantissa") || (first != 2 && first != 5) ||
             figures != 5))
                return false;
        *grid = (struct paper_grid){(unsigned)figures, (unsigned)first, false};
        if (!hl_raw_is_absent(request, "fast") && hl_raw_get_bool(&grid->is_fast, request, "fast"))
                return false;
        return true;
}

static const struct paper_info_row *find(const char *type)
{
        const struct paper_info_row *rows[] = {paper_info_market_rows(), paper_info_dex_rows(),
                                               paper_info_account_rows(), paper_info_person_rows()};

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                for (const struct paper_info_row *row = rows[i]; row->type; row++)
                        if (!strcmp(row->type, type))
                                return row;
        return NULL;
}

void paper_info_run(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        const char *type = hl_raw_get_text(body, "type", NULL);
        const struct paper_info_row *row = type ? find(type) : NULL;
        int status = row ? row->run(p, &answer->body, body) : PAPER_INFO_SHAPE;

        if (status == PAPER_INFO_SHAPE) {
                paper_answer_text(answer, 422, PAPER_422);
        } else if (status != PAPER_INFO_OK) {
                paper_answer_text(answer, status, "null");
        } else if (buf_check(&answer->body)) {
                paper_answer_text(answer, 500, "The answer is too large.");
        }
}
