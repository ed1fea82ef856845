#include <string.h>

#include "mirror/mirror_core.h"

const char *mirror_field_name(enum mirror_field field)
{
        switch (field) {
        case FIELD_SIZE: return "size";
        case FIELD_ENTRY: return "entry_notional";
        case FIELD_ISOLATED_CASH: return "isolated_cash";
        case FIELD_MODE: return "mode";
        case FIELD_LEVERAGE: return "leverage";
        case FIELD_FUNDING: return "funding";
        case FIELD_CROSS_CASH: return "cross_cash";
        case FIELD_ORDERS: return "orders";
        case FIELD_LIQUIDATION_PRICE: return "liquidation_price";
        case FIELD_ACCOUNT_VALUE: return "account_value";
        case FIELD_MARGIN_USED: return "margin_used";
        case FIELD_MAINTENANCE: return "maintenance";
        case FIELD_WITHDRAWABLE: return "withdrawable";
        }
        never("a field");
}

const char *mirror_cause_name(enum mirror_cause cause)
{
        switch (cause) {
        case CAUSE_NONE: return "none";
        case CAUSE_GAP: return "gap";
        case CAUSE_LATE: return "late";
        case CAUSE_OUTCOME: return "outcome";
        case CAUSE_FILL: return "fill";
        case CAUSE_FUNDING: return "funding";
        case CAUSE_LIQUIDATION: return "liquidation";
        case CAUSE_TOLD: return "told";
        case CAUSE_RULES: return "rules";
        case CAUSE_RANGE: return "range";
        case CAUSE_ASKED: return "asked";
        case CAUSE_ELSEWHERE: return "elsewhere";
        }
        never("a cause");
}

void mirror_stats(const struct mirror *mirror, struct mirror_stats *out)
{
        struct ticks_stats ticks;

        *out = mirror->stats;
        ticks_stats(mirror->ticks, &ticks);
        out->crossed = ticks.crossed;
        out->looks = ticks.looks;
        out->markets = mirror->n_places;
        out->tables = mirror->n_tables;
        for (uint32_t i = 0; i < mirror->n_slots; i++) {
                const struct shadow *s = mirror->shadow[i];

                if (!s)
                        continue;
                out->accounts++;
                out->positions += s->book.n;
                out->orders += s->n_orders;
                /* Its place in the map (entry, key, half a bucket), by number and in a heap. */
                out->bytes += shadow_bytes(s) + 96;
        }
        for (unsigned i = 0; i < MIRROR_RANKS; i++)
                out->due[i] = mirror->heap[i].n;
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
        buf_printf(out,
                   "# HELP perpgate_mirror_%s_total %s\n# TYPE perpgate_mirror_%s_total counter\n"
                   "perpgate_mirror_%s_total %llu\n",
                   name, help, name, name, (unsigned long long)value);
}

static void gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
        buf_printf(out,
                   "# HELP perpgate_mirror_%s %s\n# TYPE perpgate_mirror_%s gauge\n"
                   "perpgate_mirror_%s %llu\n",
                   name, help, name, name, (unsigned long long)value);
}

static void drift(struct buf *out, const struct mirror_stats *s)
{
        buf_puts(out, "# HELP perpgate_mirror_drift_total Fields that differed from the venue's.\n"
                      "# TYPE perpgate_mirror_drift_total counter\n");
        for (unsigned i = 0; i < MIRROR_FIELDS; i++) {
                const char *name = mirror_field_name((enum mirror_field)i);

                buf_printf(out,
                           "perpgate_mirror_drift_total{field=\"%s\",explained=\"yes\"} %llu\n",
                           name, (unsigned long long)s->drift_explained[i]);
                buf_printf(out, "perpgate_mirror_drift_total{field=\"%s\",explained=\"no\"} %llu\n",
                           name, (unsigned long long)s->drift_unexplained[i]);
        }
}

/* Only those that were: most of the table stays empty. */
static void causes(struct buf *out, const struct mirror_stats *s)
{
        buf_puts(out, "# HELP perpgate_mirror_drift_causes_total Why fields differed.\n"
                      "# TYPE perpgate_mirror_drift_causes_total counter\n");
        for (unsigned cause = 0; cause < MIRROR_CAUSES; cause++) {
                for (unsigned i = 0; i < MIRROR_FIELDS; i++) {
                        if (!s->drift_cause[cause][i])
                                continue;
                        buf_printf(out,
                                   "perpgate_mirror_drift_causes_total{field=\"%s\",cause=\"%s\"} "
                                   "%llu\n",
                                   mirror_field_name((enum mirror_field)i),
                                   mirror_cause_name((enum mirror_cause)cause),
                                   (unsigned long long)s->drift_cause[cause][i]);
                }
        }
}

static void waiting(struct buf *out, const struct mirror_stats *s)
{
        static const char *const name[MIRROR_RANKS] = {"waiting", "verify",   "gap",
                                                       "danger",  "attended", "sweep"};

        buf_puts(out, "# HELP perpgate_mirror_needs Accounts that are to be read, by rank.\n"
                      "# TYPE perpgate_mirror_needs gauge\n");
        for (unsigned i = 0; i < MIRROR_RANKS; i++)
                buf_printf(out, "perpgate_mirror_needs{rank=\"%s\"} %zu\n", name[i], s->due[i]);
}

void mirror_metrics(const struct mirror *mirror, struct buf *out)
{
        struct mirror_stats s;

        mirror_stats(mirror, &s);
        gauge(out, "accounts", "Accounts watched.", s.accounts);
        gauge(out, "positions", "Positions held by them.", s.positions);
        gauge(out, "orders", "Resting orders known.", s.orders);
        gauge(out, "bytes", "Memory of the accounts.", s.bytes);
        gauge(out, "drifted", "Accounts whose figures are not trusted.", s.drifted_now);
        gauge(out, "suspicions", "Differences whose reason is waited for.", s.suspicions);
        gauge(out, "wrong_ms_last",
              "How long the last account that was wrong without saying so may have been.",
              (uint64_t)s.wrong_ms_last);
        gauge(out, "wrong_ms_max",
              "The longest that an account may have been wrong without saying so.",
              (uint64_t)s.wrong_ms_max);
        counter(out, "states", "Account states received.", s.states);
        counter(out, "states_clean", "States that agreed in every field.", s.states_clean);
        counter(out, "states_stale", "States older than what was known.", s.states_stale);
        counter(out, "trades", "Public trades received.", s.trades);
        counter(out, "trades_known", "Sides of trades that were of watched accounts.",
                s.trades_known);
        counter(out, "trades_repeated", "Sides of trades seen before.", s.trades_seen_before);
        counter(out, "trades_old", "Sides of trades that a state already held.", s.trades_old);
        counter(out, "fills", "Fills received by account.", s.fills);
        counter(out, "payments", "Funding payments received by account.", s.payments);
        counter(out, "outcomes", "Outcomes of own actions.", s.outcomes);
        counter(out, "contexts", "Marks received.", s.contexts);
        counter(out, "refused", "Events that contradict themselves or what is known.", s.refused);
        counter(out, "drifted_ever", "Times that an account left the threshold.", s.drifted_ever);
        drift(out, &s);
        causes(out, &s);
        waiting(out, &s);
}
